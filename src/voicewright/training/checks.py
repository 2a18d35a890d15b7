"""Whether a plan can be carried out with these clips on this machine, and what has to change. A sentence for each."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from voicewright.errors import BadDataset, BadPlan
from voicewright.training.batches import steps_per_epoch
from voicewright.training.machine import Machine
from voicewright.training.options import TrainingPlan
from voicewright.training.remarks import Remark, noted

CLIPS_BY_GPU = ((69.0, 128), (31.0, 64), (15.0, 8), (7.0, 4), (5.0, 2))
"""Free GiB of a GPU above which a part may have so many clips, as ai-voice-cloning has it for TorToiSe's networks of
420 million weights; only used until a trial has measured what a clip really takes."""
WIDEST_AVERAGE = 0.5
"""A moving average may look back over this share of a run; most of a longer one would be the weights of the start."""
GOOD_AVERAGE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a plan is checked against."""

    machine: Machine
    clips: int
    """Clips to train on."""
    validation: int = 0
    """Clips set aside."""
    most_in_part: int = 0
    """Clips that were measured to fit into memory at once; 0: nobody measured."""
    voices: Collection[str] | None = None
    """Names of the voices that there are; None: nobody looked."""
    begun: bool = False
    """Whether the run has begun: then its batches stay as large as they are, only their parts may change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A plan that can be carried out. Checked again with the same facts, nothing changes any more."""

    plan: TrainingPlan
    remarks: tuple[Remark, ...]
    steps_per_epoch: int
    steps: int
    checkpoints: int
    """Checkpoints that are written, before some of them are cleared away."""

    @property
    def changes(self) -> tuple[Remark, ...]:
        """The remarks on what was changed."""
        return tuple(remark for remark in self.remarks if remark.kind == "changed")


