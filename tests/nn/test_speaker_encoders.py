"""The two speaker encoders hear what the published networks hear, and let a gradient through to the sound."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import cosine_similarity

from voicewright.audio.files import read_clip
from voicewright.errors import BadWeights, MissingWeights
from voicewright.nn.campplus import CAMPlus, CAMPlusConfig, load_campplus
from voicewright.nn.frozen import load_frozen
from voicewright.nn.ge2e import GE2E, GE2EConfig, load_ge2e, window_starts

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests/golden"
BUNDLED = ROOT / "src/voicewright/weights/bundled"
SAMPLES = ROOT / "src/voicewright/samples/austen"
CLIPS = ("0870", "0880", "0890")


def sample(name: str) -> Tensor:
    """(1, t)"""
    return torch.tensor(read_clip(SAMPLES / f"austen-{name}.flac").samples)[None]


def noise(seconds: float, *, level: float = 0.05, batch: int = 1, seed: int = 0) -> Tensor:
    return level * torch.randn(batch, round(16_000 * seconds), generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def ge2e() -> GE2E:
    return load_ge2e(BUNDLED / "ge2e.safetensors")


@pytest.fixture(scope="module")
def campplus() -> CAMPlus:
    return load_campplus(BUNDLED / "campplus.safetensors")


@pytest.fixture(params=["ge2e", "campplus"])
def encoder(request: pytest.FixtureRequest) -> GE2E | CAMPlus:
    network: GE2E | CAMPlus = request.getfixturevalue(request.param)
    return network


@pytest.fixture(scope="module")
def golden() -> dict[str, Tensor]:
    return load_file(GOLDEN / "speaker_encoders.safetensors")


def test_ge2e_computes_what_the_original_computes() -> None:
    golden = load_file(GOLDEN / "ge2e_forward.safetensors")
    network = GE2E(GE2EConfig(mels=10, width=16, layers=3, embedding=12))
    network.load_state_dict({key[2:]: value for key, value in golden.items() if key.startswith("w.")})
    assert torch.allclose(network(golden["in.mels"]), golden["out.embeds"], atol=1e-6)


def test_ge2e_windows_lie_where_the_original_puts_them() -> None:
    cases = json.loads((GOLDEN / "ge2e_windows.json").read_text("utf-8"))
    assert len(cases) > 50
    for case in cases:
        config = GE2EConfig(step_frames=case["step"], coverage=case["coverage"])
        assert window_starts(case["samples"], config) == case["starts"], case


@pytest.mark.parametrize("name", CLIPS)
def test_a_recording_has_the_published_embedding(
    ge2e: GE2E, campplus: CAMPlus, golden: dict[str, Tensor], name: str
) -> None:
    wave = sample(name)
    assert float(cosine_similarity(ge2e.embed_waveform(wave), golden[f"ge2e.{name}"][None])) > 0.99999
    ours = campplus.embed_waveform(wave, rectified=False)
    assert float(cosine_similarity(ours, golden[f"campplus.{name}"][None])) > 0.9999


def test_the_features_of_campplus_are_those_of_kaldi(campplus: CAMPlus, golden: dict[str, Tensor]) -> None:
    ours = campplus.mel(sample("0880"))[0, 100:140]
    assert torch.allclose(ours, golden["kaldi.0880"], atol=1e-3)


@pytest.mark.parametrize("seconds", [0.02, 0.5, 1.6, 2.3])
def test_an_embedding_has_length_one_however_short_the_sound(encoder: GE2E | CAMPlus, seconds: float) -> None:
    assert torch.allclose(encoder.embed_waveform(noise(seconds)).norm(dim=1), torch.ones(1), atol=1e-5)


def test_a_row_of_a_batch_is_as_if_alone(encoder: GE2E | CAMPlus) -> None:
    waves = noise(2.0, batch=3) * torch.tensor([[0.1], [1.0], [5.0]])
    together = encoder.embed_waveform(waves)
    alone = torch.cat([encoder.embed_waveform(wave[None]) for wave in waves])
    assert torch.allclose(together, alone, atol=1e-4)


def test_a_faint_recording_is_heard_like_one_at_a_usual_level(encoder: GE2E | CAMPlus) -> None:
    """GE2E raises what is below -30 dB; CAM++ takes the level off with the mean of its log-mels."""
    wave = sample("0930")
    usual = wave / wave.square().mean().sqrt() * 10 ** (-30 / 20)
    assert float(cosine_similarity(encoder.embed_waveform(usual), encoder.embed_waveform(usual / 3))) > 0.99


def test_the_gradient_leads_towards_the_target(encoder: GE2E | CAMPlus) -> None:
    """A small step of the samples along the gradient makes them more like another speaker."""
    target = encoder.embed_waveform(noise(2.0, seed=3))
    wave = sample("0930")[:, :32_000].clone().requires_grad_()
    likeness = cosine_similarity(encoder.embed_waveform(wave), target).sum()
    likeness.backward()  # type: ignore[no-untyped-call]
    assert wave.grad is not None
    assert torch.isfinite(wave.grad).all()
    step = 1e-3 * wave.grad / wave.grad.norm()
    moved = cosine_similarity(encoder.embed_waveform(wave.detach() + step), target)
    assert float(moved) > float(likeness.detach())


def test_the_gradient_of_silence_is_finite(encoder: GE2E | CAMPlus) -> None:
    wave = torch.zeros(1, 32_000, requires_grad=True)
    encoder.embed_waveform(wave).sum().backward()  # type: ignore[no-untyped-call]
    assert wave.grad is not None
    assert torch.isfinite(wave.grad).all()


def test_half_precision_around_it_changes_nothing(encoder: GE2E | CAMPlus) -> None:
    wave = noise(2.0)
    with torch.autocast("cpu", torch.bfloat16):
        inside = encoder.embed_waveform(wave)
    assert torch.equal(inside, encoder.embed_waveform(wave))


def test_a_loaded_network_is_frozen(encoder: GE2E | CAMPlus) -> None:
    assert not encoder.training
    assert not any(parameter.requires_grad for parameter in encoder.parameters())


@pytest.mark.parametrize("network", [GE2E(GE2EConfig.tiny()), CAMPlus(CAMPlusConfig.tiny())], ids=["ge2e", "campplus"])
def test_a_tiny_twin_embeds_and_survives_a_file(network: GE2E | CAMPlus, tmp_path: Path) -> None:
    save_file(network.state_dict(), tmp_path / "tiny.safetensors")
    again = load_frozen(type(network)(network.config), tmp_path / "tiny.safetensors")  # type: ignore[arg-type]
    wave = noise(1.0)
    assert torch.equal(again.embed_waveform(wave), network.eval().embed_waveform(wave))


def test_weights_that_do_not_fit_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match="nowhere"):
        load_ge2e(tmp_path / "nowhere.safetensors")
    (tmp_path / "noise.safetensors").write_bytes(np.random.default_rng(0).bytes(400))
    with pytest.raises(BadWeights, match="not a readable"):
        load_ge2e(tmp_path / "noise.safetensors")
    state = load_file(BUNDLED / "ge2e.safetensors")
    save_file({key: value for key, value in state.items() if key != "linear.bias"}, tmp_path / "less.safetensors")
    with pytest.raises(BadWeights, match=r"linear\.bias"):
        load_ge2e(tmp_path / "less.safetensors")
    save_file(state | {"more": torch.zeros(1)}, tmp_path / "more.safetensors")
    with pytest.raises(BadWeights, match="more"):
        load_ge2e(tmp_path / "more.safetensors")
    with pytest.raises(BadWeights):
        load_campplus(BUNDLED / "ge2e.safetensors")
