"""The layers compute what their plain formulas say, forwards and backwards."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from voicewright.engines.kokoro.layers import NormSnake, SnakeBlock, StyledBlock, instance_statistics, snake

EPS = 1e-5


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def plain(x: Tensor, gain: Tensor, offset: Tensor, alpha: Tensor) -> Tensor:
    """Instance normalisation, gain and offset, then x + sin²(αx)/α, as in the papers."""
    variance, mean = torch.var_mean(x, 2, correction=0, keepdim=True)
    y = gain * (x - mean) / (variance + EPS).sqrt() + offset
    return y + torch.sin(alpha * y) ** 2 / alpha


def arguments(x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    channels = x.shape[1]
    gain, offset = (1 + 0.5 * drawn(len(x), channels, 1, seed=seed) for seed in (1, 2))
    return x, gain, offset, 0.5 + drawn(1, channels, 1, seed=3).abs()


def gradients(function: Callable[..., Tensor], values: tuple[Tensor, ...], weight: Tensor) -> list[Tensor]:
    x, gain, offset, alpha = values
    leaves = [v.clone().requires_grad_() for v in (x, gain, offset)]
    (function(*leaves, alpha) * weight).sum().backward()
    return [leaf.grad for leaf in leaves]


@pytest.mark.parametrize("mean", [0.0, 2.0])
def test_norm_snake_is_the_plain_formula(mean: float) -> None:
    values = arguments(drawn(2, 3, 400) * torch.tensor([0.1, 1.0, 5.0]).view(1, 3, 1) + mean)
    weight = drawn(2, 3, 400, seed=9)
    expected = plain(*(v.double() for v in values))
    assert (NormSnake.apply(*values) - expected).norm() / expected.norm() < 1e-4
    exact = gradients(plain, tuple(v.double() for v in values), weight.double())
    for name, ours, theirs in zip(
        ("x", "gain", "offset"), gradients(NormSnake.apply, values, weight), exact, strict=True
    ):
        error = (ours - theirs).norm() / theirs.norm()
        assert error < 5e-4, f"gradient of {name}: relative error {error:.1e}"


@pytest.mark.parametrize("level", [0.0, 1.0, -3.0])
def test_a_constant_channel_becomes_its_offset_and_keeps_a_finite_gradient(level: float) -> None:
    values = arguments(torch.full((1, 4, 200), level))
    _, _, offset, alpha = values
    assert torch.allclose(NormSnake.apply(*values), snake(offset, alpha).expand(1, 4, 200), atol=1e-2)
    weight = drawn(1, 4, 200, seed=9)
    exact = gradients(plain, tuple(v.double() for v in values), weight.double())
    for ours, theirs in zip(gradients(NormSnake.apply, values, weight), exact, strict=True):
        assert torch.isfinite(ours).all()
        assert torch.allclose(ours.double(), theirs, atol=0.05 * float(theirs.abs().max()) + 0.1)


def test_norm_snake_in_bfloat16_stays_near_float32() -> None:
    values = arguments(drawn(1, 4, 300))
    low = NormSnake.apply(values[0].bfloat16(), *values[1:])
    assert low.dtype == torch.bfloat16
    assert (low.float() - plain(*values)).norm() / plain(*values).norm() < 0.02


@pytest.mark.parametrize("length", [1, 7, 60_000])
def test_instance_statistics_are_mean_and_deviation(length: int) -> None:
    x = drawn(2, 3, length) * 3 + torch.tensor([0.0, 5.0, -20.0]).view(1, 3, 1)
    variance, mean = torch.var_mean(x.double(), 2, correction=0, keepdim=True)
    ours, spread = instance_statistics(x)
    assert torch.allclose(ours.double(), mean, atol=1e-4)
    # the mean square of the third channel is 400: its last digit in float32 is 3e-5
    assert torch.allclose(spread.double().square(), variance + EPS, rtol=1e-4, atol=3e-4)


def test_instance_statistics_of_bfloat16_are_summed_in_float32() -> None:
    x = (drawn(1, 2, 50_000) + 1).bfloat16()
    (mean, spread), exact = instance_statistics(x), x.double()
    assert mean.dtype == spread.dtype == torch.float32
    assert torch.allclose(mean.double(), exact.mean(2, keepdim=True), rtol=1e-3)
    assert torch.allclose(spread.double(), exact.std(2, keepdim=True), rtol=1e-3)


def test_a_frozen_snake_block_does_what_a_trainable_one_does() -> None:
    """Frozen blocks take the lean path, trainable ones the plain one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        block = SnakeBlock(6, 3, (1, 3), 4)
    results = []
    for trainable in (True, False):
        block.requires_grad_(trainable)
        x, style = drawn(2, 6, 50).requires_grad_(), drawn(2, 4, seed=1).requires_grad_()
        y = block(x, style)
        y.square().sum().backward()
        results.append((y.detach(), x.grad, style.grad))
    for plain_one, lean in zip(*results, strict=True):
        assert (plain_one - lean).norm() / plain_one.norm() < 1e-4


@pytest.mark.parametrize(("inputs", "outputs", "upsample"), [(4, 4, False), (4, 6, False), (4, 6, True)])
def test_a_styled_block_doubles_the_rate_only_when_asked(inputs: int, outputs: int, upsample: bool) -> None:
    block = StyledBlock(inputs, outputs, 3, upsample=upsample)
    assert block(drawn(2, inputs, 9), drawn(2, 3)).shape == (2, outputs, 18 if upsample else 9)
