"""`Learner`: networks, their optimizers and their average; one step of all of them."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from voicewright.engines.recipe import Recipe, Update
from voicewright.training.average import Average
from voicewright.training.items import to_device
from voicewright.training.optimizers import build_optimizer, set_rate, undecayed
from voicewright.training.options import TrainingPlan
from voicewright.training.state import learning
from voicewright.training.team import Team

if TYPE_CHECKING:
    from voicewright.engines.recipe import Batch

LEAST_SCALE = 1.0
"""Gradients that overflow under a larger loss scale are no one's fault: the scale comes down and the next step is
tried. From here on they count as bad."""


@dataclass(slots=True)
class Part:
    """A part of a batch, as one process learns from it, and its share of the whole batch's clips."""

    batch: "Batch"
    share: float


@dataclass(slots=True)
class Learned:
    """What came of one step."""

    figures: dict[str, float] = field(default_factory=dict)
    skipped: bool = False
    """A loss or a gradient was not a number: what was left of the step was not taken."""
    bad: bool = False
    """And it was not the loss scaler's search."""


class Learner:
    """A recipe at work. Every method is called by all processes of the team, in the same order."""

    def __init__(self, plan: TrainingPlan, recipe: Recipe, team: Team) -> None:
        self.plan, self.recipe, self.team = plan, recipe, team
        self.networks: dict[str, nn.Module] = dict(recipe.networks)
        learns = {name: network for name, network in self.networks.items() if learning(network)}
        resting = {name: undecayed(network) for name, network in learns.items()}
        team.wrap(self.networks)
        self.optimizers: dict[str, Optimizer] = {
            name: build_optimizer(plan, network, resting[name], device=team.device.type)
            for name, network in learns.items()
        }
        self.average = Average(self.networks, plan.ema) if plan.ema else None

    def step(self, parts: Sequence[Part], rate: float) -> Learned:
        """One step: every update of the recipe is taken before the next one's loss is computed.

        The parts go through the recipe side by side, so that each of them meets the networks that the update before
        left behind: the same as if the batch had been one.
        """
        set_rate(self.optimizers, rate)
        told = Learned()
        streams = [self.recipe.updates(self.networks, to_device(part.batch, self.team.device)) for part in parts]
        try:
            while name := self._backward(streams, parts, told):
                self._take(name, told)
                self._forget_gradients()
                if told.skipped:
                    break
        finally:
            for stream in streams:
                if isinstance(stream, Iterator) and hasattr(stream, "close"):
                    stream.close()
            self._forget_gradients()
        losses = [value for key, value in told.figures.items() if key.startswith("loss_")]
        told.figures["loss"] = math.fsum(losses)
        if len(losses) == 1:
            told.figures = {key: value for key, value in told.figures.items() if not key.startswith("loss_")}
        return told

    def _backward(self, streams: Sequence[Iterator[Update]], parts: Sequence[Part], told: Learned) -> str:
        """The next update's gradients, summed over its parts and processes; its network's name, "" after the last."""
        name, sums = "", dict[str, float | Tensor]()
        for stream, part in zip(streams, parts, strict=True):
            with self.team.autocast():
                update = next(stream, None)
            if update is None:
                return ""
            name = update.network
            self.team.backward(update.loss, part.share)
            sums[f"loss_{name}"] = sums.get(f"loss_{name}", 0.0) + update.loss.detach() * part.share
            for key, value in update.figures.items():
                sums[key] = sums.get(key, 0.0) + value * part.share
        self.team.share_gradients(self.networks[name])
        told.figures |= self.team.total(sums)
        return name

    def _take(self, name: str, told: Learned) -> None:
        """Clip one network's gradients and step, if all of it is numbers."""
        optimizer, scaler = self.optimizers[name], self.team.scaler
        parameters = [value for value in learning(self.networks[name]).values() if value.grad is not None]
        if not parameters:
            return
        scale = scaler.get_scale() if scaler is not None else LEAST_SCALE
        if scaler is not None:
            scaler.unscale_(optimizer)
        norm = _number(nn.utils.clip_grad_norm_(parameters, self.plan.clip_grad or math.inf))
        told.figures[f"grad_{name}"] = norm
        loss = told.figures[f"loss_{name}"]
        if math.isfinite(norm) and math.isfinite(loss):
            optimizer.step() if scaler is None else scaler.step(optimizer)
        else:
            told.skipped = True
            told.bad = not math.isfinite(loss) or scale <= LEAST_SCALE
        if scaler is not None:
            scaler.update()

    def _forget_gradients(self) -> None:
        """Of all networks: a generator's loss leaves gradients in its discriminator."""
        for optimizer in self.optimizers.values():
            optimizer.zero_grad(set_to_none=True)

    @torch.no_grad()
    def look(self, batch: "Batch") -> dict[str, float]:
        """Figures of a batch that is not learned from, of this process's share."""
        with self.at_rest(), self.team.autocast():
            return self.recipe.validate(self.networks, to_device(batch, self.team.device))

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Without dropout; afterwards every layer is in the mode that it was in."""
        modes = {module: module.training for network in self.networks.values() for module in network.modules()}
        for network in self.networks.values():
            network.eval()
        try:
            yield
        finally:
            for module, training in modes.items():
                module.training = training

    @contextmanager
    def as_heard(self) -> Iterator[None]:
        """At rest, and with the average in place if there is one."""
        with self.at_rest(), self.average.in_place() if self.average else nullcontext():
            yield


def _number(norm: Tensor) -> float:
    whole = norm.full_tensor() if hasattr(norm, "full_tensor") else norm
    return float(whole)
