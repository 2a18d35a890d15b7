"""`Utterance`: one line of a dataset's manifest, and what is known about it."""

from dataclasses import dataclass, field
from typing import Literal

Split = Literal["train", "validation", "test"]
Decision = Literal["", "keep", "drop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedWord:
    """A word as it is written, and when it is said."""

    text: str
    start_s: float
    end_s: float
    score: float | None = None
    """How well the sound fits the word, 0 to 1; None if nobody listened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where in which recording an utterance was cut."""

    recording: str
    """The recording's name in the dataset."""
    sha256: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What the meters say; None where one did not listen or there is nothing to measure."""

    snr_db: float | None = None
    """Speech to steady background."""
    clipped: float | None = None
    """Share of samples in flat tops, 0 to 1."""
    reverb_s: float | None = None
    """Reverberation time of a room that would sound as reverberant."""
    tones: float | None = None
    """Held tones in the quiet quarter: music or hum."""
    bandwidth_hz: float | None = None
    loudness_lufs: float | None = None
    pitch_hz: float | None = None
    """Median of the voiced frames."""
    naturalness: float | None = None
    """DNSMOS overall, 1 to 5."""
    words_min: float | None = None
    """Words of the text per minute of the clip."""
    syllable_s: float | None = None
    """Seconds of speech per syllable of the text."""
    alignment: float | None = None
    """Mean of the word scores, 0 to 1."""
    alignment_low: float | None = None
    """Lowest mean of three words in a row (of all, if there are fewer)."""
    sureness: float | None = None
    """Of a text that only a recogniser heard: how sure it was of the least sure word, 0 to 1."""
    cer: float | None = None
    """Character error rate of what was heard against the text."""
    likeness: float | None = None
    """Cosine to the centre of the speaker's utterances."""
    overlap: float | None = None
    """Share of the clip in which somebody else speaks too, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """A clip, what is said in it, by whom, and how good it is.

    `audio` is a path relative to the manifest, with "/"; the dataset's folder can be moved. Word times count from the
    beginning of the clip.
    """

    id: str
    audio: str
    sha256: str
    """Of the audio file's bytes."""
    seconds: float
    rate: int
    text: str
    """What is said, as it is written; "" when nobody knows."""
    speaker: str
    language: str = "en-us"
    gold: bool = False
    """The text was written by a human."""
    heard: str = ""
    """What the recogniser heard."""
    words: tuple[TimedWord, ...] = ()
    source: Source | None = None
    scores: Scores = field(default_factory=Scores)
    flags: tuple[str, ...] = ()
    """What a human may want to look at; the utterance is kept all the same."""
    dropped: str = ""
    """Why a trainer must not use it; "" when it may."""
    edited: bool = False
    """A human decided something about it."""
    decision: Decision = ""
    """Whether a human decided to keep or to drop it; a decision wins over every rule."""
    split: Split = "train"
    split_fixed: bool = False
    """A human chose the split; sharing out leaves it there."""

    @property
    def kept(self) -> bool:
        return not self.dropped
