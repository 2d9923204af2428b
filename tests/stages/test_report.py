import json
import re
import runpy
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from ser import clips, manifest
from ser.ambiguity import bands, checks, doubt, votes
from ser.ambiguity import figures as ambiguity_figures
from ser.ambiguity.doubt import AmbiguityParams
from ser.bias import audit, figures, gaps, refusals
from ser.bias import groups as bias_groups
from ser.bias.groups import BiasParams
from ser.confidence import abstention, calibration
from ser.corpora import accounts, intake, shared_audio
from ser.files import tables
from ser.report import words
from ser.report.schemas import TABLES
from ser.representation import probes, silhouettes
from ser.representation import spaces as representation_spaces
from ser.representation.spaces import RepresentationParams
from ser.scores import metrics
from ser.scores.intervals import IntervalParams
from ser.splits import oracle

ROOT = Path(__file__).resolve().parents[2]
STAGE = ROOT / "stages" / "report.py"
TEMPLATE = ROOT / "ser" / "report" / "report.html.j2"
EMOTIONS = ["angry", "happy", "sad"]
PARAMS = {
    "corpora": ["c"],
    "emotions": EMOTIONS,
    "age_bands": [30, 45],
    "intervals": {"resamples": 100, "confidence": 0.95, "seed": 0, "minimum_speakers": 3},
    "synthesize": {"seed": 1},
    "manifest": {"merge": {}, "min_seconds": 0.2},
    "features": {"encoder": "mfcc"},
    "split": {"protocol": "kfold"},
    "augment": {"conditions": {}},
    "auxiliary": {"corpora": []},
    "train": {"seed": 3, "normalisation": "train", "hidden": [8, 4]},
    "bias": {"permutations": 100},
    "representation": {
        "folds": 2,
        "cost": 0.1,
        "permutations": 2,
        "perplexity": 5.0,
        "neighbours": 3,
        "utterances": 10_000,
    },
    "ambiguity": {"majority": 0.5, "bands": [0.5, 0.8], "neighbours": 3, "leave_out": 0.2, "resamples": 100},
    "listen": {"utterances": 3, "seconds": 1.0},
    "familiarity": {"false_alarms": 0.05},
}
METRICS = ("manifest", "split", "evaluate", "familiarity", "bias", "ambiguity")
PICTURES = ("audit", "confusion", "curves", "familiarity", "representation", "projection", "groups", "ambiguity")
PNG, FLAC = b"\x89PNG\r\n\x1a\n not looked into", b"fLaC not looked into"


