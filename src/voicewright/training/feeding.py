"""What a process learns from, step by step: items read ahead and collated, each with its own randomness."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from voicewright.engines.recipe import Recipe
from voicewright.training.batches import parts_of, place_at, seed_of, steps_per_epoch, upcoming
from voicewright.training.items import Items, reader
from voicewright.training.learner import Learner, Part
from voicewright.training.options import TrainingPlan
from voicewright.training.team import Team

if TYPE_CHECKING:
    from voicewright.engines.recipe import Batch, Item


@dataclass(frozen=True, slots=True)
class Lot:
    """One process's share of a step."""

    parts: list[Part]
    seconds: float
    """Of sound in the whole batch, over all processes."""


def feed(recipe: Recipe, items: Items, plan: TrainingPlan, team: Team, step: int) -> Iterator[Lot]:
    """The steps from number `step` (from 0) to the end of the last epoch."""
    mine = ([index for part in parts for index in part] for _, parts in _shares(items, plan, team, step))
    read = reader(items, mine, plan.workers)
    for number, ((batch, parts), found) in enumerate(zip(_shares(items, plan, team, step), read, strict=True), step):
        queue = iter(found)
        lot = []
        for part in parts:
            own = [next(queue) for _ in part]
            lot.append(Part(_collated(recipe, own, [items.keys[each] for each in part], plan.seed, number),
                            len(part) / len(batch)))  # fmt: skip
        yield Lot(lot, sum(items.seconds[index] for index in batch))


def _shares(items: Items, plan: TrainingPlan, team: Team, step: int) -> Iterator[tuple[list[int], list[list[int]]]]:
    """Whole batches, and this process's parts of them."""
    start = place_at(step, steps_per_epoch(len(items), plan.batch_size))
    for _, batch in upcoming(items.lengths, plan.batch_size, plan.seed, start, plan.epochs):
        yield [int(index) for index in batch], parts_of(batch, plan.accumulation, team.size)[team.number]


def validation(learner: Learner, items: Items) -> dict[str, float]:
    """Figures of all of some items, each the mean over them; the same items are cut the same way every time."""
    plan, team = learner.plan, learner.team
    most = max(1, plan.batch_size // (plan.accumulation * team.size)) * team.size
    order = sorted(range(len(items)), key=lambda index: (items.lengths[index], items.keys[index]))
    batches = [order[first : first + most] for first in range(0, len(order), most)]
    shares = [parts_of(batch, 1, team.size)[team.number][0] for batch in batches]
    # A process without a clip looks at another one's, which then counts nothing: all must do the same.
    seen = [share or batch[:1] for share, batch in zip(shares, batches, strict=True)]
    sums: dict[str, float] = {}
    for share, own, found in zip(shares, seen, reader(items, seen, 0), strict=True):
        keys = [items.keys[index] for index in own]
        batch = _collated(learner.recipe, found, keys, plan.seed, "validation")
        for name, value in learner.look(batch).items():
            sums[name] = sums.get(name, 0.0) + value * len(share) / len(items)
    return team.total(sums)


def _collated(recipe: Recipe, items: "Sequence[Item]", keys: Sequence[str], seed: int, moment: int | str) -> "Batch":
    """A batch in which each item's randomness depends on the seed, the moment and the item alone."""
    generators = [torch.Generator().manual_seed(seed_of("item", seed, moment, key)) for key in keys]
    return recipe.collate(items, generators)
