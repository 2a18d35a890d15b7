"""The network's tiny twin: quick to build, and every part keeps the shapes that its docstring gives."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from voicewright.engines.kokoro.config import KokoroConfig
from voicewright.engines.kokoro.network import Kokoro, Score, load_network, whole_frames
from voicewright.errors import BadWeights

CONFIG = KokoroConfig.tiny()
TOKENS = torch.tensor([[0, 50, 83, 54, 57, 16, 65, 54, 46, 4, 0]])
PITCH_FRAMES_PER_FRAME = 2


def half_style(seed: int, batch: int = 1) -> Tensor:
    return torch.randn(batch, CONFIG.style, generator=torch.Generator().manual_seed(seed))


def performed(network: Kokoro, *, speed: float = 1.0, stretch: float = 1.0, seed: int = 1) -> Score:
    with torch.inference_mode():
        return network.perform(*network.read(TOKENS), half_style(seed), speed=speed, stretch=stretch)


def played(network: Kokoro, timbre: Tensor, *, noise: int | None = None) -> Tensor:
    generator = None if noise is None else torch.Generator().manual_seed(noise)
    with torch.inference_mode():
        return network.play(performed(network), timbre, generator)


def test_the_tiny_twin_is_tiny_and_speaks() -> None:
    """Built and spoken with in a tenth of a second; counted in parameters, so that a busy machine does not matter."""
    network = Kokoro(CONFIG).eval()
    assert sum(p.numel() for p in network.parameters()) < 100_000
    wave = played(network, half_style(2))
    assert torch.isfinite(wave).all()
    assert wave.std() > 0


def test_full_size_is_kokoros() -> None:
    with torch.device("meta"):
        network = Kokoro(KokoroConfig())
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(82e6, rel=0.02)
    assert (KokoroConfig().samples_per_frame, KokoroConfig().stages, KokoroConfig().longest_input) == (600, 3, 510)


def test_reading_keeps_batch_and_tokens(tiny: Kokoro) -> None:
    meaning, content = tiny.read(TOKENS.repeat(2, 1))
    assert meaning.shape == (2, TOKENS.shape[1], CONFIG.width)
    assert content.shape == (2, CONFIG.width, TOKENS.shape[1])
    assert torch.allclose(meaning[0], meaning[1], atol=1e-6)


def test_a_score_counts_two_pitch_frames_a_frame(tiny: Kokoro) -> None:
    score = performed(tiny)
    frames = int(score.durations.sum())
    assert score.durations.shape == TOKENS.shape
    assert score.content.shape == (1, CONFIG.width, frames)
    assert score.f0_hz.shape == score.energy.shape == (1, PITCH_FRAMES_PER_FRAME * frames)
    assert played(tiny, half_style(2)).shape == (1, CONFIG.samples_per_frame * frames)


def test_a_part_of_a_score_is_that_part(tiny: Kokoro) -> None:
    score = performed(tiny)
    part = score.between(3, 8)
    assert torch.equal(part.content, score.content[:, :, 3:8])
    assert torch.equal(part.f0_hz, score.f0_hz[:, 6:16])
    assert torch.equal(part.energy, score.energy[:, 6:16])
    assert torch.equal(part.durations, score.durations)


def test_speed_shortens_and_stretch_lengthens(tiny: Kokoro) -> None:
    usual, fast, slow, both = (
        int(performed(tiny, speed=speed, stretch=stretch).durations.sum())
        for speed, stretch in ((1.0, 1.0), (2.0, 1.0), (1.0, 1.5), (1.5, 1.5))
    )
    assert fast == pytest.approx(usual / 2, rel=0.2)
    assert slow == pytest.approx(1.5 * usual, rel=0.2)
    assert both == usual


def test_every_token_lasts_at_least_a_frame() -> None:
    assert whole_frames(torch.tensor([0.0, 0.4, 1.4, 1.6, 7.0])).tolist() == [1, 1, 1, 2, 7]


def test_prosody_steers_the_score_and_timbre_the_sound(tiny: Kokoro) -> None:
    assert not torch.allclose(performed(tiny, seed=1).f0_hz[:, :8], performed(tiny, seed=5).f0_hz[:, :8])
    assert not torch.allclose(played(tiny, half_style(2)), played(tiny, half_style(6)))


def test_one_timbre_is_the_same_as_that_timbre_for_every_stage(tiny: Kokoro) -> None:
    one = half_style(2)
    each = one.unsqueeze(1).repeat(1, CONFIG.stages, 1)
    assert torch.equal(played(tiny, one), played(tiny, each))


@pytest.mark.parametrize("stage", range(CONFIG.stages))
def test_every_stage_listens_to_its_own_timbre(tiny: Kokoro, stage: int) -> None:
    each = half_style(2).unsqueeze(1).repeat(1, CONFIG.stages, 1)
    changed = each.clone()
    changed[:, stage] = half_style(6)
    assert not torch.allclose(played(tiny, each), played(tiny, changed))


def test_a_batch_sounds_like_its_members(tiny: Kokoro) -> None:
    score, timbres = performed(tiny), half_style(2, batch=2)
    double = Score(*(part.repeat(2, *[1] * (part.dim() - 1)) for part in (score.content, score.f0_hz, score.energy)),
                   score.durations)  # fmt: skip
    with torch.inference_mode():
        together = tiny.play(double, timbres)
        alone = [tiny.play(score, timbre[None]) for timbre in timbres]
    assert float((together - torch.cat(alone)).norm() / together.norm()) < 1e-3


def test_noise_comes_from_the_generator_alone(tiny: Kokoro) -> None:
    timbre = half_style(2)
    assert torch.equal(played(tiny, timbre, noise=3), played(tiny, timbre, noise=3))
    assert not torch.equal(played(tiny, timbre, noise=3), played(tiny, timbre, noise=4))
    assert torch.equal(played(tiny, timbre), played(tiny, timbre))


def test_the_source_sounds_at_f0_where_voiced_and_is_noise_elsewhere() -> None:
    config = KokoroConfig(harmonics=0)
    source = Kokoro(KokoroConfig.tiny()).decoder.generator.m_source.__class__(config)
    with torch.no_grad():
        source.l_linear.weight.fill_(1.0)
        source.l_linear.bias.zero_()
        f0 = torch.full((1, 160), 200.0)
        f0[:, 80:] = 0
        clean, noisy = source(f0, None), source(f0, torch.Generator().manual_seed(0))
    second = clean[0, : config.rate]
    assert int(torch.fft.rfft(second).abs().argmax()) == 200
    assert not clean[0, config.rate :].any()
    assert 0.02 < float(noisy[0, config.rate :].std()) < 0.05


def test_gradients_reach_both_halves_of_a_style_through_frozen_weights(tiny: Kokoro) -> None:
    prosody, timbre = half_style(1).requires_grad_(), half_style(2).requires_grad_()
    score = tiny.perform(*tiny.read(TOKENS), prosody)
    tiny.play(score, timbre).square().mean().backward()
    assert prosody.grad is not None
    assert timbre.grad is not None
    assert prosody.grad.abs().sum() > 0
    assert timbre.grad.abs().sum() > 0


def test_bfloat16_sounds_almost_like_float32(tiny: Kokoro) -> None:
    low = Kokoro(CONFIG)
    low.load_state_dict(tiny.state_dict())
    low.eval().requires_grad_(False).decoder.run_in(torch.bfloat16)
    assert low.decoder.dtype == torch.bfloat16
    assert low.decoder.generator.m_source.l_linear.weight.dtype == torch.float32
    high, rounded = played(tiny, half_style(2)), played(low, half_style(2))
    assert rounded.dtype == torch.float32
    assert float(torch.corrcoef(torch.cat([high, rounded]))[0, 1]) > 0.9


@pytest.fixture
def saved(tiny: Kokoro, tmp_path: Path) -> tuple[dict[str, Tensor], Path]:
    return dict(tiny.state_dict()), tmp_path / "model.safetensors"


def test_weights_come_back_frozen_and_with_their_origin(tiny: Kokoro, saved: tuple[dict[str, Tensor], Path]) -> None:
    tensors, path = saved
    save_file(tensors, path, {"source_sha256": "abc"})
    network, source = load_network(path, CONFIG)
    assert source == "abc"
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())
    assert torch.allclose(played(network, half_style(2)), played(tiny, half_style(2)), atol=1e-4)


@pytest.mark.parametrize("fault", ["missing", "extra", "misshaped"])
def test_weights_that_do_not_fit_are_named(saved: tuple[dict[str, Tensor], Path], fault: str) -> None:
    tensors, path = saved
    name = "decoder.encode.conv1.weight"
    if fault == "missing":
        del tensors[name]
    elif fault == "extra":
        tensors[name := "decoder.encore.weight"] = torch.zeros(3)
    else:
        tensors[name] = torch.zeros(3, 3)
    save_file(tensors, path, {"source_sha256": "abc"})
    with pytest.raises(BadWeights, match=name):
        load_network(path, CONFIG)


def test_weights_of_unknown_origin_and_other_files_are_refused(saved: tuple[dict[str, Tensor], Path]) -> None:
    tensors, path = saved
    save_file(tensors, path)
    with pytest.raises(BadWeights, match="converted from"):
        load_network(path, CONFIG)
    path.write_bytes(b"no weights at all")
    with pytest.raises(BadWeights, match="cannot be read"):
        load_network(path, CONFIG)
    with pytest.raises(BadWeights, match="cannot be read"):
        load_network(path.with_name("nowhere"), CONFIG)
