import dataclasses
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import librosa
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser.synthesis import corpus, espeak, sentences, voice
from ser.synthesis.corpus import SynthesisParams

USUAL = SynthesisParams(
    seed=1,
    speakers=24,
    utterances_per_emotion=5,
    ambiguous_share=0.15,
    raters=10,
    expressivity={"female": 1.0, "male": 0.5},
)
SEEDS_SUM = 1010573203972  # of what is drawn after the sentences: with it the audio is as ever
EQUAL = {"female": 1.0, "male": 1.0}


def changed(**changes):
    return corpus.plan(dataclasses.replace(USUAL, **changes))


def rendered(rows):
    with ThreadPoolExecutor() as pool:
        return list(pool.map(voice.render, rows))


@pytest.fixture(scope="module")
def plan():
    return corpus.plan(USUAL)


@pytest.fixture
def row(plan):
    """A clear utterance of a woman."""
    return next(row for row in plan.itertuples() if row.gender == "female" and not row.ambiguous)


# The plan


def test_the_same_seed_gives_the_same_plan_and_another_seed_another(plan):
    assert corpus.metadata(changed()).equals(corpus.metadata(plan))
    assert list(changed()["seed"]) == list(plan["seed"])
    assert not corpus.metadata(changed(seed=2)).equals(corpus.metadata(plan))


def test_the_bundled_corpus_is_described_by_the_same_bytes_as_ever(plan):
    described = corpus.metadata(plan).to_csv(index=False, lineterminator="\n", float_format="%.9g").encode()
    expected = "17c8cf50d606a2411c795866a5abb246165357128985bfe3817443a78a9f1ca0"
    assert hashlib.sha256(described).hexdigest() == expected
    assert plan["seed"].sum() == SEEDS_SUM


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_words_tell_the_emotion_in_their_share_of_each_language_and_emotion(plan, share):
    table = changed(words_share=share)
    telling = [row.text in sentences.TELLING[row.language][row.emotion] for row in table.itertuples()]
    assert set(table.assign(telling=telling).groupby(["language", "emotion"])["telling"].mean()) == {share}
    others = [name for name in plan.columns if name not in ("text", "voice", "blend", "votes")]
    assert table[others].equals(plan[others])
    kept = ~np.array(telling)
    assert table["text"][kept].equals(plan["text"][kept])


def test_no_sentence_that_tells_an_emotion_is_said_in_another_or_told_twice():
    said = [text for of in sentences.TELLING.values() for texts in of.values() for text in texts]
    assert len(set(said)) == len(said)
    assert not set(said) & {text for texts in sentences.TEXTS.values() for text in texts}
    assert set(sentences.TELLING) == set(sentences.TEXTS)
    assert all(set(of) == set(corpus.EMOTIONS) for of in sentences.TELLING.values())


def test_tied_sentences_are_of_one_emotion_each_whoever_speaks(plan):
    table = changed(sentences="tied")
    assert (table.groupby("text")["emotion"].nunique() == 1).all()
    assert (table.groupby(["language", "emotion"])["text"].nunique() > 1).all()
    others = [name for name in plan.columns if name not in ("text", "voice", "blend", "votes")]
    assert table[others].equals(plan[others])
    assert not (plan.groupby("text")["emotion"].nunique() == 1).any()


def test_every_speaker_says_the_same_sentences_equally_often_in_every_emotion(plan):
    assert set(plan.groupby(["speaker", "emotion"]).size()) == {5}
    said = plan.groupby(["speaker", "emotion"])["text"].agg(frozenset).groupby("speaker").nunique()
    assert set(said) == {1}


def test_the_speaker_oracle_is_at_chance(plan):
    commonest = plan.groupby("speaker")["emotion"].agg(lambda emotions: emotions.mode()[0])
    guess = plan["speaker"].map(commonest)
    assert recall_score(plan["emotion"], guess, average="macro") == pytest.approx(0.25)


def test_genders_and_languages_are_halves_and_the_genders_share_ages_and_variants(plan):
    speakers = plan.drop_duplicates("speaker")
    assert len(speakers) == 24
    assert set(speakers.groupby(["gender", "language"]).size()) == {6}
    for column in ("age", "variant"):
        women, men = (
            speakers[speakers["gender"] == gender].groupby("language")[column].agg(sorted)
            for gender in ("female", "male")
        )
        assert women.equals(men)
    assert speakers["age"].nunique() >= 5


