"""A plan with good values for a dataset and a machine; and a plan together with all that there is to say about it."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from voicewright.data.dataset import Dataset
from voicewright.engines.clips import ENGINE_CLIPS
from voicewright.engines.registry import DEFAULT, recipe_options
from voicewright.errors import BadSetting
from voicewright.settings import from_dict
from voicewright.training.batches import steps_per_epoch
from voicewright.training.checks import Facts, check, shown
from voicewright.training.estimate import Costs, Estimate, estimate
from voicewright.training.examples import ANY_CLIP, Examples, examples_of
from voicewright.training.machine import Machine
from voicewright.training.options import TrainingPlan
from voicewright.training.remarks import Remark, noted
from voicewright.voice.names import nearest_name

STEPS = "steps"
"""What an engine may suggest beside the plan's own fields: how many steps are a good run."""
CHECKPOINTS = 8
"""Checkpoints of a run: enough to see where it is best, few enough to hear them all."""
LEAST_STEPS, MOST_STEPS = 200, 20_000
STEPS_BY_ROOT_MINUTE = 300
"""Of engines that suggest nothing: four times the data is worth twice the steps."""
BATCH = 16
BATCHES = 8
"""A small dataset still falls into so many batches."""
MILESTONES, MILESTONE_EPOCHS = (2, 4, 9, 18, 25, 33, 50, 59), 60
"""Where ai-voice-cloning's users halve the rate in a run of so many epochs; shorter and longer runs keep the shares."""
READERS = 4
SPACE = 0.9
"""More than this share of what is free is too close."""

Trial = Callable[[TrainingPlan, Examples], Costs]
"""Measures what a plan costs here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """A plan that nobody has checked yet, and why its values were chosen."""

    plan: TrainingPlan
    remarks: tuple[Remark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A checked plan, and everything worth saying about it."""

    plan: TrainingPlan
    examples: Examples
    estimate: Estimate
    remarks: tuple[Remark, ...] = field(default=())


def make_plan(
    dataset: Dataset,
    given: Mapping[str, Any],
    *,
    machine: Machine,
    trial: Trial | None = None,
    voices: Collection[str] | None = None,
) -> Planned:
    """A plan for a dataset: good values, except those that are given; checked, and measured where there is a trial.

    Args:
        given: values of `TrainingPlan`'s fields as plain data; those of `lora`, `audition` and `recipe` one by one.
        trial: measures the plan; None: its time is not estimated.
        voices: names of the voices that there are.

    Raises:
        BadDataset, BadPlan, BadSetting: as `examples_of` and `check`; a given value is unknown or out of range.
    """
    engine = str(given.get("engine", DEFAULT))
    recipe_options(engine)
    others = [str(name) for name in given.get("others", ())]
    examples = examples_of(dataset, str(given.get("speaker", "")), engine=engine, others=others)
    drafted = draft(dataset.folder, examples, machine, given)
    planned = _planned(drafted.plan, examples, _facts(examples, machine, voices), trial)
    return replace(planned, remarks=(*drafted.remarks, *examples.remarks, *planned.remarks))


def check_plan(
    plan: TrainingPlan,
    dataset: Dataset,
    *,
    machine: Machine,
    trial: Trial | None = None,
    voices: Collection[str] | None = None,
    begun: bool = False,
) -> Planned:
    """A plan that somebody wrote, checked against its dataset and the machine. Raises as `make_plan`.

    Args:
        begun: its run has begun: the batches stay as large as they are.
    """
    recipe_options(plan.engine)
    examples = examples_of(dataset, plan.speaker, engine=plan.engine, others=plan.others)
    planned = _planned(plan, examples, _facts(examples, machine, voices, begun=begun), trial)
    return replace(planned, remarks=(*examples.remarks, *planned.remarks))


def _facts(examples: Examples, machine: Machine, voices: Collection[str] | None, *, begun: bool = False) -> Facts:
    clips, validation = len(examples.train), len(examples.validation)
    return Facts(machine=machine, clips=clips, validation=validation, voices=voices, begun=begun)


