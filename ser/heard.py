"""What encoders heard in their own training, in a sentence for whoever reads their results."""

HEARD = {
    "pase_plus": "The weights that are shipped were distilled from Whisper's encoder (models/pase_plus.md), which may "
    "have heard any corpus, though without labels of emotion.",
    "whisper_base": "Whisper may have heard any corpus, though without labels of emotion.",
}