def test_a_speaker_is_one_person_with_one_voice(plan):
    traits = plan.assign(voice=plan["voice"].map(tuple))
    for column in ("gender", "age", "language", "variant", "formants", "voice"):
        assert set(traits.groupby("speaker")[column].nunique()) == {1}
    assert traits.drop_duplicates("speaker")["voice"].nunique() == 24


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (0.15, 9), (0.5, 30), (1.0, 60)])
def test_the_ambiguous_share_holds_in_every_gender_and_emotion(share, expected):
    table = changed(ambiguous_share=share)
    assert set(table.groupby(["gender", "emotion"])["ambiguous"].sum()) == {expected}


def test_a_blend_has_two_emotions_where_ambiguous_and_the_label_is_the_stronger(plan):
    for row in plan.itertuples():
        assert sum(row.blend.values()) == pytest.approx(1)
        assert len(row.blend) == 1 + row.ambiguous
        assert max(row.blend, key=row.blend.get) == row.emotion
        assert not row.ambiguous or 0.55 <= row.blend[row.emotion] <= 0.65


def test_the_expressivity_of_a_gender_scales_its_strength(plan):
    factor = plan["gender"].map({"female": 1.0, "male": 0.5})
    assert np.allclose(plan["strength"], plan["intensity"] * factor)
    assert plan["intensity"].between(0.6, 1).all()


def test_every_rater_votes_once(plan):
    assert {sum(votes.values()) for votes in plan["votes"]} == {10}
    assert {sum(votes.values()) for votes in changed(raters=3)["votes"]} == {3}


def test_raters_disagree_more_on_ambiguous_and_on_weak_utterances():
    table = changed(raters=200, expressivity=EQUAL)
    agreement = np.array([row.votes.get(row.emotion, 0) / 200 for row in table.itertuples()])
    clear = (table["ambiguous"] == 0).to_numpy()
    felt = clear & (table["emotion"] != "neutral").to_numpy()
    weak, strong = (felt & (table["intensity"] < 0.8)).to_numpy(), (felt & (table["intensity"] >= 0.8)).to_numpy()
    assert agreement[clear].mean() > agreement[~clear].mean() + 0.2
    assert agreement[strong].mean() > agreement[weak].mean() + 0.05


def test_votes_on_a_blend_follow_its_shares():
    # By hand: of 60 % angry and 40 % sad at strength 1, angry is heard by 0.6 * 0.95 + 0.4 * 0.05 * 0.1 = 0.572,
    # sad by 0.4 * 0.95 + 0.6 * 0.05 * 0.1 = 0.383.
    table = changed(raters=20_000, ambiguous_share=1.0, expressivity=EQUAL)
    both = table["blend"].map(set) == {"angry", "sad"}
    row = next(table[both & (table["emotion"] == "angry")].itertuples())
    recognised = 0.55 + 0.4 * row.strength
    angry = row.blend["angry"] * recognised + row.blend["sad"] * (1 - recognised) * 0.1
    sad = row.blend["sad"] * recognised + row.blend["angry"] * (1 - recognised) * 0.1
    assert row.votes["angry"] / 20_000 == pytest.approx(angry, abs=0.02)
    assert row.votes["sad"] / 20_000 == pytest.approx(sad, abs=0.02)


def test_what_is_not_changed_stays_as_it_was(plan):
    heard = ["utterance", "text", "emotion", "intensity", "blend", "seed", "formants"]
    assert changed(raters=3)[[*heard, "strength"]].equals(plan[[*heard, "strength"]])
    assert changed(expressivity=EQUAL)[heard].equals(plan[heard])
    assert not changed(expressivity=EQUAL)["strength"].equals(plan["strength"])


def test_more_utterances_than_sentences_repeat_them():
    table = changed(speakers=4, utterances_per_emotion=12)
    assert set(table.groupby(["speaker", "emotion"]).size()) == {12}
    assert set(table.groupby(["speaker", "emotion"])["text"].nunique()) == {10}


