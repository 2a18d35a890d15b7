"""24 to 16 kHz inside the graph: speech passes untouched, what 16 kHz cannot hold is gone."""

import math

import pytest
import torch
from torch import Tensor

from voicewright.engines.kokoro.resampling import ToSixteen

EDGE = 200


def tone(hz: float, rate: int, count: int) -> Tensor:
    return torch.sin(2 * math.pi * hz / rate * torch.arange(count, dtype=torch.float64))[None].float()


@pytest.mark.parametrize("hz", [50, 440, 1000, 3500, 6000, 7000])
def test_tones_up_to_7_khz_pass_unchanged(hz: float) -> None:
    out = ToSixteen()(tone(hz, 24_000, 12_000))
    error = (out - tone(hz, 16_000, 8000))[:, EDGE:-EDGE]
    assert float(error.abs().max()) < 1e-3


@pytest.mark.parametrize("hz", [9000, 10_500, 11_900])
def test_tones_above_9_khz_are_gone(hz: float) -> None:
    out = ToSixteen()(tone(hz, 24_000, 12_000))
    assert float(out[:, EDGE:-EDGE].abs().max()) < 1e-3


@pytest.mark.parametrize("count", [600, 601, 602, 603, 24_000])
def test_the_length_is_two_thirds(count: int) -> None:
    assert ToSixteen()(torch.zeros(2, count)).shape == (2, count * 2 // 3)


def test_an_impulse_stays_where_it_was() -> None:
    wave = torch.zeros(1, 900)
    wave[0, 300] = 1
    assert int(ToSixteen()(wave)[0].argmax()) == 200


def test_a_gradient_flows_back_to_every_sample() -> None:
    wave = tone(440, 24_000, 900).requires_grad_()
    ToSixteen()(wave).square().sum().backward()
    assert wave.grad is not None
    # power of a tone within the band is two thirds of what it was, so its slope is 4/3 of the wave
    inside = slice(EDGE, -EDGE)
    assert torch.allclose(wave.grad[0, inside], 4 / 3 * wave.detach()[0, inside], atol=5e-3)