def _planned(plan: TrainingPlan, examples: Examples, facts: Facts, trial: Trial | None) -> Planned:
    checked = check(plan, facts)
    remarks = [*checked.remarks]
    costs = trial(checked.plan, examples) if trial else None
    if costs and costs.most_in_part:
        checked = check(checked.plan, replace(facts, most_in_part=costs.most_in_part))
        remarks += checked.changes
    estimated = estimate(checked.plan, examples, costs)
    remarks += [*_on_language(checked.plan, examples), *shortages(estimated, facts.machine)]
    return Planned(plan=checked.plan, examples=examples, estimate=estimated, remarks=tuple(remarks))


def draft(dataset: Path, examples: Examples, machine: Machine, given: Mapping[str, Any]) -> Drafted:
    """Good values for these examples on this machine, under those that are given.

    The engine says what suits so much data, if its options class has a function `suggest(minutes, clips, language)`: it
    gives values of the plan's fields, and under "steps" how many steps are a good run.

    Raises:
        BadSetting: a given name is unknown, or a value of the wrong type or out of range.
    """
    engine = str(given.get("engine", DEFAULT))
    advice = suggestion(engine, examples)
    steps = int(advice.pop(STEPS, 0)) or default_steps(examples.minutes)
    values = _merged(_from_data(dataset, examples, machine), advice, given)
    _add_numbers(values, len(examples.train), steps)
    plan = from_dict(TrainingPlan, values, where="the plan")
    return Drafted(plan=plan, remarks=tuple(_reasons(plan, examples, machine, given, advice)))


def suggestion(engine: str, examples: Examples) -> dict[str, Any]:
    """What the engine's options class says of so much data; nothing if it does not say.

    Raises:
        BadSetting: there is no such engine, or it does not learn.
    """
    suggest = getattr(recipe_options(engine), "suggest", None)
    return dict(suggest(examples.minutes, len(examples.train), examples.language)) if suggest else {}


def default_steps(minutes: float) -> int:
    """Steps of a run on so many minutes, for engines that do not say."""
    return round(min(max(STEPS_BY_ROOT_MINUTE * math.sqrt(minutes), LEAST_STEPS), MOST_STEPS))


def shortages(estimated: Estimate, machine: Machine) -> Iterator[Remark]:
    """Sentences on what a run needs and this machine does not have free."""
    free_mb = machine.disk_gib * 2**30 / 1e6
    if estimated.disk_mb > SPACE * free_mb:
        yield noted(
            f"the run needs {estimated.disk_mb / 1000:,.1f} GB of disk ({estimated.disk_how}), and "
            f"{free_mb / 1000:,.1f} GB are free: make room, or keep fewer checkpoints (keep_last, keep_best)",
            "keep_best",
        )
    free_gib = min(machine.gpus, default=0.0) if machine.on_gpu else machine.memory_gib
    if estimated.memory_gib > SPACE * free_gib:
        yield noted(
            f"the run needs {estimated.memory_gib:,.1f} GiB of memory, and {free_gib:,.1f} GiB are free: close other "
            f"programs, or raise accumulation",
            "accumulation",
        )