def test_the_metadata_tell_what_was_planted(plan):
    table = corpus.metadata(plan)
    columns = ["path", "speaker", "gender", "age", "text", "language", "votes", "intensity", "ambiguous", "blend"]
    assert list(table.columns) == columns
    assert list(table["path"]) == [f"{row.emotion}/{row.utterance}.wav" for row in plan.itertuples()]
    assert table["path"].is_unique
    for written, planted in zip(table.itertuples(), plan.itertuples(), strict=True):
        assert json.loads(written.blend) == planted.blend
        assert json.loads(written.votes) == planted.votes
        assert list(json.loads(written.votes)) == sorted(planted.votes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": -1}, "seed: expected 0 to 4294967295, found -1"),
        ({"speakers": 0}, "speakers: expected a multiple of 4"),
        ({"speakers": 18}, "speakers: expected a multiple of 4.*found 18"),
        ({"seed": 2**32}, "seed: expected 0 to 4294967295, found 4294967296"),
        ({"speakers": 4 * 10**6}, "speakers, utterances_per_emotion: expected at most 1,000,000 utterances"),
        ({"utterances_per_emotion": 0}, "utterances_per_emotion: expected 1 to 1000000, found 0"),
        ({"words_share": -0.1}, "words_share: expected 0 to 1, found -0.1"),
        ({"ambiguous_share": 1.1}, "ambiguous_share: expected 0 to 1"),
        ({"ambiguous_share": float("nan")}, "ambiguous_share: expected 0 to 1"),
        ({"raters": 0}, "raters: expected 1 to 1000000, found 0"),
        ({"expressivity": {"female": 1.0}}, "expressivity: expected female and male, found female"),
        ({"expressivity": {"female": 1.0, "male": 1.5}}, r"expressivity\.male: expected 0 to 1"),
    ],
)
def test_parameters_out_of_range_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(USUAL, **changes)


# The sound


def test_a_row_gives_the_same_samples_whatever_was_rendered_before(plan):
    rows = list(plan.iloc[::60].itertuples())
    forwards, backwards = rendered(rows), rendered(rows[::-1])[::-1]
    for one, other in zip(forwards, backwards, strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(voice.render(rows[3]), forwards[3])


def test_nothing_but_the_cues_and_the_seed_of_the_row_tells_the_samples(row):
    planted = row._replace(emotion="sad", votes={}, intensity=0.0, age=99, gender="")
    assert np.array_equal(voice.render(planted), voice.render(row))
    assert not np.array_equal(voice.render(row._replace(seed=row.seed + 1)), voice.render(row))


def test_at_strength_zero_every_emotion_sounds_neutral(row):
    neutral = voice.render(row._replace(blend={"neutral": 1.0}))
    for emotion in corpus.EMOTIONS:
        assert np.array_equal(voice.render(row._replace(blend={emotion: 1.0}, strength=0.0)), neutral)


def rms_db(samples):
    return 10 * np.log10(np.mean((samples / 32_768) ** 2))


def pitch_hz(samples):
    """The median pitch of the louder half of the frames."""
    signal = samples / 32_768
    pitch = librosa.yin(signal, fmin=50, fmax=600, sr=16_000)
    loudness = librosa.feature.rms(y=signal, frame_length=2048, hop_length=512)[0]
    return np.median(pitch[loudness > np.median(loudness)])


def slope_db(samples):
    """Level above 2 kHz relative to the level below 1 kHz."""
    power = np.abs(np.fft.rfft(samples / 32_768)) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / 16_000)
    return 10 * np.log10(power[hertz > 2000].sum() / power[hertz < 1000].sum())


def test_the_emotions_act_through_rate_pitch_loudness_and_tilt(row):
    voices = {emotion: voice.render(row._replace(blend={emotion: 1.0}, strength=1.0)) for emotion in corpus.EMOTIONS}
    neutral = voices.pop("neutral")
    # octaves of rate, semitones of pitch, dB: the table of manners, measured on the sound
    for emotion, (rate, pitch, _, loudness, tilt, _) in {e: voice.MANNERS[e] for e in voices}.items():
        assert np.log2(len(neutral) / len(voices[emotion])) == pytest.approx(rate, abs=0.12)
        assert 12 * np.log2(pitch_hz(voices[emotion]) / pitch_hz(neutral)) == pytest.approx(pitch, abs=2)
        assert rms_db(voices[emotion]) - rms_db(neutral) == pytest.approx(loudness, abs=0.5)
        if abs(tilt) >= 1:
            assert np.sign(slope_db(voices[emotion]) - slope_db(neutral)) == np.sign(tilt)


