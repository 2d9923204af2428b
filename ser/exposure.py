"""What encoders met in their own training, in a sentence for whoever reads their results."""

EXPOSURE = {
    "pase_plus": "The weights that are shipped were distilled from Whisper's encoder (models/pase_plus.md), which may "
    "have heard any corpus, though without labels of emotion.",
    "whisper_base": "Whisper may have heard any corpus, though without labels of emotion.",
}
DISTORTED = (
    "The shipped weights of PASE+ were themselves trained on distorted speech (pretraining/distillation/params.yaml): "
    "noise, among it the same recordings of rain, rooms by the same impulse responses as measured_room, other voices, "
    "clipping, gaps, missing bands, lower sampling rates, gain, and speed, which shifts pitch and formants; and all "
    "of it had been coded by Opus. So clean and unseen are said of the classifier alone, and its encoder has an "
    "advantage over eGeMAPS and ComParE, which were not trained. The row mean_new_to_pase_plus is over the conditions "
    "that were not among them in this or a similar form, though noise and rooms as such were. Whisper's encoder heard "
    "680,000 hours of speech from the web, with whatever disturbs it there."
)
