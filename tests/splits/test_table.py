import pandas as pd
import pytest

from ser import manifest
from ser.files import tables
from ser.files.failures import InputError
from ser.splits import protocols, table
from tests.splits.made import EMOTIONS, corpus, params


class TestGate:
    """Each test breaks a good split in one way."""

    utterances = corpus()

    @pytest.fixture
    def split(self):
        return protocols.make(self.utterances, EMOTIONS, params())

    def refuse(self, split, message, utterances=None):
        with pytest.raises(InputError, match=message):
            table.check(split, self.utterances if utterances is None else utterances)

    def row(self, split, protocol, part):
        return split.index[(split["protocol"] == protocol) & (split["part"] == part)][0]

    @pytest.mark.parametrize(("part", "other"), [("train", "test"), ("train", "validation"), ("validation", "test")])
    def test_a_speaker_in_two_parts(self, split, part, other):
        row = self.row(split, "kfold", part)
        speaker = self.utterances.set_index("id")["speaker"][split["id"][row]]
        split.loc[row, "part"] = other
        split = split[split["fold"] == 0]
        self.refuse(
            split, f"kfold, fold 0: the speaker '{speaker}' leaks: it is in {' and '.join(sorted((part, other)))}"
        )

    @pytest.mark.parametrize("protocol", ["kfold", "random"])
    def test_the_same_audio_in_two_parts(self, split, protocol):
        rows = [self.row(split, protocol, part) for part in ("train", "test")]
        copied = self.utterances.copy()
        copied.loc[copied["id"].isin(split["id"][rows]), "sha256"] = "twin"
        self.refuse(split[split["protocol"] == protocol], f"{protocol}, fold 0: the audio 'twin' leaks", copied)

    def test_an_utterance_in_two_parts(self, split):
        extra = split.loc[[self.row(split, "random", "train")]].assign(part="test")
        self.refuse(
            pd.concat([split, extra]), f"random, fold 0: the utterance '{extra['id'].iloc[0]}' stands there twice"
        )

    def test_an_utterance_that_the_manifest_does_not_know(self, split):
        split.loc[5, "id"] = "made/ghost"
        self.refuse(split, "'made/ghost' is not an utterance of the manifest")

    def test_an_utterance_that_the_split_does_not_know(self, split):
        self.refuse(split.drop(index=3), f"kfold, fold 0: 1 utterances are missing, the first is '{split['id'][3]}'")

    def test_a_part_without_utterances(self, split):
        self.refuse(split.replace({"part": {"validation": "train"}}), "the part validation is empty")

    def test_a_training_part_without_an_emotion(self, split):
        fold = split[(split["protocol"] == "kfold") & (split["fold"] == 0)]
        tested = self.utterances["id"].isin(fold.loc[fold["part"] == "test", "id"])
        relabelled = self.utterances.assign(emotion=self.utterances["emotion"].mask(tested, "bored"))
        self.refuse(fold, "kfold, fold 0: the training part has no utterance of 'bored'", relabelled)

    def test_an_utterance_tested_in_two_folds(self, split):
        again = split[(split["protocol"] == "kfold") & (split["fold"] == 0)].assign(fold=4)
        self.refuse(pd.concat([split, again]), "kfold: '.*' is tested twice")

    @pytest.mark.parametrize("protocol", ["kfold", "random"])
    @pytest.mark.parametrize("fold", [0, 2, 3])
    def test_a_missing_fold(self, split, protocol, fold):
        left = split[(split["protocol"] != protocol) | (split["fold"] != fold)]
        if fold < 3:
            self.refuse(left, rf"split: {protocol}: expected the folds 0 to 3, found .*; run the split stage again")
        elif protocol == "kfold":
            self.refuse(left, "kfold: expected every utterance in the test part of a fold, found 24 in none of the 3, ")
        else:
            self.refuse(left, "split: random: expected the folds 0 to 3, found 0, 1, 2;")

    def test_folds_that_are_not_counted_from_0(self, split):
        self.refuse(split.assign(fold=split["fold"] + 1), "kfold: expected the folds 0 to 4, found 1, 2, 3, 4;")

    @pytest.mark.parametrize("protocol", ["kfold", "random"])
    def test_an_utterance_that_nobody_tests(self, split, protocol):
        row = self.row(split, protocol, "test")
        speaker = self.utterances.set_index("id")["speaker"][split["id"][row]]
        everyone = self.utterances.loc[self.utterances["speaker"] == speaker, "id"]
        chosen = (split["protocol"] == protocol) & (split["fold"] == 0) & split["id"].isin(everyone)
        split.loc[chosen & (split["part"] == "test"), "part"] = "train"
        if protocol == "random":
            self.refuse(split, "random: expected every utterance in the test part of a fold, found")
        else:
            self.refuse(
                split, "kfold: expected every utterance in the test part of a fold, found 12 in none of the 4, "
            )

    @pytest.mark.parametrize(("protocol", "other"), [("kfold", "random"), ("random", "kfold")])
    def test_a_missing_contrast(self, split, protocol, other):
        only = split[split["protocol"] == protocol]
        if protocol == "random":
            table.check(only, self.utterances)  # it may be the chosen one
        else:
            self.refuse(only, "split: expected random beside one protocol, found kfold;")

    def test_two_protocols_beside_the_contrast(self, split):
        more = split[split["protocol"] == "kfold"].assign(protocol="loso")
        self.refuse(pd.concat([split, more]), "expected random beside one protocol, found kfold, loso, random")

    def test_a_holdout_with_a_second_fold(self):
        split = protocols.make(self.utterances, EMOTIONS, params("holdout"))
        table.check(split, self.utterances)
        other = split[split["protocol"] == "holdout"].assign(fold=1)
        swapped = other.assign(part=other["part"].replace({"test": "validation", "validation": "test"}))
        self.refuse(pd.concat([split, swapped]), "holdout: expected the folds 0 to 0, found 0, 1;")

    def test_an_unknown_speaker(self, split):
        unknown = self.utterances.copy()
        unknown.loc[0, "speaker"] = ""
        self.refuse(split, "kfold, fold 0: expected a speaker for every utterance", unknown)

    def test_an_empty_split(self, split):
        self.refuse(split.iloc[:0], "found no rows")


