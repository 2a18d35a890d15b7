"""From a run at work to a checkpoint, and back: bit for bit."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from voicewright.errors import BadCheckpoint, BadRun
from voicewright.settings import to_dict
from voicewright.training.batches import place_at
from voicewright.training.checkpoint import Checkpoint, Snapshot, load_into
from voicewright.training.items import Items
from voicewright.training.learner import Learner
from voicewright.training.state import optimizer_state, put_optimizer_state, weights_of


@dataclass(slots=True)
class Standing:
    """How the auditions went so far."""

    best: float = float("-inf")
    best_step: int = 0
    since: int = 0
    """Checkpoints that were heard after the best one."""

    def hear(self, step: int, score: float) -> None:
        """Take a checkpoint's mark in."""
        if score > self.best:
            self.best, self.best_step, self.since = score, step, 0
        else:
            self.since += 1


@dataclass(slots=True)
class Counts:
    """What a run counts as it goes."""

    step: int = 0
    skipped: int = 0
    """Steps that were not taken because a number was none, in all."""
    bad: int = 0
    """The same, one after the other up to now."""


def snapshot(learner: Learner, items: Items, info: Checkpoint, counts: Counts, standing: Standing) -> Snapshot:
    """Everything to go on from, whole and on the CPU. Called by all processes of a team that shares its weights out.

    Randomness needs no state: what a step draws comes from the seed and the step's number.
    """
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, dict[str, Any]] = {}
    for name, optimizer in learner.optimizers.items():
        moments, numbers[name] = optimizer_state(learner.networks[name], optimizer)
        tensors |= {f"{name}/{key}": value for key, value in moments.items()}
    average = None
    if learner.average:
        with learner.average.in_place():
            average = {name: weights_of(network) for name, network in learner.networks.items()}
    scaler = learner.team.scaler
    place = place_at(counts.step, info.steps // max(learner.plan.epochs, 1))
    state = {
        "place": {"epoch": place.epoch, "position": place.position},
        "seed": learner.plan.seed,
        "items": items.fingerprint,
        "clips": len(items),
        "batch_size": learner.plan.batch_size,
        "skipped": counts.skipped,
        "bad": counts.bad,
        "standing": None if standing.best == float("-inf") else [standing.best, standing.best_step, standing.since],
        "optimizers": numbers,
        "scaler": scaler.state_dict() if scaler is not None else None,
    }
    return Snapshot(
        info=replace(info, step=counts.step, plan=to_dict(learner.plan)),
        networks={name: weights_of(network) for name, network in learner.networks.items()},
        average=average,
        tensors=tensors,
        state=state,
    )


def restore(learner: Learner, items: Items, checkpoint: Checkpoint) -> tuple[Counts, Standing]:
    """Put everything back.

    Raises:
        BadCheckpoint: it does not fit the plan, or cannot be resumed.
        BadRun: the clips are others than those it was made with.
    """
    tensors, state = checkpoint.state()
    _require_same_clips(learner, items, checkpoint.folder, state)
    if learner.average:
        load_into(learner.networks, checkpoint, average=True)
        learner.average.restart()
    load_into(learner.networks, checkpoint, average=False)
    try:
        for name, optimizer in learner.optimizers.items():
            own = {key.removeprefix(f"{name}/"): value for key, value in tensors.items() if key.startswith(f"{name}/")}
            put_optimizer_state(learner.networks[name], optimizer, own, state["optimizers"].get(name, {}))
    except (ValueError, KeyError) as problem:
        raise BadCheckpoint(f"{checkpoint.folder} does not fit this plan: {problem}") from problem
    if learner.team.scaler is not None and state["scaler"]:
        learner.team.scaler.load_state_dict(state["scaler"])
    standing = Standing(*state["standing"]) if state["standing"] else Standing()
    if checkpoint.score is not None:
        standing.hear(checkpoint.step, checkpoint.score)
    return Counts(checkpoint.step, state["skipped"], state["bad"]), standing


def _require_same_clips(learner: Learner, items: Items, folder: Path, state: dict[str, Any]) -> None:
    here = (items.fingerprint, learner.plan.batch_size, learner.plan.seed)
    if (state["items"], state["batch_size"], state["seed"]) != here:
        raise BadRun(
            f"{folder} was made with other clips ({state['clips']} then, {len(items)} now), batch size or seed; bring "
            f"the dataset back as it was, or begin a new run from it: source: {folder}"
        )
