"""`Auditor`: has every checkpoint speak the same texts, and scores what is heard.

The score ranks checkpoints; higher is better:

    score = mean likeness by GE2E and CAM++  -  0.2 · marks of naturalness lost  -  1.0 · share of words lost

Likeness is the cosine to the centre of the speaker's held-out recordings, mean over the texts. What is lost is lost
against step 0, the voice that the run started from, and counts only beyond noise: the naturalness (DNSMOS) must be
lower by more than 0.1 and by more than twice the standard error of the differences text by text; the wrong words must
be more by over one and by over the square root of all wrong words (the difference of two counts varies by about that).
The prices are such that half a mark, or one word in ten, costs a gain of 0.1 in likeness: more than tuning usually
brings. The verifier (d-vector) listens too, and has no say.

An engine that only converts is given recordings instead of texts. What is lost is then lost against these recordings
(and the words are those that the recogniser hears in them), and half of what the correlation of the pitch curves lacks
to 1 is taken off too, where it lacks more than 0.05.
"""

import hashlib
import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

from voicewright.audio.writer import write_clip
from voicewright.engines.base import Converts, Speaks
from voicewright.engines.recipe import Example
from voicewright.errors import BadPlan, BadRun, BadSetting
from voicewright.measure.report import Meters
from voicewright.progress import Progress, silent
from voicewright.settings import from_dict, to_dict
from voicewright.training.listening import Ears, Heard, open_ears
from voicewright.training.options import AuditionOptions
from voicewright.training.run import step_name
from voicewright.training.texts import Task, audition_texts, comparison_texts, conversion_tasks
from voicewright.voice.voice import Voice

SCORES = "scores.json"
FORMAT = 1
NATURALNESS_PRICE, WORDS_PRICE = 0.2, 1.0
NATURALNESS_NOISE = 0.1
"""Marks: what DNSMOS changes by when nothing that is heard does."""
MELODY_PRICE, MELODY_NOISE = 0.5, 0.05
FIELDS = (
    ("dnsmos", "naturalness"),
    ("loudness_lufs", "loudness_lufs"),
    ("clipped", "clipped"),
    ("melody", "melody"),
)
"""Figures that are means over the texts, and the fields that they are means of."""
UNHEARD = 1.0
"""The lowest mark of DNSMOS: for a voice in which there is nothing to mark."""


@dataclass(frozen=True, kw_only=True)
class Audition:
    """How one checkpoint was heard. `key` tells texts and speaker: scores of one key can be compared."""

    step: int
    score: float
    key: str
    sentences: tuple[Heard, ...]
    reasons: tuple[str, ...] = ()
    """What was taken off the score, and why."""
    ceiling: Mapping[str, float]
    """How like their own centre the speaker's recordings are, by encoder."""
    format: int = FORMAT

    def figures(self) -> dict[str, float]:
        """Figures for the log: "score", the encoders by name, "dnsmos", "words_wrong", "words", "loudness_lufs",
        "clipped", "melody", "rtf"; means over the texts, counts of words. What was not measured is left out."""
        figures = {"score": self.score}
        for name in self.ceiling:
            figures[name] = fmean(each.likeness[name] for each in self.sentences)
        for name, field in FIELDS:
            values = [value for each in self.sentences if (value := getattr(each, field)) is not None]
            if values:
                figures[name] = fmean(values)
        wrong = [each.words_wrong for each in self.sentences if each.words_wrong is not None]
        if wrong:
            figures |= {"words_wrong": sum(wrong), "words": sum(each.words for each in self.sentences)}
        figures["rtf"] = sum(e.rtf * e.seconds for e in self.sentences) / max(
            sum(e.seconds for e in self.sentences), 0.1
        )
        return figures


