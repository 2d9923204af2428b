import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import recall_score

from ser.benchmarks import ranks
from ser.benchmarks.comparison import System
from ser.benchmarks.ranks import OverCorporaParams
from ser.benchmarks.tasks import Answers, Task
from ser.files.failures import InputError
from ser.plots import ranks as picture
from ser.scores.intervals import Bootstrap, IntervalParams

EMOTIONS = ["angry", "sad"]
INTERVALS = IntervalParams(300, 0.95, 0, 5)
REFERENCE = System("ours", "lda", "train")
SKILLS = {"ours": 0.7, "better": 0.9, "worse": 0.3}


def answers(corpus, skills, speakers=8):
    """A corpus and what systems of different skill say of it; `random` and another normalisation beside."""
    generator = np.random.default_rng(sum(map(ord, corpus)))
    people = np.repeat([f"{corpus}/{number}" for number in range(speakers)], 12)
    utterances = pd.DataFrame({"id": [f"{corpus}/{number:03d}" for number in range(len(people))], "speaker": people})
    utterances = utterances.assign(emotion=generator.choice(EMOTIONS, len(people)))
    parts = []
    for encoder, skill in skills.items():
        for normalisation, protocol in (("train", "kfold"), ("train", "random"), ("speaker", "kfold")):
            right = generator.random(len(people)) < (skill if (normalisation, protocol) == ("train", "kfold") else 1)
            other = np.where(utterances["emotion"] == "sad", "angry", "sad")
            said = np.where(right, utterances["emotion"], other)
            keys = {"encoder": encoder, "classifier": "lda", "normalisation": normalisation, "protocol": protocol}
            parts.append(pd.DataFrame({**keys, "seed": 0, "fold": 0, "id": utterances["id"], "prediction": said}))
    return Answers(Task(corpus, EMOTIONS, "kfold"), utterances, pd.concat(parts, ignore_index=True))


@pytest.fixture
def corpora():
    return {name: answers(name, SKILLS) for name in ("one", "two", "three")}


def uar(asked, encoder):
    said = asked.predictions.query("encoder == @encoder and normalisation == 'train' and protocol == 'kfold'")
    return recall_score(asked.utterances["emotion"], said["prediction"], average="macro")


def test_the_best_stand_first_with_their_uar_on_each_corpus_and_the_mean(corpora):
    scored = ranks.table(corpora, REFERENCE, INTERVALS)
    assert scored["encoder"].tolist() == ["better", "ours", "worse"]
    assert scored["rank"].tolist() == [1, 2, 3]
    for row in scored.to_dict("records"):
        own = [uar(asked, row["encoder"]) for asked in corpora.values()]
        assert [row[name] for name in corpora] == pytest.approx(own)
        assert row["mean"] == pytest.approx(np.mean(own))
        assert row["mean_low"] < row["mean"] < row["mean_high"]


def test_an_emotion_of_one_speaker_of_one_corpus_leaves_the_mean_without_an_interval():
    """The corpus with that emotion is not the one with the fewest speakers."""
    corpora = {"one": answers("one", SKILLS, speakers=24), "two": answers("two", SKILLS, speakers=5)}
    rows = corpora["one"].utterances
    rows["emotion"] = np.where(rows["speaker"] == "one/0", "sad", "angry")
    scored = ranks.table(corpora, REFERENCE, INTERVALS)
    assert not {"one_low", "mean_low", "difference_low"} & set(scored.columns)
    assert scored["two_low"].notna().all()


def test_systems_of_the_same_uar_share_their_mean_rank():
    corpora = {name: answers(name, {"ours": 1.0, "twin": 1.0, "worse": 0.5}) for name in ("one", "two")}
    scored = ranks.table(corpora, REFERENCE, INTERVALS).set_index("encoder")
    assert scored["rank"].to_dict() == {"ours": 1.5, "twin": 1.5, "worse": 3}  # J. Demsar, 2006: average ranks


def test_a_difference_is_the_mean_of_the_corpora_s_and_its_interval_is_narrower_than_one_corpus_alone(corpora):
    scored = ranks.table(corpora, REFERENCE, INTERVALS).set_index("encoder")
    expected = np.mean([uar(asked, "better") - uar(asked, "ours") for asked in corpora.values()])
    assert scored.at["better", "difference"] == pytest.approx(expected)
    assert scored.at["better", "difference_low"] > 0 > scored.at["worse", "difference_high"]
    assert pd.isna(scored.at["ours", "difference"])
    widths = [scored.at["better", f"{name}_high"] - scored.at["better", f"{name}_low"] for name in corpora]
    assert scored.at["better", "mean_high"] - scored.at["better", "mean_low"] < min(widths)


