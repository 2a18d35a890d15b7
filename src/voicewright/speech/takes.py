"""Takes of one piece: speak, check, try again differently, keep the best."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from voicewright.audio.clip import Clip
from voicewright.engines.base import Speaks
from voicewright.engines.options import SpeakOptions
from voicewright.speech.checks import Checker, TakeScores
from voicewright.speech.joins import join_halves
from voicewright.speech.options import CheckOptions
from voicewright.text.piece import Piece
from voicewright.voice.voice import Voice

SLOWEST_SPEED, FASTEST_SPEED = 0.5, 2.0
LIKENESS_STEP, NATURAL_STEP = 0.02, 0.1
"""Differences below these are within what the meters say of two good takes of one text."""
CLAUSE_END = re.compile(r"(?<=[,;:—–])\s+|\s+(?=(?:and|but|or|because|which|while|that)\s)")


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeSetting:
    """What distinguishes one take of a piece from another; the same setting gives the same samples."""

    seed: int
    speed: float
    split: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One take that was made: how, why, what was found (None: not checked), and what it cost."""

    setting: TakeSetting
    why: str
    scores: TakeScores | None
    made_s: float
    checked_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """All about the take that was kept, but its sound.

    `attempts` in the order they were made, `kept` the index of the best. It has `passed` when nothing is wrong with it.
    """

    attempts: tuple[Attempt, ...]
    kept: int
    retries: int = 0

    @property
    def best(self) -> Attempt:
        return self.attempts[self.kept]

    @property
    def setting(self) -> TakeSetting:
        return self.best.setting

    @property
    def scores(self) -> TakeScores | None:
        return self.best.scores

    @property
    def passed(self) -> bool:
        return self.best.scores is None or not self.best.scores.problems

    @property
    def made_s(self) -> float:
        return sum(attempt.made_s for attempt in self.attempts)

    @property
    def checked_s(self) -> float:
        return sum(attempt.checked_s for attempt in self.attempts)

    def __str__(self) -> str:
        told = [f"{a.why}: {'; '.join(a.scores.problems) or 'good'}" for a in self.attempts if a.scores]
        return " → ".join(told) + (f" → kept {self.best.why}" if len(told) > 1 else "") if told else "not checked"


def rank(scores: TakeScores | None) -> tuple[float, ...]:
    """Smaller is better. In this order: it can be used at all; fewer words wrong; fewer other problems;
    closer to the voice (steps of 0.02); sounds more natural (steps of 0.1 of a mark).

    Words come before likeness, because a listener forgives a shade of colour sooner than a wrong word. A text that is
    too short to be recognised with certainty counts as right. Ties keep the earlier take.
    """
    if scores is None:
        return (0.0,)
    others = len(scores.problems) - bool(scores.words_wrong)
    likeness = -round((scores.similarity or 0.0) / LIKENESS_STEP)
    natural = -round((scores.naturalness or 0.0) / NATURAL_STEP)
    return (float(scores.unusable), float(scores.words_wrong or 0), float(others), float(likeness), float(natural))


