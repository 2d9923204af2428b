"""What pictures and pages call attributes of people, their groups, and the scores of ambiguity.

Tables have short keys, such as ``gender_age`` and ``low_margin``. A reader who goes from a picture to the table below
it must find the same words in both, so they stand here once.
"""

ATTRIBUTES = {
    "gender": "gender",
    "age": "age band",
    "gender_age": "gender and age band",
    "corpus": "corpus",
    "language": "language",
    "speaker": "speaker",
}
SCORES = {  # of ambiguity; short enough for a row of a picture
    "vote_entropy": "spread of the votes",
    "low_majority": "small majority of votes",
    "low_recognition": "few listeners recognised it",
    "low_self_confidence": "label is improbable",
    "low_margin": "another emotion is likelier",
    "weighted_entropy": "undecided, label improbable",
    "prediction_entropy": "model is undecided",
    "low_training_confidence": "label was hard to learn",
    "training_variability": "training changed its mind",
    "neighbour_disagreement": "neighbours have other labels",
    "mean_rank": "mean rank of scores",
}
REFERENCES = {"planted": "corpus' own flags", "votes": "raters' votes", "listeners": "listeners"}
EVIDENCE = {  # by which the most ambiguous utterances are found
    "votes": "raters' votes",
    "votes_for_label": "votes for the label",
    "listeners": "listeners",
    "model": "model",
}
JUDGES = {"votes": "raters", "listeners": "listeners", "model": "the model alone"}


def group(attribute: str, name: str) -> str:
    """Name a group: of ``gender_age`` and ``male_60_and_over``, ``gender and age band: male 60 and over``."""
    return f"{ATTRIBUTES.get(attribute, attribute)}: {plain(name)}"


def pair(name: str) -> str:
    """Name a difference between groups: ``age: under_30_minus_30-44`` becomes ``age band: under 30 minus 30-44``."""
    attribute, _, groups = name.rpartition(": ")
    return group(attribute, groups) if attribute else plain(groups)


def plain(name: str) -> str:
    """Make words of a key: ``60_and_over`` becomes ``60 and over``."""
    return name.replace("_", " ")