def test_a_system_that_a_corpus_lacks_is_not_compared(corpora):
    corpora["two"] = answers("two", {name: skill for name, skill in SKILLS.items() if name != "worse"})
    assert ranks.table(corpora, REFERENCE, INTERVALS)["encoder"].tolist() == ["better", "ours"]
    corpora["two"] = answers("two", {"better": 0.9})
    with pytest.raises(InputError, match=r"expected a system that every task has, found ours \+ lda \+ train"):
        ranks.table(corpora, REFERENCE, INTERVALS)


def test_too_few_speakers_of_one_corpus_leave_the_mean_without_an_interval(corpora):
    corpora["two"] = answers("two", SKILLS, speakers=4)
    scored = ranks.table(corpora, REFERENCE, INTERVALS)
    assert "mean_low" not in scored
    assert "two_low" not in scored
    assert scored["one_low"].notna().all()
    assert "(no interval)" in page(scored)


@pytest.mark.parametrize("names", [("one", "two"), ("two", "one")])
def test_the_corpus_with_the_fewest_speakers_gives_the_degrees_of_freedom_wherever_it_stands(names):
    corpora = {name: answers(name, {"ours": 0.7}, speakers={"one": 40, "two": 5}[name]) for name in names}
    (found,) = ranks.table(corpora, REFERENCE, INTERVALS).to_dict("records")
    replicates = []
    for number, asked in enumerate(corpora.values()):
        said = asked.predictions.query("normalisation == 'train' and protocol == 'kfold'")["prediction"].to_numpy()
        rows = asked.utterances.assign(right=said == asked.utterances["emotion"])
        cells = rows.groupby(["speaker", "emotion"])["right"].agg(["sum", "size"]).unstack()
        drawn = Bootstrap.of(sorted(set(rows["speaker"])), dataclasses.replace(INTERVALS, seed=number)).weights
        replicates.append(((drawn @ cells["sum"].to_numpy()) / (drawn @ cells["size"].to_numpy())).mean(axis=1))
    tail = stats.norm.cdf(stats.t.ppf(0.025, 4))  # five speakers
    expected = np.quantile(np.mean(replicates, axis=0), [tail, 1 - tail])
    assert (found["mean_low"], found["mean_high"]) == pytest.approx(tuple(expected))


def test_an_emotion_of_few_speakers_gives_the_degrees_of_freedom(corpora):
    """The mean over one corpus has that corpus' own interval, which heeds that 12 of 40 speakers are sad."""

    def width(sad):
        asked = answers("one", SKILLS, speakers=40)
        rows = asked.utterances
        others = rows["speaker"].isin(sorted(rows["speaker"].unique())[sad:])
        asked.utterances.loc[others, "emotion"] = "angry"
        row = ranks.table({"one": asked}, REFERENCE, dataclasses.replace(INTERVALS, resamples=5000)).iloc[0]
        return row["mean_high"] - row["mean_low"], row["one_high"] - row["one_low"]

    for sad in (12, 40):
        of_mean, of_corpus = width(sad)
        assert of_mean == pytest.approx(of_corpus)


def test_fewer_than_three_systems_cannot_be_ranked(corpora):
    two = ranks.table({name: answers(name, {"ours": 0.6, "better": 0.9}) for name in corpora}, REFERENCE, INTERVALS)
    with pytest.raises(InputError, match=r"^over_corpora.tasks: expected at least 3 systems .*, found 2; give"):
        ranks.friedman(two, list(corpora))


def test_the_critical_difference_is_that_of_the_published_table():
    # J. Demšar, 2006: q of 0.05 is 2.569 for 4 classifiers; his example has 14 data sets, and 1.25.
    assert ranks.critical_difference(4, 14, 0.05) == pytest.approx(1.25, abs=0.005)
    assert ranks.critical_difference(2, 10, 0.05) == pytest.approx(1.960 * np.sqrt(2 * 3 / 60), abs=1e-3)


