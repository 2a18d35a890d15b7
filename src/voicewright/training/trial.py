"""A short trial of a run on this machine: a few clips prepared, a few steps taken, a sentence heard; nothing stays."""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from voicewright.doctor import GIB, peak_memory_gib
from voicewright.engines.recipe import Example, Recipe
from voicewright.errors import BadClip, BadDataset, BadText
from voicewright.progress import Progress, silent
from voicewright.training.batches import steps_per_epoch
from voicewright.training.estimate import MB, Costs, Hear, Line
from voicewright.training.examples import Examples
from voicewright.training.learner import Learner, Part
from voicewright.training.options import TrainingPlan
from voicewright.training.state import learning
from voicewright.training.team import Team

if TYPE_CHECKING:
    from voicewright.engines.recipe import Batch, Item

LENGTHS = 3
"""Lengths of clips that are tried: short, usual, long."""
OF_EACH, MOST_OF_EACH = 2, 12
"""Clips of each length that are prepared."""
WARM, ROUNDS, MOST_ROUNDS = 2, 3, 20
"""Steps that are not counted, and how often a step of each length is."""
HEARD = 5
"""Sentences that are heard at most, the first of which does not count; at least two."""
ENOUGH_S, TOO_LONG_S = 6.0, 40.0
"""What is quick is repeated for so long: other programs come and go. What is slow is not repeated after so long."""
STEP = "a trial of the run"

Clock = Callable[[], float]


def timed(
    recipe: Recipe,
    examples: Examples,
    plan: TrainingPlan,
    *,
    hear: Hear | None = None,
    clock: Clock = time.perf_counter,
    progress: Progress = silent,
) -> Costs:
    """What a run of this plan costs here, from a trial of some seconds to some minutes.

    Clips of three lengths are prepared, then steps with the plan's batch, parts and precision are taken on each; what
    comes first is counted apart, for it happens once. The networks are as before when it returns.

    Args:
        hear: speaks and scores one sentence; without it auditions cost nothing.

    Raises:
        BadDataset: none of the clips that were tried can be prepared.
    """
    total = LENGTHS * OF_EACH + 1 + (2 if hear else 0)
    prepared, first_s = _prepare(recipe, examples, clock, lambda done: progress(STEP, done, total))
    with _untouched(recipe.networks), closing(Team(plan)) as team:
        bench = _Bench(plan, recipe, team, len(examples.train), clock)
        tried = [each.longest for each in prepared]
        first_step_s, most_in_part = bench.warm(tried[-1][1])
        steps = bench.rounds(tried)
        looks = [(seconds, bench.look(item)) for seconds, item in tried] if examples.validation else []
        memory_gib = bench.memory_gib()
    progress(STEP, total - (2 if hear else 0), total)
    trial_s, first_sentence_s, sentence_s = _listened(recipe, hear, clock) if hear else (0.0, 0.0, 0.0)
    progress(STEP, total, total)
    found = [item for each in prepared for item in each.items]
    sound_s = sum(seconds for each in prepared for seconds, _ in each.costs)
    return Costs(
        first_s=first_s + max(first_step_s - steps.at(tried[-1][0]), 0.0),
        prepare=fitted([cost for each in prepared for cost in each.costs]),
        step=steps,
        validate=fitted(looks),
        trial_s=trial_s,
        sentence_s=sentence_s,
        first_sentence_s=first_sentence_s,
        item_mb_s=sum(_bytes(item) for item in found) / MB / sound_s,
        weights_mb=sum(p.numel() for n in recipe.networks.values() for p in learning(n).values()) * 4 / MB,
        memory_gib=memory_gib,
        most_in_part=most_in_part,
        steps=bench.counted,
    )


