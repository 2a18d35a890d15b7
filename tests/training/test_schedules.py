"""The learning rate of every step, by the plan alone."""

import math
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from voicewright.errors import BadPlan, BadSetting
from voicewright.training.optimizers import build_optimizer, undecayed
from voicewright.training.options import TrainingPlan
from voicewright.training.schedules import rate_at

STEPS = 10  # in an epoch


def rates(epochs: int, **fields: Any) -> list[float]:
    plan = TrainingPlan(dataset="none", run="none", epochs=epochs, learning_rate=1e-2, **fields)
    rate = rate_at(plan, STEPS)
    return [rate(step) for step in range(epochs * STEPS)]


def test_constant_is_constant() -> None:
    assert set(rates(3, schedule="constant")) == {1e-2}


def test_milestones_are_epochs() -> None:
    found = rates(5, schedule="multistep", milestones=(2, 4), gamma=0.5)
    assert found[:20] == [1e-2] * 20
    assert found[20:40] == [5e-3] * 20
    assert found[40:] == [2.5e-3] * 10


def test_exponential_falls_by_gamma_every_epoch() -> None:
    found = rates(3, schedule="exponential", gamma=0.5)
    assert found == [1e-2] * 10 + [5e-3] * 10 + [2.5e-3] * 10


def test_adamw_is_as_the_plan_says() -> None:
    plan = TrainingPlan(dataset="none", run="none", betas=(0.8, 0.99), epsilon=1e-9)
    (group, *_) = build_optimizer(plan, nn.Linear(2, 2), frozenset(), device="cpu").param_groups
    assert (group["betas"], group["eps"]) == ((0.8, 0.99), 1e-9)
    with pytest.raises(BadSetting):
        TrainingPlan(dataset="none", run="none", betas=(0.8, 1.0))


def test_warm_up_rises_to_the_schedule() -> None:
    found = rates(2, schedule="constant", warmup_steps=4)
    assert found[:5] == pytest.approx([2.5e-3, 5e-3, 7.5e-3, 1e-2, 1e-2])


def test_cosine_falls_once_to_almost_nothing() -> None:
    found = rates(10, schedule="cosine", restarts=0)
    assert found[0] == 1e-2
    assert found[50] == pytest.approx(5e-3, rel=1e-4)
    assert found == sorted(found, reverse=True)
    assert found[-1] < 1e-5


def test_cosine_restarts_from_where_the_known_trainer_does() -> None:
    """Four restarts over nine epochs come every second epoch, at 3/4, 2/4, 1/4 of the height and half of the last."""
    found = rates(9, schedule="cosine", restarts=4)
    assert [found[epoch * STEPS] for epoch in (0, 2, 4, 6, 8)] == pytest.approx([1e-2, 7.5e-3, 5e-3, 2.5e-3, 1.25e-3])
    for start in range(0, 80, 2 * STEPS):
        cycle = found[start : start + 2 * STEPS]
        assert cycle == sorted(cycle, reverse=True)
        half = 1e-8 + (cycle[0] - 1e-8) * (1 + math.cos(math.pi / 2)) / 2
        assert cycle[STEPS] == pytest.approx(half)


@pytest.mark.parametrize("restarts", [1, 3, 7])
def test_more_restarts_than_epochs_still_give_a_rate(restarts: int) -> None:
    assert all(0 < rate <= 1e-2 for rate in rates(3, schedule="cosine", restarts=restarts))


def test_biases_norms_and_styles_do_not_decay() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.utils.parametrizations.weight_norm(nn.Conv1d(4, 6, 3))
            self.norm = nn.LayerNorm((2, 3))
            self.style = nn.Parameter(nn.Linear(8, 1).weight.detach())
            self.frozen = nn.Linear(3, 3).requires_grad_(False)
            self.lstm = nn.LSTM(3, 3)

    net = Net()
    resting = undecayed(net)
    decaying = {"conv.parametrizations.weight.original1", "lstm.weight_ih_l0", "lstm.weight_hh_l0"}
    assert {name for name, value in net.named_parameters() if value.requires_grad} - resting == decaying
    plan = TrainingPlan(dataset="none", run="none", weight_decay=0.2)
    decay, rest = build_optimizer(plan, net, resting, device="cpu").param_groups
    assert (len(decay["params"]), decay["weight_decay"]) == (3, 0.2)
    assert (len(rest["params"]), rest["weight_decay"]) == (len(resting), 0.0)


def test_eight_bits_need_a_gpu(tmp_path: Path) -> None:
    plan = TrainingPlan(dataset="none", run="none", optimizer="adamw8bit")
    with pytest.raises(BadPlan, match="GPU"):
        build_optimizer(plan, nn.Linear(2, 2), frozenset(), device="cpu")
