"""The decoder in blocks makes what it makes of the whole, whatever the sizes."""

from dataclasses import replace

import pytest
import torch

from voicewright.engines.sovits.blockwise import Layer, in_blocks
from voicewright.engines.sovits.config import SovitsConfig
from voicewright.engines.sovits.decoder import HifiGanDecoder
from voicewright.engines.sovits.noise import RandomNoise
from voicewright.engines.sovits.normed import fold

TINY = SovitsConfig.tiny()
SIZES = {
    "tiny": TINY,
    "published rates": replace(
        TINY, upsample_rates=(8, 8, 2, 2, 2), upsample_kernel_sizes=(16, 16, 4, 4, 4), resblock_kernel_sizes=(3, 11)
    ),
    "one step": replace(TINY, upsample_rates=(4,), upsample_kernel_sizes=(8,)),
    "odd rates": replace(TINY, dialect="upstream", upsample_rates=(5, 3), upsample_kernel_sizes=(11, 7)),
}


def decoder(config: SovitsConfig) -> HifiGanDecoder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        return HifiGanDecoder(config).eval()


def seeded() -> RandomNoise:
    return RandomNoise(torch.Generator().manual_seed(0))


@pytest.mark.parametrize("frames", [1, 3, 64])
@pytest.mark.parametrize("name", list(SIZES))
@torch.inference_mode()
def test_blocks_join_to_the_whole(name: str, frames: int) -> None:
    config, draw = SIZES[name], torch.Generator().manual_seed(1)
    made = decoder(config)
    x, f0 = torch.randn(2, made.widths[0], 11, generator=draw), torch.tensor([[200.0], [0.0]]).expand(2, 11)
    source = made.m_source(f0, seeded())
    with torch.no_grad():
        whole = x
        for step, (up, let_in) in enumerate(zip(made.ups, made.noise_convs, strict=True)):
            whole = up(made.before_step(whole, step)) + let_in(source)
            count = made.blocks_a_step
            whole = sum(block(whole) for block in made.resblocks[step * count : (step + 1) * count]) / count
        whole = made.conv_post(made.before_end(whole)).tanh()
    fold(made)
    end = Layer.of(made.conv_post, x.dtype)
    assert torch.allclose(in_blocks(made.steps(x.dtype), x, source, end, frames=frames), whole, atol=1e-6)


@pytest.mark.parametrize("name", list(SIZES))
def test_folding_changes_nothing(name: str) -> None:
    """Folded it decodes in blocks where it can; the numbers are those of the layers under weight norm."""
    config, draw = SIZES[name], torch.Generator().manual_seed(1)
    made = decoder(config)
    given = (
        torch.randn(1, config.inter_channels, 90, generator=draw),
        torch.full((1, 90), 180.0),
        torch.randn(1, config.gin_channels, 1, generator=draw),
    )
    with torch.inference_mode():
        before = made(*given, seeded())
        fold(made)
        assert torch.allclose(made(*given, seeded()), before, atol=1e-6)


def test_a_folded_decoder_still_has_gradients_of_its_input() -> None:
    made = decoder(TINY)
    fold(made)
    z = torch.randn(1, TINY.inter_channels, 9, generator=torch.Generator().manual_seed(1)).requires_grad_()
    made(z, torch.full((1, 9), 200.0), torch.zeros(1, TINY.gin_channels, 1), seeded()).square().sum().backward()
    assert z.grad is not None
    assert float(z.grad.abs().sum()) > 0


@torch.inference_mode()
def test_bfloat16_sounds_the_same() -> None:
    """Ten times quieter than the sound is what it adds: 20 dB in this random network, whose layers do not damp it."""
    made = decoder(TINY)
    fold(made)
    given = (
        torch.randn(1, TINY.inter_channels, 90, generator=torch.Generator().manual_seed(1)),
        torch.full((1, 90), 180.0),
        torch.zeros(1, TINY.gin_channels, 1),
    )
    plain = made(*given, seeded())
    with torch.autocast("cpu", torch.bfloat16):
        rough = made(*given, seeded())
    assert rough.dtype == torch.float32
    assert (rough - plain).square().mean() < 0.01 * plain.square().mean()
    assert (rough != plain).any()
