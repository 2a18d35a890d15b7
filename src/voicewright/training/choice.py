"""`best`: which checkpoint of a run to take, by what was heard and not by the loss; it may be none of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import stdev
from typing import TYPE_CHECKING

from voicewright.errors import BadRun
from voicewright.training.audition import Audition, auditions_in
from voicewright.training.run import Run

if TYPE_CHECKING:
    from voicewright.training.checkpoint import Checkpoint

LEAST_GAIN = 0.005
"""A score higher by less is not worth a checkpoint: no listener hears it."""


@dataclass(frozen=True, kw_only=True)
class Best:
    """The checkpoint to take; None when the voice that the run started from is as good, or better. `reasons` in words,
    the verdict first."""

    checkpoint: "Checkpoint | None"
    step: int
    score: float
    reasons: tuple[str, ...]
    leading: "Checkpoint | None" = None
    """The checkpoint with the highest score, whether it beats the start or not."""

    def __str__(self) -> str:
        return "\n".join(self.reasons)


def best(run: Run) -> Best:
    """The checkpoint with the highest audition score, if it beats the voice that the run started from: by more than
    0.005 and by more than the standard error of the differences in likeness, text by text.

    Only checkpoints that are still there and were heard on the same texts as the start are looked at. The losses have
    no say.

    Raises:
        BadRun: nothing of the run was heard yet, or the start was not.
    """
    auditions = auditions_in(run.auditions)
    start = auditions.pop(0, None)
    if start is None:
        raise BadRun(
            f"{run.folder}: the voice that it started from was not heard; voicewright runs audition {run.folder}"
        )
    kept = {checkpoint.step: checkpoint for checkpoint in run.checkpoints()}
    step, reasons = choose(start, auditions, set(kept), had_voice=run.start_voice.is_file())
    score = auditions[step].score if step else start.score
    first = leading(start, auditions, set(kept))
    return Best(
        checkpoint=kept[step] if step else None,
        step=step,
        score=score,
        reasons=reasons,
        leading=kept[first] if first else None,
    )


def leading(start: Audition, auditions: Mapping[int, Audition], kept: set[int]) -> int:
    """The step with the highest score of those `kept` and heard on the same texts as the start, the earliest of equals;
    0 when there is none."""
    steps = [step for step, audition in auditions.items() if step in kept and audition.key == start.key]
    return max(steps, key=lambda step: (auditions[step].score, -step), default=0)


def choose(
    start: Audition, auditions: Mapping[int, Audition], kept: set[int], *, had_voice: bool = True
) -> tuple[int, tuple[str, ...]]:
    """The best step of those `kept` (0: the start) by their auditions, and why.

    Args:
        had_voice: the run started from a voice, and not from a network that had not learned the speaker.
    """
    comparable = {step: a for step, a in auditions.items() if a.key == start.key}
    notes = _left_out(auditions, comparable, kept)
    candidates = {step: a for step, a in comparable.items() if step in kept}
    if not candidates:
        return 0, ("No checkpoint was heard yet: the voice it started from is what there is.", *notes)
    step = leading(start, auditions, kept)
    found = candidates[step]
    gain, needed = found.score - start.score, max(LEAST_GAIN, _error(found, start))
    told = f"step {step} scores {found.score:.3f}, the voice it started from {start.score:.3f} ({gain:+.3f})"
    taken = tuple(f"Step {step}: {reason}." for reason in found.reasons)
    if gain <= needed:
        why = "which is not better" if gain <= 0 else f"which may be chance (more than {needed:.3f} would count)"
        verdict = (
            f"The voice it started from is the better choice: the best checkpoint, {told}, {why}."
            if had_voice
            else f"It has not learned the voice yet: {told.replace('voice', 'network')}, {why}. Step {step} is what is "
            "taken; train it longer (more epochs in the plan), or from a base: recipe.generator."
        )
        return 0, (verdict, *taken, *notes)
    rest = [f"{each}: {candidates[each].score:.3f}" for each in sorted(candidates) if each != step]
    others = (f"The others: {', '.join(rest)}.",) if rest else ()
    return step, (f"Take {told}.", *_parts(found, start), *taken, *others, *notes)


def _error(found: Audition, start: Audition) -> float:
    """Standard error of the mean difference in likeness, text by text; 0 for a single text."""
    pairs = zip(found.sentences, start.sentences, strict=True)
    differences = [after.alike - before.alike for after, before in pairs]
    return stdev(differences) / math.sqrt(len(differences)) if len(differences) > 1 else 0.0


def _parts(found: Audition, start: Audition) -> Sequence[str]:
    """What moved, meter by meter, in one sentence."""
    after, before = found.figures(), start.figures()
    names = {
        "ge2e": "GE2E",
        "campplus": "CAM++",
        "dvector": "d-vector",
        "dnsmos": "DNSMOS",
        "words_wrong": "words wrong",
    }
    parts = [
        f"{title} {before[name]:.{digits}f} → {after[name]:.{digits}f}"
        for name, title in names.items()
        if name in after and name in before
        for digits in (0 if name == "words_wrong" else 2 if name == "dnsmos" else 3,)
    ]
    return (f"{', '.join(parts)}.",)


def _left_out(auditions: Mapping[int, Audition], comparable: Mapping[int, Audition], kept: set[int]) -> tuple[str, ...]:
    other = sorted(kept & (set(auditions) - set(comparable)))
    unheard = sorted(kept - set(auditions))
    notes = []
    if other:
        notes.append(f"Heard on other texts than the start, so not compared: {_steps(other)}.")
    if unheard:
        notes.append(f"Not heard: {_steps(unheard)}.")
    return tuple(notes)


def _steps(steps: Sequence[int]) -> str:
    return f"step{'s' if len(steps) > 1 else ''} {', '.join(map(str, steps))}"
