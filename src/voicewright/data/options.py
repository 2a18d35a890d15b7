"""The options of preparation. They need nothing heavy, so that a command line can show them at once."""

from dataclasses import dataclass, field
from typing import Literal

from voicewright.engines.clips import ClipLimits, clip_limits
from voicewright.errors import BadSetting

Task = Literal["speak", "convert"]


@dataclass(frozen=True, kw_only=True)
class SliceOptions:
    """How recordings are cut into clips."""

    shortest_s: float = 0.0
    """Clips are at least this long; 0: what the engine says."""
    longest_s: float = 0.0
    """Clips are at most this long; 0: what the engine says."""
    likely_s: float = 0.0
    """The length that clips should have where the pauses allow it; 0: what the engine says."""
    lead_s: float = 0.1
    """Kept before the first word of a clip (half of the pause, if that is shorter)."""
    tail_s: float = 0.2
    """Kept after the last word of a clip (half of the pause, if that is shorter)."""
    longest_pause_s: float = 1.2
    """A clip is never carried across a longer pause."""

    def __post_init__(self) -> None:
        for name in ("shortest_s", "longest_s", "likely_s", "lead_s", "tail_s", "longest_pause_s"):
            if getattr(self, name) < 0:
                raise BadSetting(f"{name} must not be negative, got {getattr(self, name)}")
        if self.longest_s and self.longest_s <= self.shortest_s:
            raise BadSetting(f"longest_s ({self.longest_s}) must be more than shortest_s ({self.shortest_s})")

    def within(self, limits: ClipLimits) -> tuple[float, float, float]:
        """Shortest, likely and longest (s): what was given, else the engine's.

        Raises:
            BadSetting: they contradict each other.
        """
        shortest_s = self.shortest_s or limits.shortest_s
        longest_s = self.longest_s or limits.longest_s
        likely_s = self.likely_s or min(max(limits.likely_s, shortest_s), longest_s)
        if not shortest_s <= likely_s <= longest_s:
            raise BadSetting(f"need shortest ≤ likely ≤ longest, got {shortest_s}, {likely_s} and {longest_s} s")
        return shortest_s, likely_s, longest_s


@dataclass(frozen=True, kw_only=True)
class TranscribeOptions:
    """Who hears the words."""

    model: str = "auto"
    """auto: the small English model for English, else the larger one; or a name: tiny.en, base, large-v3, a folder."""
    beam: int = 1
    """1 is fastest; 5 hears a little better."""
    device: str = "cpu"
    """Where the recogniser runs: cpu or cuda."""

    def __post_init__(self) -> None:
        if not 1 <= self.beam <= 20:
            raise BadSetting(f"beam must be between 1 and 20, got {self.beam}")


@dataclass(frozen=True, kw_only=True)
class SplitOptions:
    """How utterances are shared out between training, validation and test."""

    validation: float = 0.05
    """Share of the seconds kept for validation."""
    test: float = 0.0
    """Share of the seconds kept for a test."""
    seed: int = 0
    """Same seed, same utterances: same split."""

    def __post_init__(self) -> None:
        if min(self.validation, self.test) < 0 or self.validation + self.test >= 1:
            raise BadSetting(
                f"validation and test are shares that leave some to train on, got {self.validation:g} and {self.test:g}"
            )


