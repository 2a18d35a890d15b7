"""`measure`: everything the meters have to say about a clip, in one report."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from voicewright.audio.clip import Clip
from voicewright.audio.files import read_clip
from voicewright.audio.loudness import Clipping, clipping, loudness_lufs, true_peak_db
from voicewright.audio.pitch import Pitch, PitchTracker
from voicewright.audio.yin import YinPitch
from voicewright.errors import BadClip, MissingWeights
from voicewright.measure.intelligibility import Recogniser, WordErrors, word_errors
from voicewright.measure.naturalness import Marks
from voicewright.measure.pitch import PitchFacts, pitch_facts
from voicewright.measure.similarity import SCALES, VERIFIER, SpeakerEncoder, centre, similarity
from voicewright.measure.speed import Pace, Stopwatch, pace
from voicewright.progress import Progress, silent

ENCODERS = tuple(SCALES)
NAMES = {"ge2e": "GE2E", "campplus": "CAM++", "dvector": "d-vector"}
VERDICTS = (
    (0.85, "as like as two recordings of one speaker"),
    (0.70, "very like the speaker"),
    (0.45, "somewhat like the speaker"),
    (-math.inf, "another speaker"),
)
"""By share of the way from two speakers to one (`Scale.share`). With one encoder, of 207 pairs of clips of different
real speakers the highest reached 0.56, and of 24 pairs of one speaker's clips the lowest reached 0.82."""
LIKE_S = 120.0
"""Of a long recording to compare with, this much is heard: more changes a speaker embedding little."""
LOUD_DBTP = -1.0
"""Peaks above this may clip in a lossy format (EBU R 128)."""

T = TypeVar("T")


class NaturalnessMeter(Protocol):
    """Predicts listeners' marks."""

    def score(self, clip: Clip) -> Marks: ...