def test_friedmans_test_is_that_of_ranks_within_corpora(corpora):
    scored = ranks.table(corpora, REFERENCE, INTERVALS)
    within = scored[list(corpora)].rank()  # 3 systems, 3 corpora
    statistic = 12 * (within.sum(axis=1) ** 2).sum() / (3 * 3 * 4) - 3 * 3 * 4
    assert ranks.friedman(scored, list(corpora)) == pytest.approx(stats.chi2.sf(statistic, 2))


def test_the_mean_without_what_was_chosen_on_is_over_the_other_corpora(corpora):
    scored = ranks.table(corpora, REFERENCE, INTERVALS, ["two"]).set_index("encoder")
    alone = ranks.table({name: corpora[name] for name in ("one", "three")}, REFERENCE, INTERVALS).set_index("encoder")
    assert scored.loc["better", "mean_others"] == pytest.approx(alone.loc["better", "mean"])
    assert scored.loc["worse", "difference_others"] == pytest.approx(alone.loc["worse", "difference"])
    assert scored.loc["worse", "difference_others_high"] == pytest.approx(
        alone.loc["worse", "difference_high"], abs=0.03
    )
    params = OverCorporaParams(["one", "two", "three"], REFERENCE, 0.05, ["two"])
    told = ranks.page(scored.reset_index(), params, dict.fromkeys(params.tasks, "a corpus."), 0.95)
    assert "were chosen on two, whose figures are therefore optimistic" in told
    with pytest.raises(ValueError, match="chosen_on: expected some of the tasks, not all, found one, two"):
        OverCorporaParams(["one", "two"], REFERENCE, 0.05, ["one", "two"])


def page(scored):
    params = OverCorporaParams(["one", "two", "three"], REFERENCE, 0.05)
    return ranks.page(scored, params, dict.fromkeys(params.tasks, "a corpus."), 0.95)


def test_the_page_says_what_so_few_corpora_can_show(corpora):
    told = page(ranks.table(corpora, REFERENCE, INTERVALS))
    assert f"differ by more than {ranks.critical_difference(3, 3, 0.05):.2f}: the best and the worst" in told
    corpora["one"] = answers("one", {"ours": 0.9, "better": 0.8, "worse": 0.7})
    assert "no two of these do" in page(ranks.table(corpora, REFERENCE, INTERVALS))


def test_metrics_hold_every_number_of_the_table(corpora):
    scored = ranks.table(corpora, REFERENCE, INTERVALS)
    kept = ranks.nested(scored, OverCorporaParams(["one", "two", "three"], REFERENCE, 0.05))
    assert kept["corpora"] == 3
    assert kept["better"]["lda"]["mean"] == scored.loc[0, "mean"]
    assert "difference" not in kept["ours"]["lda"]


def test_params_name_at_least_two_tasks_each_once():
    with pytest.raises(ValueError, match="tasks: expected at least two, each once, found one, one"):
        OverCorporaParams(["one", "one"], REFERENCE, 0.05)
    with pytest.raises(ValueError, match="alpha: expected"):
        dataclasses.replace(OverCorporaParams(["one", "two"], REFERENCE, 0.05), alpha=0.0)


def test_the_picture_has_a_row_a_system_and_a_mark_a_corpus(corpora):
    scored = ranks.table(corpora, REFERENCE, INTERVALS)
    axes = picture.draw(scored, list(corpora)).axes[0]
    assert [label.get_text().splitlines()[0] for label in axes.get_yticklabels()] == [
        "better + lda",
        "ours + lda",
        "worse + lda",
    ]
    drawn = {line.get_label(): line.get_xdata() for line in axes.lines}
    np.testing.assert_allclose(drawn["two"], scored["two"])
    np.testing.assert_allclose(axes.lines[0].get_xdata(), scored["mean"])


def test_the_picture_shows_the_mean_without_what_was_chosen_on(corpora):
    scored = ranks.table(corpora, REFERENCE, INTERVALS, ["two"])
    figure = picture.draw(scored, list(corpora), ["two"])
    (axes,) = figure.axes
    np.testing.assert_allclose(axes.lines[0].get_xdata(), scored["mean_others"])
    assert axes.get_xlabel().endswith("mean without two")
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert named == ["mean without two, with interval", "one", "two (chosen on)", "three"]


def test_a_mean_without_an_interval_is_hollow(corpora):
    corpora["two"] = answers("two", SKILLS, speakers=4)
    figure = picture.draw(ranks.table(corpora, REFERENCE, INTERVALS), list(corpora))
    assert "hollow: no interval" in [text.get_text() for text in figure.legends[0].get_texts()]