@dataclass(frozen=True, kw_only=True)
class KeepRules:
    """When an utterance is marked as dropped, and when it is flagged for a human. Nothing is ever deleted.

    The figures were set on 560 telephone prompts of one professional speaker, on read books and on eight other
    speakers, and on the same clips made bad; what a good clip reached at worst is named where it decided.
    """

    snr_db: float = 14.0
    """Drop below: noise this close to the speech is learned with it. Good clips read 18 dB or more, even single words;
    with noise added 15 dB below the speech they read 14 to 18, with 10 dB 10 to 13."""
    clipped: float = 0.005
    """Drop above this share of clipped samples. Good clips have none; driven 6 dB over the top they have 0.3 to 8 %."""
    reverb_s: float = 0.7
    """Drop above: a bare room. Close microphones read 0.3 s at most, with an added room of 0.4 s 0.3 to 0.55, with one
    of 1.2 s 0.7 or more in nine of ten clips."""
    tones: float = 3.0
    """Drop above: music or hum behind the speech (held tones in the quiet quarter). Good clips read 1.5 at most, with
    music 10 dB below the speech 3.5 or more, 20 dB below it more than 3 in four of five clips."""
    bandwidth_hz: float = 5_000.0
    """Drop below: telephone sound. What was sampled 8,000 times a second reads 4.0 to 4.7 kHz, other speech 5.8 or
    more."""
    bandwidth_flag_hz: float = 7_000.0
    """Flag below."""
    naturalness: float = 2.0
    """Drop below this DNSMOS mark (1 to 5). Good clips read 2.3 or more, even single words; with noise 10 dB below the
    speech 1.8 to 2.2, with music there or in a bare room 1.0 to 2.4."""
    words_min: tuple[float, float] = (50.0, 300.0)
    """Drop outside: the text is too long or too short for the sound. Clips of fewer than five words are left alone;
    hurried prompts reach 240."""
    syllable_s: tuple[float, float] = (0.13, 0.42)
    """Flag outside, if unusual in its dataset too: seconds of speech per syllable; people speak 3.3 to 5.9 syllables
    a second. Texts of fewer than eight syllables are left alone: single words reach 0.8."""
    alignment: float = 0.4
    """Drop below: the sound does not fit the text. Over 290 clips right texts scored at least 0.48, wrong ones at most
    0.49. Texts under eight letters are only flagged."""
    alignment_flag: float = 0.55
    """Flag below, for the quarter of a dataset that fits worst and for three utterances of a recording in a row."""
    alignment_low: float = 0.15
    """Flag below, for any three words in a row."""
    sureness: float = 0.35
    """Flag below: the recogniser was unsure of a word. Of the smallest one's texts of 557 prompts this flags a third of
    the wrong and one in fifteen of the right ones."""
    cer: float = 0.4
    """Drop above: what was heard is another text. Of a text without a human author it is unknown. By the smallest
    recogniser, right texts of four words or more read 0.24 at most, texts of which a third is missing 0.83 in the
    middle, other texts 0.7 or more. Only flagged where the sound speaks for the text (`alignment_flag`), and for texts
    under eight letters ("N B S")."""
    cer_flag: float = 0.1
    """Flag above. Nine in ten right texts read 0.05 or less; texts half as long again as the speech 0.16 or more in
    three of four."""
    likeness: float = 0.55
    """Drop below: it does not sound like the speaker (CAM++ on 1.6 s). Clips read 0.64 or more to their own speaker,
    to others 0.41 in the middle and 0.58 at most. Clips under 1.5 s are only flagged."""
    likeness_flag: float = 0.65
    """Flag below, if it is unusual for the speaker."""
    overlap: float = 0.05
    """Drop above this share of the clip with somebody else in it."""


@dataclass(frozen=True, kw_only=True)
class PrepareOptions:
    """How recordings become a dataset."""

    task: Task = "speak"
    """speak: clips with text. convert: clips for singing or speech conversion, text not needed."""
    engine: str = ""
    """The engine whose limits the clips keep; by default kokoro to speak, sovits to convert."""
    speaker: str = ""
    """The wanted speaker's name. Others are marked as dropped; without a name everybody is kept."""
    speakers: int = 0
    """How many people speak in the recordings; 0: find out; 1: do not ask who speaks."""
    diarizer: str = ""
    """What tells who speaks: the project's own networks; rttm:FILE, turns that are known already; pyannote:FOLDER, a
    pipeline of pyannote.audio."""
    language: str = "en-us"
    """What is spoken."""
    separate: bool = False
    """Take the voice out of the music first (needs the extra "separate")."""
    denoise: bool = False
    """Take steady noise away first (needs the extra "denoise")."""
    rate: int = 0
    """Samples per second of the clips; 0: what the engine says."""
    naturalness_every_s: float = 0.0
    """Naturalness is heard in one clip for every so many seconds of a recording; 0: in every clip (0.16 s each)."""
    loudness_lufs: float | None = -23.0
    """Loudness of each recording's speech; null leaves the level as it is."""
    slices: SliceOptions = field(default_factory=SliceOptions)
    """How recordings are cut."""
    transcribe: TranscribeOptions = field(default_factory=TranscribeOptions)
    """Who hears the words."""
    keep: KeepRules = field(default_factory=KeepRules)
    """What is dropped and what is flagged."""
    split: SplitOptions = field(default_factory=SplitOptions)
    """Training, validation, test."""

    def __post_init__(self) -> None:
        if self.rate and not 8_000 <= self.rate <= 192_000:
            raise BadSetting(f"rate must be between 8000 and 192000, got {self.rate}")
        for name in ("speakers", "naturalness_every_s"):
            if getattr(self, name) < 0:
                raise BadSetting(f"{name} must not be negative, got {getattr(self, name)}")
        kind, _, place = self.diarizer.partition(":")
        if self.diarizer and (kind not in {"rttm", "pyannote"} or not place):
            raise BadSetting(f"no diarizer {self.diarizer!r}; leave it out, or say rttm:FILE or pyannote:FOLDER")
        if self.loudness_lufs is not None and not -40 <= self.loudness_lufs <= -10:
            raise BadSetting(f"loudness_lufs must be between -40 and -10, got {self.loudness_lufs}")

    @property
    def limits(self) -> ClipLimits:
        """The clips that the engine takes. Raises BadSetting for an unknown engine."""
        return clip_limits(self.engine or ("kokoro" if self.task == "speak" else "sovits"))