def _from_data(dataset: Path, examples: Examples, machine: Machine) -> dict[str, Any]:
    name = nearest_name(examples.speaker or dataset.resolve().name)
    on_gpu = machine.on_gpu
    processes = max(len(machine.gpus), 1) if on_gpu else 1
    return {
        "dataset": str(dataset),
        "run": str(Path("runs") / name),
        "voice": name,
        "speaker": examples.speaker,
        "language": examples.language,
        "device": machine.device,
        "processes": processes,
        "workers": min(READERS, machine.cores // processes) if on_gpu else 0,
    } | ({} if examples.validation else {"validate_every": 0})


def _merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Later values win; mappings in them are merged name by name."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            old = merged.get(name)
            both = isinstance(old, Mapping) and isinstance(value, Mapping)
            merged[name] = {**old, **value} if both else value  # type: ignore[dict-item]
    return merged


def _add_numbers(values: dict[str, Any], clips: int, steps: int) -> None:
    """Batches, epochs, and what is counted in epochs, where nobody gave them."""
    values.setdefault("batch_size", max(1, min(BATCH, clips // BATCHES)))
    batch = min(_whole(values, "batch_size"), clips)
    values.setdefault("epochs", max(1, round(steps / steps_per_epoch(clips, batch))))
    epochs = _whole(values, "epochs")
    for name in ("save_every", "validate_every"):
        values.setdefault(name, max(1, -(-epochs // CHECKPOINTS)))
    share = epochs / MILESTONE_EPOCHS
    scaled = {round(epoch * share) for epoch in MILESTONES}
    values.setdefault("milestones", sorted(epoch for epoch in scaled if 0 < epoch < epochs))


def _whole(values: Mapping[str, Any], name: str) -> int:
    number = values[name]
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise BadSetting(f"the plan: {name} must be a whole number of at least 1, got {number!r}")
    return number


def _reasons(
    plan: TrainingPlan, examples: Examples, machine: Machine, given: Mapping[str, Any], advice: Mapping[str, Any]
) -> Iterator[Remark]:
    """Why the values are what they are."""

    def chosen(field: str, says: str) -> Remark:
        return Remark(kind="chosen", field=field, says=says, now=getattr(plan, field))

    aside = f", {len(examples.validation)} more are set aside to check with" if examples.validation else ""
    whose = f" of {examples.speaker!r}" if examples.speaker else ""
    clips = len(examples.train)
    yield chosen("dataset", f"learns from {clips:,} clips{whose}, {examples.minutes:.1f} minutes{aside}")
    if not plan.start and ENGINE_CLIPS.get(plan.engine, ANY_CLIP).text:
        yield chosen("start", "starts from a voice that is fitted to the best clips")
    each = steps_per_epoch(clips, min(plan.batch_size, clips))
    batch = min(plan.batch_size, clips)
    if "epochs" not in given:
        sized = f"{each:,} steps in batches of {batch}"
        why = f"{plan.epochs} epochs of {sized}, {plan.epochs * each:,} in all, suit so much data"
        yield chosen("epochs", why)
    if "save_every" not in given:
        count = -(-plan.epochs // plan.save_every)
        often = "every epoch" if plan.save_every == 1 else f"every {plan.save_every} epochs"
        heard = ", each of them heard" if plan.audition.sentences else ""
        yield chosen("save_every", f"a checkpoint {often}, {count} in all{heard}")
    own = {f.name for f in fields(TrainingPlan)} - {"epochs", "batch_size", "save_every", "recipe", "lora", "audition"}
    told = [f"{name} {shown(getattr(plan, name))}" for name in advice if name in own and name not in given]
    if told:
        yield chosen("engine", f"{plan.engine} suggests for it: {', '.join(told)}")
    yield chosen("device", _place(plan, machine))


def _place(plan: TrainingPlan, machine: Machine) -> str:
    where = f"{len(machine.gpus)} GPU" if machine.on_gpu else f"the CPU, {machine.cores} core"
    many = "s" if (len(machine.gpus) if machine.on_gpu else machine.cores) != 1 else ""
    if plan.precision != "auto":
        return f"runs on {where}{many} in {plan.precision}"
    auto = "bfloat16, which it multiplies in hardware" if machine.native_bfloat16 else "float32"
    return f"runs on {where}{many} in {auto}"


def _on_language(plan: TrainingPlan, examples: Examples) -> Iterator[Remark]:
    spoken = {example.language for example in examples.train}
    if plan.language not in spoken:
        heard = ", ".join(sorted(spoken))
        yield noted(f"language is {plan.language}, and the clips are in {heard}: is that meant?", "language")