class Meters(Protocol):
    """Where the listening networks come from. None: there is none for this language, or on this machine."""

    def encoder(self, name: str) -> SpeakerEncoder: ...

    def recogniser(self, language: str) -> Recogniser | None: ...

    def naturalness(self) -> NaturalnessMeter | None: ...

    def pitch(self, name: str = "swift") -> PitchTracker: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Report:
    """What was measured. None: not measured, and `left_out` says why where it was wanted.

    `similarity` is the cosine to the recordings by encoder (`SCALES` tells what it means), `pitch_like` their pitch,
    `cost_s` the wall time of each meter. `track` and `track_like` are the pitch over time, for plots; `to_dict` leaves
    them out. Loudness and peak are -inf (None in `to_dict`) for silence.
    """

    seconds: float
    rate: int
    loudness_lufs: float
    true_peak_db: float
    clipped: Clipping
    pace: Pace
    pitch: PitchFacts | None = None
    pitch_like: PitchFacts | None = None
    similarity: Mapping[str, float] = field(default_factory=dict)
    marks: Marks | None = None
    heard: str | None = None
    words: WordErrors | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    cost_s: Mapping[str, float] = field(default_factory=dict)
    track: Pitch | None = field(default=None, repr=False)
    track_like: Pitch | None = field(default=None, repr=False)

    @property
    def share(self) -> float | None:
        """Likeness on one scale, mean over the encoders: 0 two speakers, 1 one speaker; None when not measured."""
        shares = [SCALES[name].share(value) for name, value in self.similarity.items()]
        return sum(shares) / len(shares) if shares else None

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON data; numbers that are not finite become null."""
        plain = {
            name: value
            for name, value in vars(self).items()
            if name not in {"track", "track_like", "clipped", "words", "pitch", "pitch_like", "marks", "pace"}
        }
        plain |= {"clipped_share": self.clipped.share, "pace": asdict(self.pace), "likeness_share": self.share}
        for name in ("pitch", "pitch_like", "marks", "words"):
            part = getattr(self, name)
            plain[name] = asdict(part) if part else None
        if self.words:
            plain["words"] |= {"wrong": self.words.wrong, "rate": self.words.rate}
        return {name: _finite(value) for name, value in plain.items()}

    def lines(self) -> list[str]:
        """The report in sentences, one a line."""
        return [
            *_sound_lines(self),
            *_likeness_lines(self),
            *_word_lines(self),
            *_voice_lines(self),
            *(f"Not measured: {name} ({why})." for name, why in self.left_out.items()),
        ]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def measure_file(
    sound: Path,
    meters: Meters,
    *,
    like: Sequence[Path] = (),
    text: str = "",
    language: str = "en",
    plot: Path | None = None,
    progress: Progress = silent,
) -> Report:
    """`measure` of a file against files; `plot` is a picture to write. Raises BadClip: a file cannot be read."""
    clip = read_clip(sound)
    recordings = [read_clip(path, limit_s=LIKE_S) for path in like]
    report = measure(clip, meters, like=recordings, text=text or None, language=language, progress=progress)
    if plot is not None:
        from voicewright.measure.plot import draw

        draw(report, clip, plot)
    return report


def measure(
    clip: Clip,
    meters: Meters,
    *,
    like: Sequence[Clip] = (),
    text: str | None = None,
    language: str = "en",
    tracker: PitchTracker | None = None,
    progress: Progress = silent,
) -> Report:
    """Measure a clip of any rate.

    A meter without its weights, or one that finds too little sound, is left out, and the report says so.

    Args:
        meters: loads the networks that are needed.
        like: recordings of the speaker it should sound like.
        text: what should be said in it; without it no words are checked.
        language: of the text, BCP 47.
        tracker: how pitch is found; YIN, which needs no weights, by default.

    Raises:
        BadClip: the clip is empty.
        BadWeights: weights that are there and damaged.
    """
    if not len(clip):
        raise BadClip("an empty clip cannot be measured")
    tracker = tracker or YinPitch()
    bench = _Bench(progress, meters=4 + len(ENCODERS) * bool(like) + bool(text))
    loudness, peak, clipped = bench.run("level", lambda: (loudness_lufs(clip), true_peak_db(clip), clipping(clip)))
    found_pace = bench.run("pace", lambda: pace(clip, text))
    track = bench.run("pitch", lambda: tracker.track(clip))
    track_like = _joined([tracker.track(each) for each in like]) if like else None
    scores = {name: bench.attempt(name, partial(_likeness, meters, name, clip, like)) for name in ENCODERS if like}
    marks = bench.attempt("naturalness", lambda: _need(meters.naturalness(), "naturalness").score(clip))
    heard = bench.attempt("words", lambda: _hear(meters, clip, language)) if text else None
    return Report(
        seconds=clip.seconds,
        rate=clip.rate,
        loudness_lufs=loudness,
        true_peak_db=peak,
        clipped=clipped,
        pace=found_pace,
        pitch=pitch_facts(track),
        pitch_like=pitch_facts(track_like) if track_like else None,
        similarity={name: score for name, score in scores.items() if score is not None},
        marks=marks,
        heard=heard,
        words=word_errors(text, heard, language=language) if text and heard is not None else None,
        left_out=bench.left_out,
        cost_s=bench.cost_s,
        track=track,
        track_like=track_like,
    )


class _Bench:
    """Runs one meter after the other, notes what each cost, and why one could not answer."""

    def __init__(self, progress: Progress, *, meters: int) -> None:
        self._progress, self._meters = progress, meters
        self.cost_s: dict[str, float] = {}
        self.left_out: dict[str, str] = {}

    def run(self, name: str, work: Callable[[], T]) -> T:
        self._progress(f"measure {name}", len(self.cost_s), self._meters)
        with Stopwatch() as watch:
            result = work()
        self.cost_s[name] = watch.wall_s
        return result

    def attempt(self, name: str, work: Callable[[], T]) -> T | None:
        try:
            return self.run(name, work)
        except (MissingWeights, BadClip) as problem:
            self.left_out[name] = str(problem)
            return None


def _likeness(meters: Meters, name: str, clip: Clip, like: Sequence[Clip]) -> float:
    encoder = meters.encoder(name)
    return similarity(encoder.embed(clip), centre([encoder.embed(each) for each in like]))


def _hear(meters: Meters, clip: Clip, language: str) -> str:
    return _need(meters.recogniser(language), f"recognising {language!r}").transcribe(clip, beam=5).text


def _need(meter: T | None, what: str) -> T:
    if meter is None:
        raise MissingWeights(f"the weights for {what} are not on this machine; see: voicewright weights")
    return meter


def _joined(tracks: Sequence[Pitch]) -> Pitch:
    """One track of several of one method, end to end."""
    f0_hz, confidence = (np.concatenate([getattr(track, name) for track in tracks]) for name in ("f0_hz", "confidence"))
    return Pitch(f0_hz, confidence, tracks[0].hop_s)


def _finite(value: Any) -> Any:
    """JSON data without NaN and infinities, which JSON does not have."""
    if isinstance(value, Mapping):
        return {name: _finite(part) for name, part in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _sound_lines(report: Report) -> list[str]:
    peak = f"peaks at {report.true_peak_db:.1f} dBTP"
    peak += ", which may clip in a lossy format" if report.true_peak_db > LOUD_DBTP else ""
    clipped = f"{report.clipped.share:.2%} of it is clipped" if report.clipped.runs else "no clipping"
    return [
        f"Length: {report.seconds:.1f} s at {report.rate} Hz.",
        f"Level: {report.loudness_lufs:.1f} LUFS, {peak}, {clipped}.",
    ]


def _likeness_lines(report: Report) -> list[str]:
    if report.share is None:
        return []
    verdict = next(words for least, words in VERDICTS if report.share >= least)
    way = min(max(report.share, 0.0), 1.0)
    lines = [f"Likeness: {verdict} ({way:.0%} of the way from two speakers to one)."]
    for name, value in report.similarity.items():
        scale = SCALES[name]
        role = "; no fitting ever used it" if name == VERIFIER else ""
        same = f"one speaker {scale.same:.2f}, two speakers {scale.different:.2f}"
        lines.append(f"  {NAMES[name]} {value:.2f} ({same}{role})")
    return lines


def _word_lines(report: Report) -> list[str]:
    lines = []
    if report.words is not None:
        wrong, words = report.words.wrong, report.words.words
        verdict = "every word is heard as asked" if not wrong else f"{wrong} of {words} wrong ({report.words.rate:.1%})"
        lines.append(f"Words: {verdict}.")
        if wrong:
            lines.append(f"  Heard: {report.heard}")
    if report.marks:
        lines.append(
            f"Naturalness (DNSMOS, 1 to 5; clean recordings about 3.3): {report.marks.overall:.2f} overall, "
            f"{report.marks.signal:.2f} speech, {report.marks.background:.2f} background."
        )
    return lines


def _voice_lines(report: Report) -> list[str]:
    lines = []
    if report.pitch:
        line = f"Pitch: {report.pitch.median_hz:.0f} Hz, range {report.pitch.range_semitones:.0f} semitones"
        if report.pitch_like:
            shift = 12 * math.log2(report.pitch.median_hz / report.pitch_like.median_hz)
            line += f"; the recordings {report.pitch_like.median_hz:.0f} Hz, {report.pitch_like.range_semitones:.0f}"
            line += f" semitones; {abs(shift):.1f} semitones {'above' if shift > 0 else 'below'} them"
        lines.append(f"{line}.")
    speed = f"Pace: {report.pace.articulation:.1f} syllables a second of speech, {report.pace.pauses:.0%} pauses"
    speed += f", {report.pace.words_min:.0f} words a minute" if report.pace.words_min else ""
    return [*lines, f"{speed}."]