def fitted(points: Sequence[tuple[float, float]]) -> Line:
    """The line through (seconds of sound, cost in seconds) by least squares, neither part of it below 0."""
    if not points:
        return Line()
    x, y = np.array(points, dtype=float).T
    spread = float(((x - x.mean()) ** 2).sum())
    slope = float(((x - x.mean()) * (y - y.mean())).sum()) / spread if spread > 1e-9 else 0.0
    base = float(y.mean() - slope * x.mean())
    if slope < 0:
        return Line(base_s=float(y.mean()))
    if base < 0:
        return Line(per_s=float((x * y).sum() / (x * x).sum()))
    return Line(base_s=base, per_s=slope)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Clips of like length."""

    items: "list[Item]"
    costs: list[tuple[float, float]]
    """Of each clip: its seconds, and what preparing it cost."""

    @property
    def longest(self) -> "tuple[float, Item]":
        """The seconds of the longest, and its item."""
        number = max(range(len(self.items)), key=lambda each: self.costs[each][0])
        return self.costs[number][0], self.items[number]


def _prepare(
    recipe: Recipe, examples: Examples, clock: Clock, tell: Callable[[int], None]
) -> tuple[list[_Prepared], float]:
    """Some clips of each length, the short ones first, and what the first of all cost beside the rest."""
    in_order = sorted(examples.train, key=lambda example: (example.seconds, example.id))
    groups = [list(part) for part in np.array_split(np.arange(len(in_order)), min(LENGTHS, len(in_order)))]
    first = _first(recipe, in_order, clock)
    tell(1)
    found = [_Prepared([], []) for _ in groups]
    started = clock()
    for turn, indices in enumerate(itertools.zip_longest(*map(_spread, groups))):
        quick = turn < MOST_OF_EACH and clock() - started < ENOUGH_S
        for chosen, at in zip(found, indices, strict=True):
            if at is not None and (quick or len(chosen.items) < OF_EACH):
                _add(recipe, in_order[at], chosen, clock)
        tell(1 + min(OF_EACH, turn + 1) * LENGTHS)
    prepared = [each for each in found if each.items]
    if not prepared:
        raise BadDataset(f"none of the clips that were tried can be learned from; the last: {first[1]}")
    usual = fitted([cost for each in prepared for cost in each.costs])
    example, taken_s = in_order[len(in_order) // 2], first[0]
    return prepared, max(taken_s - usual.at(example.seconds), 0.0)


def _first(recipe: Recipe, in_order: Sequence[Example], clock: Clock) -> tuple[float, str]:
    """What the middle clip takes with all that is loaded for it, and why it cannot be learned from."""
    started, problem = clock(), ""
    try:
        recipe.prepare(in_order[len(in_order) // 2])
    except (BadClip, BadText, BadDataset) as found:
        problem = str(found)
    return clock() - started, problem


def _add(recipe: Recipe, example: Example, chosen: _Prepared, clock: Clock) -> None:
    """Prepare one more; nothing if it cannot be learned from."""
    started = clock()
    try:
        item = recipe.prepare(example)
    except (BadClip, BadText, BadDataset):
        return
    chosen.items.append(item)
    chosen.costs.append((example.seconds, clock() - started))


def _spread(group: Sequence[int]) -> list[int]:
    """Some of a group: its quarters, then others from all over it."""
    quarters = [len(group) // 4, len(group) * 3 // 4]
    others = np.linspace(0, len(group) - 1, 2 * MOST_OF_EACH).round().astype(int)
    return [group[at] for at in dict.fromkeys([*quarters, *others.tolist()])]


class _Bench:
    """Steps of the plan's size, by a stopwatch."""

    def __init__(self, plan: TrainingPlan, recipe: Recipe, team: Team, clips: int, clock: Clock) -> None:
        self._recipe, self._team, self._clock = recipe, team, clock
        self._learner = Learner(replace(plan, ema=0.0), recipe, team)
        share = -(-clips // steps_per_epoch(clips, plan.batch_size)) // plan.processes  # batches are alike in size
        self._parts = max(1, min(plan.accumulation, share))
        self._size = max(1, -(-share // self._parts))
        self.counted = 0

    def warm(self, item: "Item") -> tuple[float, int]:
        """The first step, and another if it was quick, on a long clip: what the first took, and the most clips that fit
        if they did not.

        A part that does not fit into a GPU's memory is halved until it does.
        """
        most = 0
        while True:
            try:
                first_s = self.step(item)
                for _ in range(WARM - 1 if first_s < ENOUGH_S else 0):
                    self.step(item)
                return first_s, most
            except torch.OutOfMemoryError:
                if self._size == 1:
                    raise
                self._size, self._parts = self._size // 2, self._parts * 2
                most = self._size
                torch.cuda.empty_cache()

    def rounds(self, tried: "Sequence[tuple[float, Item]]") -> Line:
        """A step with each of some items (and their seconds) in turn, until it is enough."""
        points: list[tuple[float, float]] = []
        started = self._clock()
        for done in range(MOST_ROUNDS):
            taken_s = self._clock() - started
            if done and taken_s > (ENOUGH_S if done >= ROUNDS else TOO_LONG_S):
                break
            points += [(seconds, self.step(item)) for seconds, item in tried]
        self.counted += len(points)
        return fitted(points)

    def step(self, item: "Item") -> float:
        """What a step takes, the weights staying as they are."""
        started = self._now()
        parts = [Part(self._batch(item), 1 / self._parts) for _ in range(self._parts)]
        self._learner.step(parts, 0.0)
        return self._now() - started

    def look(self, item: "Item") -> float:
        """What one validation batch takes."""
        started = self._now()
        self._learner.look(self._batch(item))
        return self._now() - started

    def memory_gib(self) -> float:
        """The most that was in use."""
        on_gpu = self._team.device.type == "cuda"
        return torch.cuda.max_memory_allocated() / GIB if on_gpu else peak_memory_gib()

    def _batch(self, item: "Item") -> "Batch":
        """A part of the plan's size, all of it one item: what shares a batch is of like length."""
        generators = [torch.Generator().manual_seed(number) for number in range(self._size)]
        return self._recipe.collate([item] * self._size, generators)

    def _now(self) -> float:
        if self._team.device.type == "cuda":
            torch.cuda.synchronize()
        return self._clock()


def _listened(recipe: Recipe, hear: Hear, clock: Clock) -> tuple[float, float, float]:
    """What it takes to make a voice, what the first sentence takes beside the rest, and what each takes."""
    made: list[float] = []
    heard: list[float] = []
    started = clock()
    while len(heard) < 2 or (len(heard) < HEARD and clock() - started < ENOUGH_S):
        since = clock()
        engine, voice = recipe.trial()
        made.append(clock() - since)
        since = clock()
        hear(engine, voice)
        heard.append(clock() - since)
    trial_s, sentence_s = float(np.mean(made[1:])), float(np.mean(heard[1:]))
    return trial_s, max(made[0] - trial_s, 0.0) + max(heard[0] - sentence_s, 0.0), sentence_s


@contextmanager
def _untouched(networks: Mapping[str, nn.Module]) -> Iterator[None]:
    """Networks to try things with; afterwards they are what and where they were, and so is chance."""
    held = {name: _held(network) for name, network in networks.items()}
    places = {name: next((t.device for t in network.state_dict().values()), None) for name, network in networks.items()}
    with torch.random.fork_rng():
        try:
            yield
        finally:
            for name, network in networks.items():
                network.to(places[name])
                _give_back(network, held[name])


def _held(network: nn.Module) -> dict[str, torch.Tensor]:
    """Copies of what a step may change: weights that learn, and buffers."""
    return {name: t.detach().clone() for name, t in (learning(network) | dict(network.named_buffers())).items()}


def _give_back(network: nn.Module, held: Mapping[str, torch.Tensor]) -> None:
    now = dict(network.named_parameters()) | dict(network.named_buffers())
    with torch.no_grad():
        for name, tensor in held.items():
            now[name].copy_(tensor)
            now[name].grad = None


def _bytes(item: "Item") -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in item.values())