def test_a_blend_lies_between_its_emotions(row):
    angry, blend, sad = (
        rms_db(voice.render(row._replace(blend=blend, strength=1.0)))
        for blend in ({"angry": 1.0}, {"angry": 0.6, "sad": 0.4}, {"sad": 1.0})
    )
    assert blend == pytest.approx(0.6 * angry + 0.4 * sad, abs=0.5)


@pytest.mark.slow
def test_men_speak_an_octave_or_less_below_women_and_as_fast(plan):
    calm = plan[(plan["ambiguous"] == 0) & (plan["emotion"] == "neutral")].groupby("speaker").head(1)
    samples = rendered(calm.itertuples())
    women = (calm["gender"] == "female").to_numpy()
    pitch = np.array([np.log2(pitch_hz(voice)) for voice in samples])
    assert 0.5 < np.median(pitch[women]) - np.median(pitch[~women]) < 1
    seconds = np.array([len(voice) / 16_000 for voice in samples])
    assert seconds[women].mean() == pytest.approx(seconds[~women].mean(), rel=0.1)


def test_every_variant_is_a_voice_of_its_own():
    # espeak-ng speaks with its usual voice, and says nothing, where it does not know a variant.
    voices = [f"{language}{variant}" for language in sentences.LANGUAGES for variant in ("", "+f1", "+nobody")]
    usual_en, known_en, unknown_en, usual_de, known_de, unknown_de = (
        espeak.speak("one", voice, 165, 50, 30).tobytes() for voice in voices
    )
    assert (usual_en, usual_de) == (unknown_en, unknown_de)
    assert known_en != usual_en
    assert known_de != usual_de
    spoken = [espeak.speak("one", f"en+{variant}", 165, 50, 30).tobytes() for variant in corpus.VARIANTS]
    assert len({usual_en, *spoken}) == 1 + len(corpus.VARIANTS)


# What a classifier finds


def statistics(samples):
    """Mean and standard deviation of twenty MFCCs, and the duration."""
    mfcc = librosa.feature.mfcc(y=samples / 32_768, sr=16_000, n_mfcc=20, n_fft=512, hop_length=160, n_mels=40)
    return np.concatenate([mfcc.mean(axis=1), mfcc.std(axis=1), [len(samples)]])


def gender_gap(table, prediction):
    """UAR of women less UAR of men, and its 95 % interval over 1,000 draws of speakers of each gender."""
    rng = np.random.default_rng(0)
    by_speaker = {name: table.index[table["speaker"] == name] for name in table["speaker"].unique()}
    people = {initial: [name for name in by_speaker if name[0] == initial] for initial in "fm"}

    def uar(speakers):
        rows = np.concatenate([by_speaker[name] for name in speakers])
        return recall_score(table["emotion"].to_numpy()[rows], prediction[rows], average="macro")

    draws = [
        uar(rng.choice(people["f"], len(people["f"]))) - uar(rng.choice(people["m"], len(people["m"])))
        for _ in range(1000)
    ]
    return uar(people["f"]) - uar(people["m"]), *np.percentile(draws, [2.5, 97.5])


@pytest.mark.slow
def test_a_linear_classifier_finds_the_planted_gap_and_none_where_none_is_planted(plan):
    equal = changed(expressivity=EQUAL)
    men = plan["gender"] == "male"
    vectors = np.array([statistics(samples) for samples in rendered(equal.itertuples())])
    planted = vectors.copy()
    planted[men] = [statistics(samples) for samples in rendered(plan[men].itertuples())]

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    emotions, speakers = plan["emotion"].to_numpy(), plan["speaker"].to_numpy()
    strangers = GroupKFold(6, shuffle=True, random_state=0)
    independent = cross_val_predict(model, vectors, emotions, groups=speakers, cv=strangers)
    shuffled = cross_val_predict(model, vectors, emotions, cv=StratifiedKFold(6, shuffle=True, random_state=0))
    uar = recall_score(emotions, independent, average="macro")
    assert 0.7 < uar < 0.9
    assert recall_score(emotions, shuffled, average="macro") > uar
    clear = (plan["ambiguous"] == 0).to_numpy()
    assert np.mean((independent == emotions)[clear]) > np.mean((independent == emotions)[~clear]) + 0.1

    _, low, high = gender_gap(equal, independent)
    assert low < 0 < high
    unequal = cross_val_predict(model, planted, emotions, groups=speakers, cv=strangers)
    _, low, _ = gender_gap(plan, unequal)
    assert low > 0
