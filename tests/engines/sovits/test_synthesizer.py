"""The network that sings: what a user would notice, on networks of random weights."""

from typing import Any

import pytest
import torch
from torch import Tensor

from voicewright.engines.sovits.config import SovitsConfig
from voicewright.engines.sovits.encoder import PitchDecoder, PriorEncoder
from voicewright.engines.sovits.f0_features import coarse, hz_of, log_pitch, normalised
from voicewright.engines.sovits.flow import Flow
from voicewright.engines.sovits.noise import RandomNoise
from voicewright.engines.sovits.normed import fold
from voicewright.engines.sovits.snake import Doubled, Halved
from voicewright.engines.sovits.source import Source
from voicewright.engines.sovits.synthesizer import Synthesizer
from voicewright.errors import BadWeights

FRAMES = 12
SHORT = {"upsample_rates": (2, 2), "upsample_kernel_sizes": (4, 4)}
VARIANTS: dict[str, dict[str, Any]] = {
    "fork": {},
    "4.1": {"dialect": "upstream"},
    "odd": {"dialect": "upstream", "upsample_rates": (3, 3, 2), "upsample_kernel_sizes": (7, 9, 4), "hop_samples": 18},
    "loudness": {"dialect": "upstream", "vol_embedding": True},
    "depthwise, shared": {"dialect": "upstream", "use_depthwise_conv": True, "flow_share_parameter": True},
    "transformer": {"dialect": "upstream", "use_transformer_flow": True, "n_flow_layer": 3, "n_layers_trans_flow": 2},
    "snake": {"dialect": "upstream", "decoder": "nsf-snake-hifigan"},
    "ms-istft": {"decoder": "ms-istft", **SHORT},
    "mb-istft": {"decoder": "mb-istft", **SHORT},
    "istft": {"decoder": "istft", **SHORT},
    "no pitch": {"dialect": "upstream", "use_automatic_f0_prediction": False},
}


def noise(seed: int = 1) -> RandomNoise:
    return RandomNoise(torch.Generator().manual_seed(seed))


