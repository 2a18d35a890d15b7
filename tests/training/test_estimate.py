"""A trial measures what a run costs, by a clock that the costs themselves move on; and it leaves nothing behind."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from voicewright.engines.base import Speaks
from voicewright.engines.recipe import Example, Update
from voicewright.errors import BadClip, BadDataset
from voicewright.training.batches import epoch_of, parts_of
from voicewright.training.estimate import Costs, Estimate, Line, estimate
from voicewright.training.examples import Examples
from voicewright.training.options import AuditionOptions, TrainingPlan
from voicewright.training.trial import fitted, timed
from voicewright.voice.voice import Voice

LOADING_S, FIRST_STEP_S, FIRST_WORD_S = 20.0, 15.0, 9.0


@dataclass
class Toy:
    """A recipe whose work takes no time, but moves its clock on by known costs."""

    now: float = 0.0
    fits: int = 1_000
    """Clips that fit into memory."""
    bad: frozenset[str] = frozenset()
    calls: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        torch.set_num_threads(1)
        self.networks = {"body": nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))}
        self.networks["body"].add_module("frozen", nn.Linear(4, 4).requires_grad_(False))
        self.preparation = "toy"

    def clock(self) -> float:
        return self.now

    def _works(self, what: str, cost: float, first: float = 0.0) -> None:
        self.now += cost + (0.0 if what in self.calls else first)
        self.calls[what] = self.calls.get(what, 0) + 1

    def prepare(self, example: Example) -> Mapping[str, Tensor]:
        self._works("prepare", 0.5 + 0.3 * example.seconds, LOADING_S)
        if example.id in self.bad:
            raise BadClip(f"{example.id} is silent")
        return {"x": torch.full((4,), example.seconds)}

    def length(self, item: Mapping[str, Tensor]) -> int:
        return int(1000 * item["x"][0])

    def collate(
        self, items: Sequence[Mapping[str, Tensor]], generators: Sequence[torch.Generator]
    ) -> dict[str, Tensor]:
        assert len(items) == len(generators)
        return {"x": torch.stack([item["x"] for item in items])}

    def updates(self, networks: Mapping[str, nn.Module], batch: Mapping[str, Tensor]) -> Iterator[Update]:
        if len(batch["x"]) > self.fits:
            raise torch.OutOfMemoryError("too much")
        self._works("step", self.step_cost(batch["x"][:, 0].tolist()), FIRST_STEP_S)
        x = torch.cat([batch["x"], batch["x"]])
        yield Update("body", (networks["body"](x) - 1).square().mean())

    @staticmethod
    def step_cost(lengths_s: Sequence[float]) -> float:
        """Of one part: padded to its longest clip."""
        return 0.05 + len(lengths_s) * (0.02 + 0.1 * max(lengths_s))

    @staticmethod
    def look_cost(lengths_s: Sequence[float]) -> float:
        """Of one part that is not learned from."""
        return 0.01 * len(lengths_s) * max(lengths_s)

    def validate(self, networks: Mapping[str, nn.Module], batch: Mapping[str, Tensor]) -> dict[str, float]:
        self._works("validate", self.look_cost(batch["x"][:, 0].tolist()))
        return {"loss": 0.0}

    def trial(self) -> tuple[Any, Any]:
        self._works("trial", 0.7, FIRST_WORD_S)
        return SimpleNamespace(name="toy"), SimpleNamespace(name="anna")

    def hear(self, engine: Speaks, voice: Voice) -> None:
        self._works("hear", 2.5, FIRST_WORD_S)


def examples(lengths_s: Sequence[float], validation: int = 4) -> Examples:
    def example(number: int, seconds: float) -> Example:
        return Example(id=f"u{number}", audio=Path(f"u{number}"), sha256="", seconds=seconds, text="One.")

    train = tuple(example(number, seconds) for number, seconds in enumerate(lengths_s))
    return Examples(train=train, validation=tuple(example(-number, 3.0) for number in range(1, validation + 1)))


def plan(**values: Any) -> TrainingPlan:
    usual: dict[str, Any] = {"batch_size": 8, "epochs": 6, "save_every": 2, "validate_every": 3, "precision": "float32"}
    return TrainingPlan(dataset="d", run="r", **(usual | values))


def truth(plan: TrainingPlan, of: Examples) -> float:
    """What the whole run would move the clock on by."""
    lengths = [example.seconds for example in of.train]
    prepared = LOADING_S + sum(0.5 + 0.3 * each.seconds for each in (*of.train, *of.validation))
    trained = FIRST_STEP_S
    for epoch in range(plan.epochs):
        for batch in epoch_of([round(1000 * each) for each in lengths], plan.batch_size, plan.seed, epoch):
            trained += sum(Toy.step_cost([lengths[i] for i in part]) for part in parts_of(batch, plan.accumulation)[0])
    looked = plan.epochs // plan.validate_every * 0.01 * sum(each.seconds for each in of.validation)
    hearings = -(-plan.epochs // plan.save_every) + 1
    return prepared + trained + looked + 2 * FIRST_WORD_S + hearings * (0.7 + plan.audition.sentences * 2.5)


LENGTHS: dict[str, list[float]] = {
    "alike": [5.0] * 60,
    "evenly spread": [0.6 + 0.1 * number for number in range(100)],
    "many short, few long": [1.0] * 90 + [11.0] * 15,
    "few": [2.0, 9.0, 4.0],
    "one more than a batch": [3.0] * 9,
    "one": [4.0],
}


@pytest.mark.parametrize("accumulation", [1, 4])
@pytest.mark.parametrize("lengths_s", LENGTHS.values(), ids=LENGTHS)
def test_the_estimate_is_near_the_truth(lengths_s: list[float], accumulation: int) -> None:
    toy, of, chosen = Toy(), examples(lengths_s), plan(accumulation=accumulation, epochs=12)
    costs = timed(toy, of, chosen, hear=toy.hear, clock=toy.clock)
    assert estimate(chosen, of, costs).seconds == pytest.approx(truth(chosen, of), rel=0.15)


def test_a_trial_is_short_and_its_parts_are_told() -> None:
    toy, of, chosen = Toy(), examples([0.1 * number for number in range(10, 120)]), plan(epochs=400, save_every=40)
    found = estimate(chosen, of, timed(toy, of, chosen, hear=toy.hear, clock=toy.clock))
    assert toy.calls["prepare"] <= 8
    assert toy.calls["step"] <= 12
    assert toy.calls["hear"] == 2
    names = ["preparation", "training", "validation", "auditions", "checkpoints"]
    assert [part.name for part in found.parts] == names
    assert (found.steps_per_epoch, found.steps, found.checkpoints) == (14, 5600, 10)
    training = found.parts[1]
    assert "5,600 steps" in training.how
    assert training.seconds > 0.9 * found.seconds


def test_long_steps_are_not_repeated() -> None:
    toy, of = Toy(), examples([200.0, 300.0, 400.0] * 3)
    timed(toy, of, plan(), clock=toy.clock)
    assert toy.calls["step"] == 1 + 3


def test_the_networks_and_chance_are_as_before() -> None:
    toy, of = Toy(), examples([1.0, 2.0, 3.0] * 5)
    network = toy.networks["body"].eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    chance = torch.get_rng_state()
    timed(toy, of, plan(), clock=toy.clock)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert torch.equal(chance, torch.get_rng_state())
    assert not network.training
    assert all(parameter.grad is None for parameter in network.parameters())


def test_parts_that_do_not_fit_are_halved_until_they_do() -> None:
    toy, of = Toy(fits=3), examples([1.0] * 40)
    costs = timed(toy, of, plan(batch_size=16), clock=toy.clock)
    assert costs.most_in_part == 3
    with pytest.raises(torch.OutOfMemoryError):
        timed(Toy(fits=0), of, plan(), clock=toy.clock)


def test_clips_that_cannot_be_learned_from_are_passed_over() -> None:
    of = examples([1.0 + 0.1 * number for number in range(60)])
    bad = frozenset(f"u{number}" for number in (5, 25, 30, 45))
    toy = Toy(bad=bad)
    assert timed(toy, of, plan(), clock=toy.clock).prepare.at(2.0) == pytest.approx(1.1)
    none = Toy(bad=frozenset(example.id for example in of.train))
    with pytest.raises(BadDataset, match="is silent"):
        timed(none, of, plan(), clock=none.clock)


def test_without_auditions_and_validation_they_cost_nothing() -> None:
    toy, of, chosen = Toy(), examples([2.0] * 20, validation=0), plan(audition=AuditionOptions(sentences=0))
    found = estimate(chosen, of, timed(toy, of, chosen, clock=toy.clock))
    assert {part.name for part in found.parts} == {"preparation", "training", "checkpoints"}


def test_without_a_trial_only_steps_are_counted() -> None:
    found = estimate(plan(), examples([1.0] * 20), None)
    assert found == Estimate(steps_per_epoch=3, steps=18, checkpoints=3)
    assert not found.measured


def test_room_is_for_kept_checkpoints_clips_and_auditions() -> None:
    costs = Costs(step=Line(base_s=1.0), item_mb_s=0.5, weights_mb=10.0, memory_gib=1.5)
    of = examples([10.0] * 10, validation=0)
    found = estimate(plan(epochs=20, keep_last=2, keep_best=3), of, costs)
    assert found.disk_mb == pytest.approx(0.5 * 100 + 5 * 30 + 0.25 * 4 * 11)
    assert "5 × 30 MB" in found.disk_how
    averaged = estimate(plan(epochs=20, keep_last=2, keep_best=3, ema=0.9), of, costs)
    assert averaged.disk_mb - found.disk_mb == pytest.approx(5 * 10)
    assert found.memory_gib == 1.5
    assert estimate(plan(processes=2), of, costs).memory_gib == 3.0


seconds = st.floats(0.1, 30)


@given(base=st.floats(0, 50), slope=st.floats(0, 50), at=st.lists(seconds, min_size=1, max_size=9), probe=seconds)
def test_a_line_is_found_again_between_its_points(base: float, slope: float, at: list[float], probe: float) -> None:
    line = fitted([(x, base + slope * x) for x in at])
    middle = min(max(probe, min(at)), max(at))
    assert line.at(middle) == pytest.approx(
        base + slope * middle, rel=0.05, abs=0.2 + 0.5 * slope * (max(at) - min(at)) * (max(at) - min(at) < 0.01)
    )


@given(points=st.lists(st.tuples(seconds, st.floats(0, 100)), max_size=9))
def test_a_cost_is_never_negative(points: list[tuple[float, float]]) -> None:
    line = fitted(points)
    assert line.base_s >= 0
    assert line.per_s >= 0