class Auditor:
    """Has checkpoints speak, or convert recordings, and listens. Cheap to make: the meters are loaded when it first
    hears, and kept.

    Args:
        meters: where the listening networks come from.
        options: the plan's `audition`.
        language: what is spoken.
        held: recordings of the speaker that nothing is learned from; without any, those that are (`notes` says so).
        train: recordings that are learned from: their texts are never spoken.
        converts: the engine does not speak: it converts recordings of the speaker and of somebody else.

    Raises:
        BadPlan: a text of the plan is learned from, or there is no text to speak; or texts for an engine that does not.
    """

    def __init__(
        self,
        meters: Meters,
        options: AuditionOptions,
        *,
        language: str,
        held: Sequence[Example],
        train: Sequence[Example],
        converts: bool = False,
    ) -> None:
        self.language, self.held, self.train = language, tuple(held), tuple(train)
        self.converts = converts
        if converts and options.texts:
            raise BadPlan("audition: texts are for engines that speak; this one converts recordings: leave them out")
        texts = () if converts else audition_texts(options.sentences, options.texts, language, held, train)
        recordings = conversion_tasks(held, train)[: options.sentences] if converts and options.sentences else ()
        self.tasks = (*map(Task, texts), *recordings)
        self.notes: tuple[str, ...] = ()
        if not held:
            self.notes = (
                "no recordings are held out, so likeness is to those that are learned from: it may flatter. "
                "Hold some out: voicewright dataset split DATASET --validation 0.05",
            )
        self._meters, self._options = meters, options
        self._ears: Ears | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """What is spoken, or said in the recordings that are converted."""
        return tuple(task.text for task in self.tasks)

    def more(self, count: int) -> tuple[Task, ...]:
        """Up to `count` other tasks, for a comparison: no audition used them, and nothing was learned from them."""
        if self.converts:
            unused = (each for each in conversion_tasks(self.held, ()) if each not in self.tasks)
            return tuple(list(unused)[:count])
        return tuple(map(Task, comparison_texts(count, self.texts, self.language, self.held, self.train)))

    def ears(self, folder: Path, progress: Progress = silent) -> Ears:
        """The meters, loaded once; what the speaker sounds like is kept in `folder`.

        Raises: BadDataset: no recording can be heard. MissingWeights, BadWeights.
        """
        if self._ears is None:
            self._ears = open_ears(
                self._meters,
                self.held or self.train,
                folder,
                language=self.language,
                words=self._options.words,
                naturalness=self._options.naturalness,
                melody=self.converts,
                progress=progress,
            )
        return self._ears

    def hear(
        self, engine: Speaks | Converts, voice: Voice, folder: Path, step: int, *, progress: Progress = silent
    ) -> Audition:
        """How `voice` sounds as the checkpoint of `step`; 0 is the voice that a run starts from, and comes first.

        Writes `folder`/step-…/scores.json and 1.flac, 2.flac, …, all of it or nothing.

        Args:
            folder: the run's auditions.

        Raises:
            BadSetting: there are no texts (sentences is 0). As `ears`, and as `engine.stream`.
        """
        if not self.tasks:
            raise BadSetting("this plan has no auditions (audition: sentences is 0)")
        ears = self.ears(folder, progress)
        key = self._key(ears)
        place, part = folder / step_name(step), folder / f".{step_name(step)}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        sentences = []
        for number, task in enumerate(self.tasks, start=1):
            progress("audition", number - 1, len(self.tasks))
            done = ears.perform(engine, voice, task)
            heard = ears.listen(task, done, sound=f"{number}.flac" if len(done.clip) else "")
            if len(done.clip):
                write_clip(part / heard.sound, done.clip)
            sentences.append(heard)
        score, reasons = scored(sentences, self._before(ears, folder, key, step))
        if step and not self.converts and not _start(folder, key):
            reasons = (
                "the voice it started from was not heard on these texts, so nothing could be taken off",
                *reasons,
            )
        audition = Audition(
            step=step,
            score=score,
            key=key,
            sentences=tuple(sentences),
            reasons=reasons,
            ceiling=dict(ears.speaker.ceiling),
        )
        (part / SCORES).write_text(json.dumps(to_dict(audition), indent=1, ensure_ascii=False) + "\n", "utf-8")
        _settle(part, place)
        return audition

    def _before(self, ears: Ears, folder: Path, key: str, step: int) -> Sequence[Heard] | None:
        """What the score is against: the voice that the run started from; or the recordings that are converted."""
        if self.converts:
            return [ears.source(task)[1] for task in self.tasks]
        start = _start(folder, key) if step else None
        return start.sentences if start else None

    def _key(self, ears: Ears) -> str:
        told: list[object] = [FORMAT, self.texts, self.language, ears.speaker.key]
        told += [[task.sha256 for task in self.tasks]] if self.converts else []
        told += [ears.recogniser is not None, ears.naturalness is not None]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def scored(sentences: Sequence[Heard], start: Sequence[Heard] | None) -> tuple[float, tuple[str, ...]]:
    """The score of `sentences` as the module says, and what was taken off it, in words.

    Args:
        start: the same texts, spoken by the voice to start from; None: nothing is taken off.
    """
    score, reasons = fmean(each.alike for each in sentences), []
    if start is None:
        return score, ()
    if lost := naturalness_lost(sentences, start):
        score -= NATURALNESS_PRICE * lost
        reasons.append(f"-{NATURALNESS_PRICE * lost:.3f}: it sounds less natural by {lost:.2f} marks of DNSMOS")
    if lost := melody_lost(sentences):
        score -= MELODY_PRICE * lost
        reasons.append(f"-{MELODY_PRICE * lost:.3f}: the melody is followed with a correlation of only {1 - lost:.2f}")
    lost, more, words = words_lost(sentences, start)
    if lost:
        score -= WORDS_PRICE * lost
        reasons.append(f"-{WORDS_PRICE * lost:.3f}: {more} more of {words} words are heard wrong")
    return score, tuple(reasons)