def people():
    """Eight speakers of twelve utterances, a third ambiguous by their votes; women and men, younger and older."""
    count = 96
    rows = pd.DataFrame({"id": [f"c/{index:03d}" for index in range(count)]})
    rows["path"], rows["corpus"] = rows["id"] + ".wav", "c"
    rows["speaker"] = [f"c/{index // 12}" for index in range(count)]
    rows["gender"] = np.where(np.arange(count) // 12 % 2, "male", "female")
    rows["age"] = np.where(np.arange(count) // 24 % 2, 40.0, 22.0)
    rows["language"] = "en"
    rows["emotion"] = [EMOTIONS[index % 3] for index in range(count)]
    rows["votes"] = [
        json.dumps({emotion: 5, EMOTIONS[(place + 1) % 3]: 5} if place // 3 % 3 == 0 else {emotion: 9, "other": 1})
        for place, emotion in enumerate(rows["emotion"])
    ]
    rows["text"] = [f"sentence {index % 4}" for index in range(count)]
    rows["seconds"], rows["sampling_rate"], rows["sha256"], rows["details"] = 1.5, 16000, "0", ""
    return rows[list(manifest.COLUMNS)]


def predictions(rows, protocol, seed):
    """What a model that is mostly right would have predicted, in two folds of speakers."""
    generator = np.random.default_rng(seed)
    labels = pd.Index(EMOTIONS).get_indexer(rows["emotion"])
    logits = 2.0 * np.eye(3)[labels] + generator.normal(0, 1.2, (len(rows), 3))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    table = rows[["id"]].assign(protocol=protocol, fold=np.arange(len(rows)) // 12 % 2, truth=rows["emotion"])
    table["prediction"] = np.array(EMOTIONS)[shares.argmax(axis=1)]
    table[[f"p_{emotion}" for emotion in EMOTIONS]] = shares
    return table


def lay_out(rows, protocols):
    """Write what the stages before this one would have written of these people."""
    generator = np.random.default_rng(0)
    everything = pd.concat([predictions(rows, name, seed) for seed, name in enumerate(protocols)])
    everything = everything.merge(rows, on="id")
    chosen = everything[everything["protocol"] == protocols[0]].reset_index(drop=True)
    drawn = IntervalParams(**PARAMS["intervals"])
    evaluated = metrics.report(everything, EMOTIONS, drawn)
    evaluated["calibration"] = calibration.report(chosen.assign(temperature=1.1), EMOTIONS, drawn)
    evaluated["abstention"] = abstention.report(chosen, EMOTIONS, 0.5, drawn)
    settings = BiasParams(**PARAMS["intervals"], **PARAMS["bias"], age_bands=tuple(PARAMS["age_bands"]))
    carried = refusals.examine(chosen, rows, EMOTIONS, settings)
    groups = carried.withhold(bias_groups.groups(chosen, EMOTIONS, settings), EMOTIONS)
    between = gaps.table(chosen, EMOTIONS, settings, carried)
    unfair = figures.metrics(groups, between, carried, audit.overview(chosen, rows, settings))
    doubted = AmbiguityParams(
        **PARAMS["intervals"] | PARAMS["ambiguity"] | {"bands": tuple(PARAMS["ambiguity"]["bands"])}
    )
    counts = votes.counts(rows)
    vectors = np.eye(3)[pd.Index(EMOTIONS).get_indexer(rows["emotion"])] + generator.normal(0, 0.7, (len(rows), 3))
    dynamics = pd.DataFrame({"id": rows["id"], "confidence": generator.uniform(size=len(rows)), "variability": 0.1})
    judged = doubt.judge(rows, chosen, vectors, dynamics, EMOTIONS, doubted)
    checked = checks.against_references(judged, doubted)
    banded = bands.by_agreement(judged, chosen, counts, EMOTIONS, doubted)
    probing = RepresentationParams(**PARAMS["intervals"], **PARAMS["representation"])
    spaces = {"features": representation_spaces.whole(vectors), "mfcc": representation_spaces.whole(vectors[:, :2])}
    curves = pd.DataFrame({"protocol": protocols[0], "fold": [0, 0, 1, 1], "epoch": [1, 2, 1, 2]})
    curves = curves.assign(validation_loss=[0.9, 0.8, 0.7, 0.75], train_uar=[0.5, 0.6, 0.5, 0.7], validation_uar=0.5)
    split = {"chance_uar": oracle.chance(rows)} | oracle.figures(rows["emotion"], rows["speaker"], "speaker")
    reject = pd.DataFrame([("c/bad.wav", "c", "too_short", "0.1 s")], columns=list(intake.REJECTED_COLUMNS))
    made = {
        "manifest": accounts.summary(rows, reject, shared_audio.table([])),
        "split": split,
        "evaluate": evaluated,
        "familiarity": {"false_alarms": 0.0613, "uar_familiar": 0.7107, "detected": {"hum": 0.9207}},
        "bias": unfair,
        "ambiguity": ambiguity_figures.metrics(judged, chosen, counts, checked, banded, EMOTIONS, doubted),
        "rejected": reject,
        "audit": audit.counts(chosen, EMOTIONS, settings),
        "refused": carried.refused,
        "confusion": chosen[["truth", "prediction"]],
        "classes": metrics.classes(everything, EMOTIONS),
        "folds": metrics.folds(everything, EMOTIONS),
        "curves": curves,
        "probes": probes.table(spaces, rows, settings.age_bands, probing),
        "silhouettes": silhouettes.table(spaces, rows, probing),
        "groups": groups,
        "bands": banded,
        "scores": checked,
        "ambiguous": doubt.ranking(judged),
    }
    for name, content in made.items():
        if name in METRICS:
            tables.write_metrics(content, Path(f"{name}.json"))
        else:
            tables.write(content, Path(f"{name}.csv"))
    for name in PICTURES:
        Path(f"{name}.png").write_bytes(PNG)
    lay_out_clips(made["ambiguous"]["path"])
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS, sort_keys=False))


def lay_out_clips(paths):
    """Write clips of the first two utterances, one of them cut; the audio of the third is not at hand."""
    Path("clips").mkdir(exist_ok=True)
    rows = [(1, paths[0], 1.5, 1.0, ""), (2, paths[1], 0.8, 0.8, ""), (3, paths[2], None, None, "no such file")]
    tables.write(pd.DataFrame(rows, columns=list(clips.COLUMNS)), Path("clips/clips.csv"))
    for rank in (1, 2):
        Path(f"clips/{rank}.png").write_bytes(PNG)
        Path(f"clips/{rank}.flac").write_bytes(FLAC)


class Text(HTMLParser):
    """The text of a page, and its tags in balance."""

    def __init__(self, html):
        super().__init__()
        self.open, self.parts = [], []
        self.feed(html)
        self.close()
        assert self.open == []
        self.text = " ".join(" ".join(self.parts).split())

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.parts.append(data)


@pytest.fixture(scope="module")
def everybody(tmp_path_factory):
    """The project of all people, analysed once for the tests that take a copy of it."""
    folder = tmp_path_factory.mktemp("everybody")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        lay_out(people(), ("kfold", "random"))
    return folder


@pytest.fixture
def write(tmp_path, monkeypatch, everybody):
    """Give a function that lays out a project of people, runs the stage, and gives the page's text."""
    monkeypatch.chdir(tmp_path)

    def of(rows=None, protocols=("kfold", "random")):
        if rows is None:
            shutil.copytree(everybody, tmp_path, dirs_exist_ok=True)
        else:
            lay_out(rows, protocols)
        return run(monkeypatch)

    return of


def run(monkeypatch, **changed):
    flags = {"params": "params.yaml", "template": str(TEMPLATE), "clips": "clips", "report": "reports/report.html"}
    flags |= {f"{name}-metrics": f"{name}.json" for name in METRICS}
    flags |= {f"{name}-table": f"{name}.csv" for name in TABLES}
    flags |= {f"{name}-picture": f"{name}.png" for name in PICTURES}
    line = [part for name, value in (flags | changed).items() for part in (f"--{name}", value)]
    monkeypatch.setattr(sys, "argv", [str(STAGE), *line])
    runpy.run_path(str(STAGE), run_name="__main__")
    return Text(Path("reports/report.html").read_text(encoding="utf-8")).text


def test_the_report_tells_of_everything(write, capsys):
    text = write()
    for title in ("Summary", "Performance", "Speaker dependency", "Bias: are", "Ambiguity: labels", "Data and limits"):
        assert title in text
    assert "96 utterances by 8 speakers" in text
    assert "c/bad.wav too short 0.1 s" in text
    assert "To listen to: the 20 most ambiguous of 96 utterances" in text
    assert "bias.permutations 100" in text
    assert "train.hidden 8, 4" in text
    assert "torch 2.11.0" in text
    assert not re.search(r"\b(nan|NaN|None|inf)\b", text)
    assert capsys.readouterr().out == (
        "report: 96 utterances by 8 speakers, 0.040 hours of speech, from c; open reports/report.html\n"
    )


def leaves(value):
    """All numbers of nested metrics."""
    if isinstance(value, dict):
        return [leaf for member in value.values() for leaf in leaves(member)]
    return [value]


def test_every_number_of_the_text_is_one_of_the_metrics_or_tables_as_rounded(write):
    text = write()
    known = [leaf for name in METRICS for leaf in leaves(json.loads(Path(f"{name}.json").read_text()))]
    for name in TABLES:
        known += pd.read_csv(f"{name}.csv").select_dtypes("number").stack().tolist()
    kept = pd.read_csv("curves.csv").iloc[[1, 2]]  # the epochs with the lowest validation loss
    known += [kept["train_uar"].mean(), kept["validation_uar"].mean()]
    known.append(kept["train_uar"].mean() - kept["validation_uar"].mean())
    known.append(1 / (1 + PARAMS["representation"]["permutations"]))
    shown = {words.number(round(abs(value), tables.DECIMALS)) for value in known}  # as the metrics have them
    numbers = re.findall(r"(?<![\d.])\d+\.\d{3}(?!\d)", text.replace(",", ""))
    assert len(numbers) > 300
    assert set(numbers) - shown <= {"0.001"}  # of p < 0.001


def test_the_same_inputs_give_the_same_bytes(write, monkeypatch):
    write()
    first = Path("reports/report.html").read_bytes()
    run(monkeypatch)
    assert Path("reports/report.html").read_bytes() == first


def test_a_corpus_without_gender_and_ages_gives_a_report_that_says_so(write):
    text = write(people().assign(gender="", age=np.nan))
    assert "The corpora record no genders." in text
    assert "The corpora record no ages." in text
    assert "The corpora record no genders: nothing is said of bias by gender." in text
    assert "Not compared, for reasons that the section tells: genders, ages, corpora and languages." in text
    assert "Can the gender be read off the encoder's vectors? cannot be said No probe: " in text


def test_one_speaker_per_gender_gives_a_report_that_says_so(write):
    rows = people()
    text = write(
        rows.assign(gender=np.where(rows["speaker"] == "c/1", "male", np.where(rows["speaker"] == "c/0", "female", "")))
    )
    assert "one speaker: c/0" in text
    assert "one speaker: c/1" in text
    assert "No comparison (no group of which anything can be said)." in text


def test_an_empty_group_is_named_as_empty(write):
    text = write(people().assign(gender="female"))
    assert "gender male 0 0 no utterances" in text
    assert "No comparison (one group alone: female)." in text


def test_unknown_speakers_give_a_report_without_intervals_that_says_so(write):
    text = write(people().assign(speaker=""), protocols=("random",))
    assert "96 utterances by unknown speakers" in text
    assert "no interval: speakers unknown" in text
    assert "The speakers are unknown: nobody can say what knowing the speaker is worth." in text
    assert "it lets the model know the test speakers, so the figure is optimistic" in text
    assert "Only the protocol random was run, and it keeps no speaker apart." in text
    assert "No silhouettes" in text


def test_too_few_speakers_give_a_report_without_intervals_that_says_how_many_are_needed(write):
    rows = people()
    text = write(rows[rows["speaker"].isin(["c/0", "c/1"])].reset_index(drop=True))
    assert "(no interval: 2 speakers of 3 needed)" in text


def test_emotions_tied_to_speakers_refuse_every_claim(write):
    rows = people()
    tied = rows.assign(speaker=[f"c/{emotion}{index % 2}" for index, emotion in enumerate(rows["emotion"])])
    text = write(tied)
    assert "emotion is tied to the speaker" in text
    assert "Not compared, for reasons that the section tells: genders, ages, corpora and languages." in text


def test_a_corpus_without_votes_says_that_nobody_checks_the_models(write):
    text = write(people().assign(votes=""))
    assert "The corpora distribute neither votes nor listeners' scores" in text
    assert "Nothing to check against: no votes, no listeners, no flags." in text
    assert "evidence" in text
    assert "the model alone" in text


def test_the_most_ambiguous_can_be_listened_to(write):
    text = write()
    first, second, third = pd.read_csv("ambiguous.csv")["path"].head(3)
    assert re.search(
        rf"1\. Labelled \w+, perhaps rather \w+\. .* raters, .*; {first}, the first 1\.0 s of 1\.5 s", text
    )
    assert f"{second}, 0.8 s" in text
    assert f"Not to be heard, as the audio was not at hand where this page was made: {third}." in text
    assert Path("reports/report.html").read_text().count("<audio controls") == 2


def test_a_report_without_clips_has_no_players(write, monkeypatch):
    write()
    tables.write(pd.DataFrame(columns=list(clips.COLUMNS)), Path("clips/clips.csv"))
    assert "Listen: the most ambiguous" not in run(monkeypatch)


def test_clips_of_another_ranking_are_refused(write, monkeypatch):
    write()
    table = pd.read_csv("clips/clips.csv").assign(path=["c/other.wav", "c/1.wav", "c/2.wav"])
    table.to_csv("clips/clips.csv", index=False)
    with pytest.raises(SystemExit, match=r"^report: clips/clips\.csv: expected c/.* at rank 1, found c/other"):
        run(monkeypatch)


def test_a_missing_or_broken_input_is_one_line_and_leaves_the_old_report(write, monkeypatch):
    write()
    before = Path("reports/report.html").read_bytes()
    with pytest.raises(SystemExit, match=r"^report: nowhere\.json: no such file; expected the metrics"):
        run(monkeypatch, **{"bias-metrics": "nowhere.json"})
    with pytest.raises(SystemExit, match=r"^report: params\.yaml: not valid JSON .* run the stage 'bias' again$"):
        run(monkeypatch, **{"bias-metrics": "params.yaml"})
    with pytest.raises(SystemExit, match=r"^report: nowhere\.png: no such file"):
        run(monkeypatch, **{"groups-picture": "nowhere.png"})
    Path("empty.png").touch()
    with pytest.raises(SystemExit, match=r"^report: empty\.png: expected a PNG picture, found 0 bytes that are none"):
        run(monkeypatch, **{"groups-picture": "empty.png"})
    with pytest.raises(SystemExit, match=r"^report: nowhere\.j2: no such file"):
        run(monkeypatch, template="nowhere.j2")
    with pytest.raises(SystemExit, match=r"^report: classes\.csv: expected the columns space, "):
        run(monkeypatch, **{"probes-table": "classes.csv"})
    assert Path("reports/report.html").read_bytes() == before


CHANGED = [  # table, column, what is written into its first row, how the refusal goes on
    ("rejected", "path", "", "row 2: expected some text, found an empty cell; run the stage manifest again"),
    ("audit", "utterances", "few", "row 2 .*: expected a whole number of 0 or more, found 'few'"),
    ("refused", "claim", "", "row 2 .*: expected some text, found an empty cell"),
    ("confusion", "truth", "", "row 2: expected some text, found an empty cell; run the stage evaluate again"),
    ("classes", "recall", 1.5, r"row 2 \(protocol kfold, emotion angry\): expected a number from 0 to 1, found 1.5"),
    ("folds", "protocol", "kfould", r"row 2 \(fold 0\): expected one of holdout, .*, found 'kfould'"),
    ("curves", "validation_loss", "low", "row 2 .*: expected a number of 0 or more, found 'low'"),
    ("probes", "attribute", "accent", "row 2 .*: expected one of emotion, speaker, gender, age, found 'accent'"),
    ("silhouettes", "silhouette", 3, "row 2 .*: expected a number from -2 to 2, found 3"),
    ("groups", "recall_angry", "good", "row 2 .*: expected a number from 0 to 1, found 'good'"),
    ("groups", "uar_low", "good", "row 2 .*: expected a number, found 'good'"),
    ("bands", "accuracy_low", "bad", "row 2 .*: expected a number, found 'bad'; run the stage ambiguity again"),
    ("scores", "reference", "guess", "row 2 .*: expected one of planted, votes, listeners, found 'guess'"),
    ("ambiguous", "by", "ear", r"row 2 \(rank 1\): expected one of votes, listeners, model, found 'ear'"),
]


def test_a_table_changed_by_hand_is_one_line(write, monkeypatch):
    write()
    for name, column, value, message in CHANGED:
        path = Path(f"{name}.csv")
        good = path.read_bytes()
        table = pd.read_csv(path, dtype=object, keep_default_na=False)
        table.loc[0, column] = str(value)
        table.to_csv(path, index=False)
        with pytest.raises(SystemExit, match=rf"^report: {name}\.csv: column {column}, {message}"):
            run(monkeypatch)
        path.write_bytes(good)
    pd.read_csv("audit.csv")[1:].to_csv("audit.csv", index=False)
    with pytest.raises(
        SystemExit, match="expected 3 emotions of each group, found 2 of gender female; run the stage bias"
    ):
        run(monkeypatch)
