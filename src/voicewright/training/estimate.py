"""How long a run will take and how much room it needs: counted from a plan, and measured by a short trial."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import mean

from voicewright.engines.base import Converts, Speaks
from voicewright.training.batches import epoch_of, steps_per_epoch
from voicewright.training.examples import Examples
from voicewright.training.options import TrainingPlan
from voicewright.voice.voice import Voice

STATE_WEIGHTS = 3
"""Weights that a checkpoint holds for each learned one: itself, and two means of AdamW."""
AUDITION_MB = 0.25
"""One spoken sentence as FLAC."""
WRITTEN_MB_S = 150.0
"""What a plain disk takes."""
LOOKED_AT = 5
"""Epochs whose batches are looked at: which clips meet in a batch differs from epoch to epoch."""
MB = 1e6

Hear = Callable[[Speaks | Converts, Voice], None]
"""Speaks one sentence, or converts a recording, and scores it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A cost in seconds that grows with seconds of sound."""

    base_s: float = 0.0
    per_s: float = 0.0

    def at(self, seconds: float) -> float:
        """The cost of so many seconds of sound."""
        return self.base_s + self.per_s * seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a trial on this machine measured."""

    first_s: float = 0.0
    """What the first clip and the first step cost beside the rest, once: loading, first-time work."""
    prepare: Line = Line()
    """Of one clip, by its length."""
    step: Line = Line()
    """Of one optimizer step of the plan's batch, by its longest clip."""
    validate: Line = Line()
    """Of one validation batch, by its longest clip."""
    trial_s: float = 0.0
    """To make a voice of the networks as they are, before it is heard."""
    sentence_s: float = 0.0
    """To speak and score one sentence."""
    first_sentence_s: float = 0.0
    """What the first sentence costs beside that, once."""
    start_s: float = 0.0
    """To fit the voice to start from."""
    item_mb_s: float = 0.0
    """Room of one second of sound, prepared."""
    weights_mb: float = 0.0
    """Of the weights that are learned."""
    memory_gib: float = 0.0
    """The most that was in use at once."""
    most_in_part: int = 0
    """Clips that fit into memory at once, when more did not; 0: the plan's parts did."""
    steps: int = 0
    """Steps that were measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a run's time, and how it was found."""

    name: str
    seconds: float
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a run will take. Without a trial there are only the steps; everything else is 0."""

    steps_per_epoch: int
    steps: int
    checkpoints: int
    parts: tuple[Part, ...] = ()
    disk_mb: float = 0.0
    disk_how: str = ""
    memory_gib: float = 0.0
    memory_how: str = ""

    @property
    def measured(self) -> bool:
        """Whether a trial was made."""
        return bool(self.parts)

    @property
    def seconds(self) -> float:
        """All of it."""
        return sum(part.seconds for part in self.parts)


def estimate(plan: TrainingPlan, examples: Examples, costs: Costs | None) -> Estimate:
    """What a run of a checked plan will take.

    Args:
        costs: what a trial measured (`trial.timed`); None: only the steps are counted.
    """
    clips = len(examples.train)
    per_epoch = steps_per_epoch(clips, plan.batch_size)
    steps, checkpoints = per_epoch * plan.epochs, -(-plan.epochs // plan.save_every)
    if costs is None:
        return Estimate(steps_per_epoch=per_epoch, steps=steps, checkpoints=checkpoints)
    disk_mb, disk_how = _disk(plan, examples, costs, checkpoints)
    return Estimate(
        steps_per_epoch=per_epoch,
        steps=steps,
        checkpoints=checkpoints,
        parts=tuple(part for part in _parts(plan, examples, costs, steps, checkpoints) if part.seconds > 0),
        disk_mb=disk_mb,
        disk_how=disk_how,
        memory_gib=costs.memory_gib * (plan.processes if plan.device == "cpu" else 1),
        memory_how="the most that the trial had in use"
        + (f", times {plan.processes} processes" if plan.processes > 1 and plan.device == "cpu" else ""),
    )


def _parts(plan: TrainingPlan, examples: Examples, costs: Costs, steps: int, checkpoints: int) -> list[Part]:
    learned = [example.seconds for example in examples.train]
    checked = [example.seconds for example in examples.validation]
    prepared_s = sum(costs.prepare.at(seconds) for seconds in (*learned, *checked))
    step_s = mean(costs.step.at(longest) for longest in _longest(learned, plan, min(plan.epochs, LOOKED_AT)))
    sentences = plan.audition.sentences
    hearings = checkpoints + 1 if sentences else 0
    heard_s = hearings * (costs.trial_s + sentences * costs.sentence_s)
    written_s = checkpoints * costs.weights_mb * STATE_WEIGHTS / WRITTEN_MB_S
    looks = plan.epochs // plan.validate_every + 1 if plan.validate_every else 0  # the first at the start
    looked_s = 0.0
    if checked and looks:
        part = max(plan.batch_size // (plan.accumulation * plan.processes), 1) * plan.processes
        looked_s = looks * sum(
            costs.validate.at(longest) for longest in _longest(checked, replace(plan, batch_size=part))
        )
    return [
        Part(name="fitting the start", seconds=costs.start_s, how="one voice"),
        Part(
            name="preparation",
            seconds=costs.first_s + prepared_s,
            how=f"{len(learned) + len(checked):,} clips, {costs.prepare.base_s:.2f} s each and "
            f"{costs.prepare.per_s:.2f} s for each second of sound",
        ),
        Part(name="training", seconds=steps * step_s, how=f"{steps:,} steps of {step_s:.2f} s"),
        Part(name="validation", seconds=looked_s, how=f"{looks} times {len(checked)} clips"),
        Part(
            name="auditions",
            seconds=heard_s + (costs.first_sentence_s if hearings else 0.0),
            how=f"{hearings} times {sentences} sentences of {costs.sentence_s:.1f} s",
        ),
        Part(name="checkpoints", seconds=written_s, how=f"{checkpoints} to write"),
    ]


def _longest(lengths_s: Sequence[float], plan: TrainingPlan, epochs: int = 1) -> list[float]:
    """The longest clip of each batch in so many epochs."""
    lengths = [round(1000 * seconds) for seconds in lengths_s]
    batches = [batch for epoch in range(epochs) for batch in epoch_of(lengths, plan.batch_size, plan.seed, epoch)]
    return [max(lengths_s[index] for index in batch) for batch in batches]


def _disk(plan: TrainingPlan, examples: Examples, costs: Costs, checkpoints: int) -> tuple[float, str]:
    """Room in MB at the end of a run, and what it is for."""
    sound_s = examples.seconds + sum(example.seconds for example in examples.validation)
    items = costs.item_mb_s * sound_s
    kept = min(checkpoints, plan.keep_last + plan.keep_best)
    one = costs.weights_mb * (STATE_WEIGHTS + bool(plan.ema))
    heard = AUDITION_MB * plan.audition.sentences * (checkpoints + 1)
    how = f"checkpoints {kept} × {one:,.0f} MB, prepared clips {items:,.0f} MB, auditions {heard:,.0f} MB"
    return items + kept * one + heard, how