def check(plan: TrainingPlan, facts: Facts) -> Checked:
    """The plan with everything that cannot be done moved to the nearest that can, and a sentence for each move.

    Afterwards a batch holds no more clips than there are, and is divided evenly by accumulation × processes.

    Raises:
        BadDataset: there is no clip to train on.
        BadPlan: the source, the start or the device is not there; these are never replaced by others.
        BadSetting: the engine has no such settings of its own, or does not learn.
    """
    if facts.clips < 1:
        raise BadDataset(f"{plan.dataset}: there is no clip to train on; look at it: voicewright dataset show")
    plan.recipe_settings()
    _require_there(plan, facts)
    desk = _Desk(plan)
    for rule in (_processes, _batch, _memory, _frequencies, _schedule, _auditions, _numbers, _workers, _average):
        rule(desk, facts)
    plan = desk.plan
    steps = steps_per_epoch(facts.clips, plan.batch_size)
    return Checked(
        plan=plan,
        remarks=(*desk.remarks, *_notes(plan, facts)),
        steps_per_epoch=steps,
        steps=steps * plan.epochs,
        checkpoints=-(-plan.epochs // plan.save_every),
    )


class _Desk:
    """A plan at work."""

    def __init__(self, plan: TrainingPlan) -> None:
        self.plan = plan
        self.remarks: list[Remark] = []

    def put(self, field: str, value: Any, why: str) -> None:
        """Give a setting another value, and say why; nothing if it has it."""
        was = getattr(self.plan, field)
        if was == value:
            return
        self.plan = replace(self.plan, **{field: value})
        says = f"{field} is {shown(value)} instead of {shown(was)}: {why}"
        self.remarks.append(Remark(kind="changed", says=says, field=field, was=was, now=value))


def shown(value: Any) -> str:
    """A setting's value as a sentence has it."""
    if isinstance(value, float):
        return f"{value:g}"
    return str(list(value)) if isinstance(value, tuple) else str(value)


def _many(number: int, what: str) -> str:
    plural = f"{what}es" if what.endswith("s") else f"{what}s"
    return f"{number:,} {what if number == 1 else plural}"


def _require_there(plan: TrainingPlan, facts: Facts) -> None:
    machine = facts.machine
    if plan.device.startswith("cuda") and not machine.gpus:
        raise BadPlan(
            "device is cuda, and this machine has no GPU that can be used; train with device: cpu, or elsewhere"
        )
    if plan.source:
        _require_source(Path(plan.source))
    if not plan.start:
        return
    if plan.start.endswith(".voice") or "/" in plan.start:
        if not Path(plan.start).is_file():
            raise BadPlan(f"start: there is no file {plan.start}; name a voice, or leave it out to have one fitted")
    elif facts.voices is not None and plan.start not in facts.voices:
        near = get_close_matches(plan.start, list(facts.voices), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "list those there are: voicewright voices"
        raise BadPlan(f"start: there is no voice {plan.start!r}; {hint}")


def _require_source(folder: Path) -> None:
    if (folder / "checkpoint.json").is_file():
        return
    inside = sorted(path.parent for path in folder.glob("**/checkpoint.json")) if folder.is_dir() else []
    hint = f"did you mean {inside[-1]}?" if inside else "leave it out to start from the engine's own weights"
    what = "no checkpoint" if folder.is_dir() else "not there"
    raise BadPlan(f"source: {folder} is {what}; {hint}")


def _processes(desk: _Desk, facts: Facts) -> None:
    plan, machine = desk.plan, facts.machine
    if plan.device.startswith("cuda"):
        most, owns = len(machine.gpus), f"this machine has {_many(len(machine.gpus), 'GPU')}, one for each process"
    else:
        most, owns = machine.cores, f"this machine has {_many(machine.cores, 'core')}"
    if plan.processes > most:
        desk.put("processes", most, owns)
    if desk.plan.processes > facts.clips:
        desk.put("processes", facts.clips, f"there are {_many(facts.clips, 'clip')}, at least one for each process")


def _batch(desk: _Desk, facts: Facts) -> None:
    """No larger than the dataset; parts and processes of the same size."""
    processes = desk.plan.processes
    if not facts.begun:
        if desk.plan.batch_size > facts.clips:
            desk.put("batch_size", facts.clips, f"the dataset has no more than {_many(facts.clips, 'clip')}")
        if desk.plan.batch_size < processes:
            desk.put("batch_size", processes, f"each of {processes} processes needs a clip")
        if over := desk.plan.batch_size % processes:
            desk.put("batch_size", desk.plan.batch_size - over, f"it is shared evenly among {processes} processes")
    share = -(-desk.plan.batch_size // processes)
    if desk.plan.accumulation > share:
        desk.put("accumulation", share, f"a batch has {_many(share, 'clip')} for a process, and a part at least one")
    _divide(desk, facts, desk.plan.accumulation, "it has to divide a batch evenly")


def _divide(desk: _Desk, facts: Facts, parts: int, why: str) -> None:
    """Batches in at least so many parts of the same size, none of them larger than it would be in `parts`.

    A few more parts are taken, or, where that would be more than twice as many, a slightly smaller batch. A run that
    has begun keeps its batch, and its parts then differ by a clip.
    """
    processes = desk.plan.processes
    share = desk.plan.batch_size // processes
    if facts.begun:
        desk.put("accumulation", parts, why)
        return
    even = next(number for number in range(parts, share + 1) if share % number == 0)
    if even <= 2 * parts:
        desk.put("accumulation", even, why)
        return
    kept = (share - share % parts) * processes
    desk.put("accumulation", parts, why)
    desk.put("batch_size", kept, f"{parts} parts in each of {_many(processes, 'process')} divide it evenly")


def _memory(desk: _Desk, facts: Facts) -> None:
    """No part larger than memory allows."""
    most, why = facts.most_in_part, "more clips at once did not fit into memory in a trial"
    if not most and desk.plan.device.startswith("cuda"):
        least = min(facts.machine.gpus[: desk.plan.processes])
        most = next((clips for above, clips in CLIPS_BY_GPU if least > above), 1)
        why = f"with {least:.0f} GiB of free GPU memory a part should have {_many(most, 'clip')} at most"
    share = -(-desk.plan.batch_size // desk.plan.processes)
    if most and share > most * desk.plan.accumulation:
        _divide(desk, facts, -(-share // most), why)


def _frequencies(desk: _Desk, facts: Facts) -> None:
    epochs = desk.plan.epochs
    for field in ("save_every", "validate_every"):
        if getattr(desk.plan, field) > epochs:
            desk.put(field, epochs, f"the run has {_many(epochs, 'epoch')}")
    if not facts.validation:
        desk.put("validate_every", 0, "the dataset has no clips set aside for validation")


def _schedule(desk: _Desk, facts: Facts) -> None:
    plan = desk.plan
    if plan.schedule == "cosine" and plan.restarts > plan.epochs:
        desk.put("restarts", plan.epochs, f"the run has {_many(plan.epochs, 'epoch')}, at least one for each restart")
    steps = steps_per_epoch(facts.clips, plan.batch_size) * plan.epochs
    if plan.warmup_steps >= steps:
        desk.put("warmup_steps", steps // 10, f"the run has {_many(steps, 'step')}, the rate would never be reached")


def _auditions(desk: _Desk, facts: Facts) -> None:
    if desk.plan.audition.sentences:
        return
    why = "checkpoints are not heard (audition: sentences is 0), so none is known to be better"
    if not desk.plan.keep_last:
        desk.put("keep_last", desk.plan.keep_best, why)
    for field in ("early_stop", "keep_best"):
        desk.put(field, 0, why)


def _numbers(desk: _Desk, facts: Facts) -> None:
    """Precision and optimizer that the device can do."""
    on_gpu = desk.plan.device.startswith("cuda")
    if desk.plan.precision == "float16" and not on_gpu:
        native = facts.machine.native_bfloat16
        why = "float16 is for GPUs; this processor has bfloat16" if native else "float16 is for GPUs"
        desk.put("precision", "bfloat16" if native else "float32", why)
    if desk.plan.optimizer == "adamw8bit":
        if not on_gpu:
            desk.put("optimizer", "adamw", "the 8-bit optimizer needs a GPU")
        elif not facts.machine.bitsandbytes:
            desk.put("optimizer", "adamw", "the package bitsandbytes is not installed: pip install bitsandbytes")


def _workers(desk: _Desk, facts: Facts) -> None:
    cores, processes = facts.machine.cores, desk.plan.processes
    most = cores // processes
    if desk.plan.workers > most:
        desk.put("workers", most, f"{_many(cores, 'core')} for {_many(processes, 'process')} of training")


def _average(desk: _Desk, facts: Facts) -> None:
    ema = desk.plan.ema
    steps = steps_per_epoch(facts.clips, desk.plan.batch_size) * desk.plan.epochs
    if not ema or WIDEST_AVERAGE * steps * (1 - ema) >= 1:
        return
    why = f"it averages over about {1 / (1 - ema):,.0f} steps, and the run has {steps:,}"
    wide = GOOD_AVERAGE * steps
    desk.put("ema", round(1 - 1 / wide, 4) if wide >= 2 else 0.0, why)


def _notes(plan: TrainingPlan, facts: Facts) -> Iterator[Remark]:
    """What is possible, and worth a thought."""
    on_gpu, epochs = plan.device.startswith("cuda"), plan.epochs
    beyond = [epoch for epoch in plan.milestones if epoch >= epochs]
    if plan.schedule == "multistep" and beyond:
        yield noted(f"the milestones {beyond} are not reached: the run has {_many(epochs, 'epoch')}", "milestones")
    checkpoints = -(-epochs // plan.save_every)
    if plan.early_stop >= checkpoints:
        text = f"it waits for {_many(plan.early_stop, 'checkpoint')}, and the run has {checkpoints}"
        yield noted(f"early_stop cannot stop anything: {text}; a smaller save_every gives more", "early_stop")
    if plan.processes > 1:
        how = "the GPUs talk by nccl" if on_gpu else "they talk by gloo, and share the cores: it is seldom faster"
        yield noted(f"{plan.processes} processes train together; {how}", "processes")
    if plan.precision == "bfloat16" and not facts.machine.native_bfloat16:
        yield noted("this device has no bfloat16 in hardware: it is slower than float32 here", "precision")
    if plan.lora.rank == 0:
        text = "whole weights are learned (lora: rank is 0): checkpoints and the voice are as large as the engine"
        yield noted(f"{text}, and small datasets are learned by heart", "lora")