def naturalness_lost(sentences: Sequence[Heard], start: Sequence[Heard]) -> float:
    """Marks by which `sentences` sound less natural than the same texts at the `start`; 0 when that may be noise."""
    drops = [
        before.naturalness - (UNHEARD if after.naturalness is None else after.naturalness)
        for before, after in zip(start, sentences, strict=True)
        if before.naturalness is not None
    ]
    if not drops:
        return 0.0
    error = stdev(drops) / math.sqrt(len(drops)) if len(drops) > 1 else 0.0
    drop = fmean(drops)
    return drop if drop > max(NATURALNESS_NOISE, 2 * error) else 0.0


def melody_lost(sentences: Sequence[Heard]) -> float:
    """By how much the correlation of converted melodies falls short of 1; 0 when that may be the tracker's noise."""
    followed = [each.melody for each in sentences if each.melody is not None]
    short = 1 - fmean(followed) if followed else 0.0
    return short if short > MELODY_NOISE else 0.0


def words_lost(sentences: Sequence[Heard], start: Sequence[Heard]) -> tuple[float, int, int]:
    """Share of the words that are wrong beyond those wrong at the `start`, 0 when that may be noise; how many more are
    wrong; and of how many."""
    after, before = (sum(each.words_wrong or 0 for each in heard) for heard in (sentences, start))
    words, more = max(1, sum(each.words for each in sentences)), after - before
    return (more / words if more > max(1.0, math.sqrt(after + before)) else 0.0), more, words


def read_audition(folder: Path) -> Audition:
    """The audition in `folder` (…/step-00000120).

    Raises:
        BadRun: there is none, or it cannot be read.
    """
    path = folder / SCORES
    try:
        given = json.loads(path.read_text("utf-8"))
        return from_dict(Audition, given, where=str(path))
    except (OSError, ValueError, TypeError) as problem:
        raise BadRun(
            f"{path}: this audition cannot be read ({problem}); remove its folder, and hear it again"
        ) from None


def auditions_in(folder: Path) -> dict[int, Audition]:
    """Every audition of a run, by step, the earliest first. Raises BadRun: one cannot be read."""
    places = sorted(place for place in folder.glob("step-*") if (place / SCORES).is_file())
    return {audition.step: audition for audition in map(read_audition, places)}


def _start(folder: Path, key: str) -> Audition | None:
    place = folder / step_name(0)
    if not (place / SCORES).is_file():
        return None
    start = read_audition(place)
    return start if start.key == key else None


def _settle(part: Path, place: Path) -> None:
    """`part` in the place of what may be there."""
    old = part.with_suffix(".old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.rename(old)
    part.rename(place)
    shutil.rmtree(old, ignore_errors=True)