def shaken(net: torch.nn.Module, seed: int = 0) -> None:
    """Nothing stays at a value it was given on purpose (zeros, or the same in two places)."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=generator)


def network(**changes: Any) -> Synthesizer:
    """Random weights, and a decoder that carries what it is given through to the sound."""
    torch.manual_seed(7)
    net = Synthesizer(SovitsConfig.tiny(**changes)).eval()
    shaken(net)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.startswith("dec.") and name.endswith("weight_g"):
                parameter *= 2
    return net


def song(net: Synthesizer, frames: int = FRAMES, items: int = 1) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(5)
    return {
        "content": torch.randn(items, net.config.ssl_dim, frames, generator=generator),
        "f0_hz": 200 + 100 * torch.rand(items, frames, generator=generator),
        "voiced": torch.ones(items, frames),
    }


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> Synthesizer:
    return network(**VARIANTS[request.param])


def test_every_frame_becomes_as_many_samples_as_the_config_says(variant: Synthesizer) -> None:
    wave, f0_hz = variant.infer(**song(variant, items=2), speaker=torch.tensor([0, 1]), noise=noise())
    assert wave.shape == (2, 1, FRAMES * variant.config.hop)
    assert wave.isfinite().all()
    assert f0_hz.shape == (2, FRAMES)


def test_folding_changes_nothing_that_is_heard(variant: Synthesizer) -> None:
    given = song(variant)
    before, _ = variant.infer(**given, speaker=torch.tensor([1]), noise=noise())
    fold(variant)
    after, _ = variant.infer(**given, speaker=torch.tensor([1]), noise=noise())
    assert torch.allclose(before, after, atol=1e-5)


def test_a_step_of_training_reaches_every_parameter(variant: Synthesizer) -> None:
    variant.train()
    config = variant.config
    given = song(variant, items=2)
    spectrum = torch.rand(2, config.spec_channels, FRAMES)
    volume = torch.rand(2, FRAMES) if config.vol_embedding else None
    lengths = torch.tensor([FRAMES, FRAMES - 3])
    made = variant(**given, spectrum=spectrum, speaker=torch.tensor([0, 1]), lengths=lengths, noise=noise(),
                   volume=volume)  # fmt: skip
    assert made.wave.shape == (2, 1, config.segment_frames * config.hop)
    outputs = (made.wave, made.bands, made.z, made.z_p, made.m_p, made.logs_p, made.logs_q, made.predicted_lf0)
    torch.stack([each.square().sum() for each in outputs if each is not None]).sum().backward()
    assert [name for name, parameter in variant.named_parameters() if parameter.grad is None] == []


def test_the_flow_turned_round_gives_back_what_went_in(variant: Synthesizer) -> None:
    flow: Flow = variant.flow
    x = torch.randn(2, variant.config.inter_channels, FRAMES)
    mask = torch.ones(2, 1, FRAMES)
    mask[1, :, 8:] = 0
    g = torch.randn(2, variant.config.gin_channels, 1)
    with torch.no_grad():
        there = flow(x * mask, mask, g)
        back = flow(there, mask, g, reverse=True)
    assert not torch.allclose(there, x * mask, atol=1e-2)
    assert torch.allclose(back, x * mask, atol=1e-4)


def test_the_same_seed_sings_the_same() -> None:
    net = network()
    given = song(net)
    first, second, other = (net.infer(**given, speaker=torch.tensor([0]), noise=noise(s))[0] for s in (3, 3, 4))
    assert torch.equal(first, second)
    assert not torch.allclose(first, other, atol=1e-4)


def test_all_of_one_speaker_in_a_mixture_is_that_speaker() -> None:
    net = network()
    given = song(net)
    shares = torch.tensor([[0.0, 1.0]])
    alone, _ = net.infer(**given, speaker=torch.tensor([[1]]), noise=noise())
    mixed, _ = net.infer(**given, speaker=shares, noise=noise())
    by_frame, _ = net.infer(**given, speaker=shares[:, None].expand(1, FRAMES, 2), noise=noise())
    half, _ = net.infer(**given, speaker=torch.full((1, 2), 0.5), noise=noise())
    assert torch.allclose(alone, mixed, atol=1e-5)
    assert torch.allclose(alone, by_frame, atol=1e-5)
    assert not torch.allclose(alone, half, atol=1e-4)


def test_the_sound_depends_on_what_it_is_made_from() -> None:
    net = network(dialect="upstream", vol_embedding=True)
    given = {**song(net), "volume": torch.full((1, FRAMES), 0.1)}
    usual, _ = net.infer(**given, speaker=torch.tensor([0]), noise=noise())
    for name, other in {"content": 0.0, "f0_hz": 1.5, "voiced": 0.0, "volume": 4.0}.items():
        changed = {**given, name: given[name] * other}
        assert not torch.allclose(net.infer(**changed, speaker=torch.tensor([0]), noise=noise())[0], usual, atol=1e-4)
    unsaid, _ = net.infer(**song(net), speaker=torch.tensor([0]), noise=noise())
    assert not torch.allclose(unsaid, usual, atol=1e-4)


def test_a_predicted_pitch_is_used_and_told() -> None:
    net = network()
    given = song(net)
    _, told = net.infer(**given, speaker=torch.tensor([0]), noise=noise())
    _, predicted = net.infer(**given, speaker=torch.tensor([0]), noise=noise(), predict_f0=True)
    assert torch.equal(told, given["f0_hz"])
    assert not torch.allclose(predicted, told)


def test_a_network_without_pitch_prediction_says_so() -> None:
    net = network(use_automatic_f0_prediction=False)
    with pytest.raises(ValueError, match="automatic pitch"):
        net.infer(**song(net), speaker=torch.tensor([0]), noise=noise(), predict_f0=True)


def test_what_pads_an_item_does_not_change_it() -> None:
    config = SovitsConfig.tiny()
    prior = PriorEncoder(config).eval()
    x, bins = torch.randn(1, config.hidden_channels, FRAMES), torch.randint(1, 255, (1, FRAMES))
    mask = (torch.arange(FRAMES) < 8).float()[None, None]
    alone = prior(x[..., :8], None, bins[:, :8])
    padded = prior(x, mask, bins)
    for ours, wanted in zip(padded, alone, strict=True):
        assert torch.allclose(ours[..., :8], wanted, atol=1e-5)
        assert (ours[..., 8:] == 0).all()


def test_a_predicted_pitch_hangs_on_one_frame_ahead_and_no_more() -> None:
    config = SovitsConfig.tiny()
    decoder = PitchDecoder(config).eval()
    x, hint, g = torch.randn(1, config.hidden_channels, FRAMES), torch.randn(1, 1, FRAMES), torch.zeros(1, 12, 1)
    changed = x.clone()
    changed[..., 8:] += 1
    before, after = decoder(x, hint, None, g), decoder(changed, hint, None, g)
    assert torch.allclose(before[..., :7], after[..., :7], atol=1e-6)
    assert not torch.allclose(before[..., 7:], after[..., 7:], atol=1e-3)


def test_the_pitch_learns_without_moving_the_content() -> None:
    net = network()
    made = net(**song(net), spectrum=torch.rand(1, 65, FRAMES), speaker=torch.tensor([0]),
               lengths=torch.tensor([FRAMES]), noise=noise())  # fmt: skip
    made.predicted_lf0.sum().backward()
    assert net.pre.weight.grad is None
    assert net.f0_decoder is not None
    assert net.f0_decoder.proj.weight.grad is not None


def test_a_network_for_use_cannot_be_trained() -> None:
    net = Synthesizer(SovitsConfig.tiny(), posterior=False)
    with pytest.raises(ValueError, match="posterior"):
        net(**song(net), spectrum=torch.rand(1, 65, FRAMES), speaker=torch.tensor([0]),
            lengths=torch.tensor([FRAMES]), noise=noise())  # fmt: skip


def test_the_source_stays_in_tune_for_minutes() -> None:
    source = Source(8_000, 64)
    frames = 8_000 * 120 // 64
    with torch.no_grad():
        waves = source.sines(torch.full((1, frames), 440.3), noise())[0, -8_000:, 0].double()
    heard = torch.fft.rfft(waves * torch.hann_window(8_000, dtype=torch.float64), n=80_000).abs().argmax() / 10
    assert float(heard) == pytest.approx(440.3, abs=0.11)
    step = 440.3 / 8_000
    exact = 0.1 * torch.sin(2 * torch.pi * step * torch.arange(960_000 - 8_000 + 1, 960_000 + 1, dtype=torch.float64))
    assert float((waves - exact).abs().max()) < 0.03  # the noise on it, and what single precision says the pitch is


def test_frames_without_a_pitch_are_noise() -> None:
    source = Source(8_000, 64)
    f0_hz = torch.tensor([[200.0] * 50 + [0.0] * 50])
    sines = source.sines(f0_hz, noise())[0]
    assert float(sines[:3200, 0].std()) == pytest.approx(0.0707, abs=0.003)
    assert float(sines[3200:].std()) == pytest.approx(0.0333, abs=0.002)


def test_bins_of_very_high_notes_differ_between_the_programs() -> None:
    f0_hz = torch.tensor([[0.0, 20.0, 50.0, 440.0, 1100.0, 1500.0, -3.0]])
    assert coarse(f0_hz, "fork").tolist() == [[1, 1, 1, 122, 255, 255, 1]]
    assert coarse(f0_hz, "upstream").tolist() == [[1, 1, 1, 122, 255, 0, 1]]


def test_a_pitch_comes_back_from_its_logarithm() -> None:
    f0_hz = torch.tensor([[55.0, 220.0, 880.0]])
    assert torch.allclose(hz_of(log_pitch(f0_hz)), f0_hz, rtol=1e-5)


def test_a_normalised_pitch_has_its_mean_taken_off_over_voiced_frames_only() -> None:
    lf0 = torch.tensor([[[1.0, 3.0, 50.0]]])
    voiced = torch.tensor([[1.0, 1.0, 0.0]])
    assert normalised(lf0, voiced, None, None).tolist() == [[[-1.0, 1.0, 48.0]]]
    assert normalised(lf0, voiced, torch.tensor([[[1.0, 1.0, 0.0]]]), torch.tensor([[2.0]])).tolist() == [[[-2, 2, 0]]]


def test_twice_the_rate_and_back_keeps_low_tones_and_drops_what_cannot_be_held() -> None:
    t = torch.arange(400.0)
    tone = torch.sin(0.1 * torch.pi * t)[None, None]
    kept = Halved()(Doubled()(tone))
    assert torch.allclose(kept[..., 20:-20], tone[..., 20:-20], atol=0.02)
    alias = Halved()(torch.sin(0.95 * torch.pi * torch.arange(800.0))[None, None])
    assert float(alias[..., 20:-20].abs().max()) < 0.05


def test_sizes_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(BadWeights, match="heads"):
        SovitsConfig(hidden_channels=193)
    with pytest.raises(BadWeights, match="no decoder"):
        SovitsConfig.from_constructor({"vocoder_name": "world"}, "upstream")
    with pytest.raises(BadWeights, match="resblock"):
        SovitsConfig.from_constructor({"resblock": "2"}, "fork")