def speak_piece(
    engine: Speaks,
    piece: Piece,
    voice: Voice,
    options: SpeakOptions,
    checker: Checker | None,
    checking: CheckOptions,
    *,
    usual_rate: float | None = None,
    spare_retries: int | None = None,
) -> tuple[Clip, Take]:
    """The best take of `piece` within the budget, and what was tried.

    First `checking.takes` takes, each with its own seed; while the best of all fails, up to `checking.retries` more
    (`spare_retries` may lower that): another seed, 5 % slower, in two parts, 4 % faster, 8 % slower, then other seeds.

    Args:
        usual_rate: syllables a second of the pieces before, to notice one that is rushed or dragged.

    Raises:
        WrongVoice, StaleVoice, BadText: from the engine.
    """
    checked = checker is not None and checking.check != "off" and bool(piece.spoken)
    targets = checker.targets(voice) if checker and checked else {}
    floor = checker.floor(voice, checking) if checker and checked else 0.0
    wanted = checking.takes if checked else 1
    retries = checking.retries if checked else 0
    budget = retries if spare_retries is None else max(0, min(retries, spare_retries))
    attempts: list[Attempt] = []
    clips: list[Clip] = []
    best = 0
    for why, setting in _settings(piece, options, wanted, budget):
        if len(attempts) >= wanted and not _problems(attempts[best]):
            break
        started = time.perf_counter()
        clip = speak_with(engine, piece, voice, options, setting)
        made = time.perf_counter()
        scores = None
        if checker and checked:
            known = _known(clip, clips, attempts)
            scores = known or checker.score(piece, clip, targets, checking, usual_rate=usual_rate, floor=floor)
        attempts.append(
            Attempt(
                setting=setting, why=why, scores=scores, made_s=made - started, checked_s=time.perf_counter() - made
            )
        )
        clips.append(clip)
        best = min(range(len(attempts)), key=lambda i: (rank(attempts[i].scores), i))
    take = Take(attempts=tuple(attempts), kept=best, retries=max(0, len(attempts) - wanted))
    return clips[best], take


def speak_with(engine: Speaks, piece: Piece, voice: Voice, options: SpeakOptions, setting: TakeSetting) -> Clip:
    """One take of `piece` with exactly this setting: how a kept take is made again, sample for sample."""
    options = replace(options, seed=setting.seed, speed=setting.speed)
    halves = split_piece(piece) if setting.split else None
    if halves is None:
        return _only(engine.stream([piece], voice, options))
    return join_halves(*(_only(engine.stream([half], voice, options)) for half in halves))


def split_piece(piece: Piece) -> tuple[Piece, Piece] | None:
    """`piece` in two at the clause nearest to its middle; None when it has fewer than four words or given phonemes."""
    words = len(piece.spoken.split())
    if piece.phonemes is not None or words < 4:
        return None
    cuts = [match.span() for match in CLAUSE_END.finditer(piece.spoken)]
    cuts = [cut for cut in cuts if piece.spoken[: cut[0]].strip() and piece.spoken[cut[1] :].strip()]
    if not cuts:
        if words < 8:
            return None
        cuts = [match.span() for match in re.finditer(r"\s+", piece.spoken.strip())]
    middle = len(piece.spoken) / 2
    end, start = min(cuts, key=lambda cut: abs(cut[0] - middle))
    first, second = piece.spoken[:end].strip(), piece.spoken[start:].strip()
    return replace(piece, text=first, spoken=first, pause_s=0.0), replace(piece, text=second, spoken=second)


def _settings(piece: Piece, options: SpeakOptions, takes: int, retries: int) -> Iterator[tuple[str, TakeSetting]]:
    first = TakeSetting(seed=options.seed, speed=options.speed)
    yield "first take", first
    for number in range(1, takes):
        yield f"take {number + 1}", replace(first, seed=options.seed + number)
    changes = [("another seed", 1.0, False), ("5 % slower", 0.95, False)]
    changes += [("in two parts", 1.0, True)] if split_piece(piece) else []
    changes += [("4 % faster", 1.04, False), ("8 % slower", 0.92, False)]
    changes += [("another seed", 1.0, False)] * retries
    for number, (why, factor, split) in enumerate(changes[:retries], start=takes):
        speed = min(max(options.speed * factor, SLOWEST_SPEED), FASTEST_SPEED)
        yield why, TakeSetting(seed=options.seed + number, speed=speed, split=split)


def _problems(attempt: Attempt) -> tuple[str, ...]:
    return attempt.scores.problems if attempt.scores else ()


def _known(clip: Clip, clips: list[Clip], attempts: list[Attempt]) -> TakeScores | None:
    """Scores of an earlier take with the same samples: some engines do not listen to the seed."""
    for other, attempt in zip(clips, attempts, strict=True):
        if len(other) == len(clip) and np.array_equal(other.samples, clip.samples):
            return attempt.scores
    return None


def _only(clips: Iterator[Clip]) -> Clip:
    (clip,) = clips
    return clip
