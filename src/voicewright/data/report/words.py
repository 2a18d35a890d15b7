"""Everything that a report says in words of its own."""

TEXTS = {
    "kept": "kept",
    "dropped": "dropped",
    "flagged": "flagged",
    "hours_kept": "of speech to learn from",
    "clips_kept": "clips kept",
    "clips_dropped": "clips dropped",
    "clips_flagged": "kept clips to look at",
    "why_dropped": "Why clips were dropped",
    "why_flagged": "What to look at",
    "nothing_dropped": "No clip was dropped.",
    "nothing_flagged": "No kept clip needs a look.",
    "several": "A clip can have several reasons.",
    "shares": "Speakers, splits, text",
    "speaker": "Speaker",
    "split": "Split",
    "by_human": "text written by a human",
    "by_machine": "text by the recogniser",
    "without_text": "without text",
    "distributions": "Distributions",
    "shown_kept": "Filled: kept. Outlined: dropped.",
    "nobody_listened": "not measured",
    "coverage": "Sounds of the language",
    "findings": "What preparation found",
    "more": "Show the others",
    "coverage_source": "Orange lines: how often each sound occurs in running text ({source}).",
    "clips": "Dropped and flagged clips",
    "clips_all": "All {count} are shown. Words are coloured by how well the sound fits them: red badly, green well.",
    "clips_some": "{shown} of {count} are shown, evenly from the first to the last; the table below has all of them. "
    "Words are coloured by how well the sound fits them: red badly, green well.",
    "unreadable": "The sound could not be read, so there is no picture of it.",
    "not_embedded": "Its sound is over the limit for embedding and plays from the dataset's folder.",
    "heard": "heard",
    "no_text": "no text",
    "table": "All utterances",
    "foot": "Dropped clips are still in the folder; nothing was deleted.",
    "no_script": "The table needs JavaScript, which is switched off here. The manifest, manifest.jsonl, says the same.",
}

HISTOGRAMS = (
    ("seconds", "Length", "s"),
    ("pitch_hz", "Pitch", "Hz"),
    ("snr_db", "Speech above noise", "dB"),
    ("naturalness", "Naturalness (DNSMOS)", "of 5"),
    ("words_min", "Words a minute", ""),
    ("syllable_s", "Seconds per syllable", "s"),
    ("alignment", "Fit of sound and text", ""),
    ("likeness", "Likeness to the speaker", ""),
)
"""Of utterances: score or field, title, unit."""

COLUMNS = (
    ("snr_db", "SNR dB", 0),
    ("naturalness", "natural", 1),
    ("words_min", "words/min", 0),
    ("alignment", "fit", 2),
    ("cer", "errors", 2),
    ("likeness", "likeness", 2),
    ("pitch_hz", "pitch Hz", 0),
)
"""Of the table: score, heading, decimals."""


def hours(seconds: float) -> str:
    """A length of time as one reads it: "2 h 05 min", "12 min", "48 s"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