class TestFile:
    def test_comes_back_as_it_was_written(self, tmp_path):
        split = protocols.make(corpus(), EMOTIONS, params())
        tables.write(split, tmp_path / "split.csv")
        assert table.read(tmp_path / "split.csv").equals(split)

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            ("kfould,0,a,test", r"column protocol, row 2 \(fold 0, id a\): expected one of holdout, .* found 'kfould'"),
            (
                "kfold,0,a,tset",
                r"column part, row 2 .*: expected one of train, validation, test, left_out, found 'tset'",
            ),
            (
                "kfold,first,a,test",
                r"column fold, row 2 \(protocol kfold, id a\): expected a whole number .* found 'first'",
            ),
            ("kfold,,a,test", "column fold, row 2 .*: expected a whole number of 0 or more, found an empty cell"),
            ("kfold,0.5,a,test", "column fold, row 2 .*: expected a whole number of 0 or more, found 0.5"),
            ("kfold,-1,a,test", "column fold, row 2 .*: expected a whole number of 0 or more, found -1"),
            ("kfold,1,b,test", "expected no two rows alike, found 'kfold, 1, b' in row 2 and row 3"),
        ],
    )
    def test_with_a_strange_word_is_refused(self, tmp_path, row, message):
        (tmp_path / "split.csv").write_text(f"protocol,fold,id,part\n{row}\nkfold,1,b,train\n")
        with pytest.raises(InputError, match=message):
            table.read(tmp_path / "split.csv")


def test_reads_the_manifest_that_the_pipeline_writes(tmp_path):
    known = corpus()
    known = known.assign(path=known["id"], seconds=1.0, sampling_rate=16000, sha256=[f"{n:064x}" for n in known.index])
    whole = known.reindex(columns=manifest.COLUMNS, fill_value="")
    tables.write(whole, tmp_path / "manifest.csv")
    utterances = manifest.read(tmp_path / "manifest.csv")
    table.check(protocols.make(utterances, EMOTIONS, params("sessions")), utterances)


def test_folds_are_laid_out_in_the_order_of_the_manifest():
    utterances = corpus().sample(frac=1, random_state=0)
    split = protocols.make(utterances, EMOTIONS, params())
    found = list(table.folds(split, utterances))
    assert [fold[:2] for fold in found] == [(name, fold) for name in ("kfold", "random") for fold in range(4)]
    for protocol, number, parts in found:
        rows = split[(split["protocol"] == protocol) & (split["fold"] == number)]
        assert dict(zip(utterances["id"], parts, strict=True)) == dict(zip(rows["id"], rows["part"], strict=True))


def test_the_digest_tells_splits_apart_and_not_the_order_of_their_rows():
    split = protocols.make(corpus(), EMOTIONS, params())
    assert table.digest(split.sample(frac=1, random_state=0)) == table.digest(split)
    other = split.copy()
    other.loc[7, "part"] = "test" if other.loc[7, "part"] == "train" else "train"
    assert table.digest(other) != table.digest(split)
