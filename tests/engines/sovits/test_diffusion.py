"""Shallow diffusion comes back to the mel it left from, by every method, and says what it cannot do."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor, nn

from voicewright.audio.clip import Clip
from voicewright.engines.sovits.diffusion import (
    DiffusionConfig,
    DiffusionOptions,
    ShallowDiffusion,
    Unit2Mel,
    read_diffusion,
)
from voicewright.engines.sovits.noise import RandomNoise, ReplayedNoise
from voicewright.engines.sovits.samplers import METHODS
from voicewright.engines.sovits.schedule import Curve, Tables
from voicewright.engines.sovits.vocoder import Generator, Vocoder, VocoderConfig
from voicewright.errors import BadSetting, BadWeights

TINY = DiffusionConfig.tiny()
FRAMES = 7


class Knows(nn.Module):
    """A denoiser that knows the noise; it keeps the steps it is asked about."""

    def __init__(self, drawn: Tensor) -> None:
        super().__init__()
        self.drawn = drawn
        self.steps: list[float] = []

    def forward(self, x: Tensor, step: Tensor, condition: Tensor) -> Tensor:
        self.steps.append(round(float(step[0]), 3))
        return self.drawn


class KnowsClean(nn.Module):
    """A denoiser that knows the clean mel, and so the noise in any other."""

    def __init__(self, clean: Tensor) -> None:
        super().__init__()
        self.clean, self.curve = clean, Curve(Tables.linear(TINY.steps).betas)

    def forward(self, x: Tensor, step: Tensor, condition: Tensor) -> Tensor:
        time = (step[:1] + 1) / self.curve.steps
        return (x - self.curve.alpha(time) * self.clean) / self.curve.sigma(time)


def seeded(seed: int = 0) -> RandomNoise:
    return RandomNoise(torch.Generator().manual_seed(seed))


def drawn(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def network() -> Unit2Mel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        made = Unit2Mel(TINY)
        nn.init.normal_(made.decoder.denoise_fn.output_projection.weight, std=0.1)
    return made.eval()


@pytest.fixture
def told(network: Unit2Mel) -> Tensor:
    return network.condition(
        drawn(1, TINY.content, FRAMES, seed=2), torch.full((1, FRAMES), 220.0), torch.ones(1, FRAMES)
    )


def test_the_published_sizes() -> None:
    with torch.device("meta"):
        one, three = (Unit2Mel(DiffusionConfig(speakers=count)).state_dict() for count in (1, 3))
    assert (len(one), sum(tensor.numel() for tensor in one.values())) == (191, 55_204_706)
    assert (len(three), sum(tensor.numel() for tensor in three.values())) == (192, 55_205_474)


@pytest.mark.parametrize("method", [method for method in METHODS if method != "ddpm"])
def test_what_was_noised_comes_back(network: Unit2Mel, told: Tensor, method: str) -> None:
    mel, noise = drawn(1, TINY.mels, FRAMES, seed=3) - 5, drawn(1, TINY.mels, FRAMES, seed=4)
    network.decoder.denoise_fn = Knows(noise)  # type: ignore[assignment]
    options = DiffusionOptions(k_step=77, method=method, speedup=10)
    made = network.clean(told, options, ReplayedNoise([noise]), mel=mel)
    assert (made - mel).abs().max() < 0.4  # the last step leaves a hundredth of the noise, of a range of 14


def test_fresh_noise_at_every_step_ends_clean(network: Unit2Mel, told: Tensor) -> None:
    mel = drawn(1, TINY.mels, FRAMES, seed=3).clamp(-2, 2) - 5
    network.decoder.denoise_fn = KnowsClean(network.decoder.normal(mel))  # type: ignore[assignment]
    made = network.clean(told, DiffusionOptions(k_step=90, method="ddpm", speedup=10), seeded(), mel=mel)
    assert (made - mel).abs().max() < 0.01


def test_the_original_start_leaves_noise_in_the_sound(network: Unit2Mel, told: Tensor) -> None:
    mel, noise = drawn(1, TINY.mels, FRAMES, seed=3) - 5, drawn(1, TINY.mels, FRAMES, seed=4)
    network.decoder.denoise_fn = Knows(noise)  # type: ignore[assignment]
    options = DiffusionOptions(k_step=100, method="ddim", speedup=30)
    errors = [
        (network.clean(told, options, ReplayedNoise([noise]), mel=mel, original_start=original) - mel).abs().mean()
        for original in (False, True)
    ]
    assert errors[1] > 3 * errors[0]


@pytest.mark.parametrize(
    ("method", "speedup", "steps"),
    [
        ("dpm-solver++", 20, [99.0, 79.2, 59.4, 39.6, 19.8]),
        ("dpm-solver", 20, [99.0, 79.2, 59.4, 39.6, 19.8]),
        ("unipc", 20, [99.0, 79.2, 59.4, 39.6, 19.8]),
        ("ddim", 20, [80.0, 60.0, 40.0, 20.0, 0.0]),
        ("pndm", 20, [80.0, 60.0, 60.0, 40.0, 20.0, 0.0]),
        ("ddim", 1, [float(step) for step in reversed(range(100))]),
    ],
)
def test_which_steps_are_visited(
    network: Unit2Mel, told: Tensor, method: str, speedup: int, steps: list[float]
) -> None:
    denoiser = Knows(torch.zeros(1, TINY.mels, FRAMES))
    network.decoder.denoise_fn = denoiser  # type: ignore[assignment]
    mel = torch.zeros(1, TINY.mels, FRAMES)
    network.clean(told, DiffusionOptions(k_step=100, method=method, speedup=speedup), seeded(), mel=mel)
    assert denoiser.steps == steps


@pytest.mark.parametrize("method", list(METHODS))
def test_an_item_is_sung_alone_as_among_others(network: Unit2Mel, method: str) -> None:
    condition, mel = drawn(2, TINY.hidden, FRAMES, seed=5), drawn(2, TINY.mels, FRAMES, seed=6)
    draws = [drawn(2, TINY.mels, FRAMES, seed=seed) for seed in range(10, 32)]
    options = DiffusionOptions(k_step=20, method=method, speedup=5)
    both = network.clean(condition, options, ReplayedNoise(draws), mel=mel)
    one = network.clean(condition[1:], options, ReplayedNoise([noise[1:] for noise in draws]), mel=mel[1:])
    assert torch.allclose(both[1:], one, atol=1e-4)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": "dpm++"}, "unknown diffusion method 'dpm\\+\\+'"),
        ({"k_step": 101}, "knows the first 100 steps"),
        ({"k_step": 0}, "k_step must be"),
        ({"k_step": 19}, "needs two steps or more"),
        ({"k_step": 10, "method": "pndm"}, "needs two steps or more"),
        ({"speedup": 0}, "speedup must be"),
    ],
)
def test_what_cannot_be_walked_is_said(network: Unit2Mel, told: Tensor, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadSetting, match=said):
        network.clean(told, DiffusionOptions(**changes), seeded(), mel=torch.zeros(1, TINY.mels, FRAMES))


def test_a_shallow_model_makes_nothing_from_noise() -> None:
    shallow = Unit2Mel(DiffusionConfig(content=8, mels=6, layers=1, channels=8, hidden=8, steps=50, shallow_steps=20))
    with pytest.raises(BadSetting, match="can refine sound, not make it"):
        shallow.clean(torch.zeros(1, 8, FRAMES), DiffusionOptions(k_step=20), seeded())


def test_a_speaker_is_a_share_of_one() -> None:
    duo = Unit2Mel(DiffusionConfig(content=8, mels=6, layers=1, channels=8, hidden=8, steps=50, speakers=2)).eval()
    given = (drawn(1, 8, FRAMES, seed=1), torch.full((1, FRAMES), 100.0), torch.ones(1, FRAMES))
    alone = duo.condition(*given, torch.tensor([1]))
    assert torch.allclose(alone, duo.condition(*given, torch.tensor([[0.0, 1.0]])))
    assert not torch.allclose(alone, duo.condition(*given, torch.tensor([[0.5, 0.5]])), atol=1e-3)
    with pytest.raises(BadSetting, match="2 speakers; name one"):
        duo.condition(*given)


def test_training_lowers_the_loss(network: Unit2Mel, told: Tensor) -> None:
    mel, optimizer = drawn(1, TINY.mels, FRAMES, seed=3) - 5, torch.optim.Adam(network.parameters(), 3e-3)
    losses = []
    for _ in range(80):
        optimizer.zero_grad()
        loss = network.loss(mel, told.detach(), seeded(9))
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


def saved(network: Unit2Mel, folder: Path, **changes: Tensor) -> Path:
    """As it is published: a dictionary with the step and the weights, and config.yaml beside it."""
    config = network.config
    told = {
        "data": {
            "encoder_out_channels": config.content, "sampling_rate": 8000, "block_size": 16, "encoder": "vec256l9",
        },
        "model": {
            "n_layers": config.layers, "n_chans": config.channels, "n_hidden": config.hidden, "n_spk": 1,
            "use_pitch_aug": True, "timesteps": config.steps, "k_step_max": 50,
        },
        "vocoder": {"type": "nsf-hifigan-log10"},
        "spk": {"anna": 0},
    }  # fmt: skip
    (folder / "config.yaml").write_text(yaml.safe_dump(told), "utf-8")
    path = folder / "model_7.pt"
    torch.save({"global_step": 7, "model": network.state_dict() | changes}, path)
    return path


def test_a_published_model_is_read(network: Unit2Mel, tmp_path: Path) -> None:
    read = read_diffusion(saved(network, tmp_path))
    assert (read.config.voices, read.config.reach, read.config.encoder) == ({"anna": 0}, 50, "vec256l9")
    assert read.config.vocoder == "nsf-hifigan-log10"
    assert all(torch.equal(tensor, network.state_dict()[name]) for name, tensor in read.state_dict().items())


def test_weights_of_something_else_are_named(network: Unit2Mel, tmp_path: Path) -> None:
    with pytest.raises(BadWeights, match=r"decoder\.odd"):
        read_diffusion(saved(network, tmp_path, **{"decoder.odd": torch.zeros(1)}))
    with pytest.raises(BadWeights, match="its betas are not those of a linear schedule"):
        read_diffusion(saved(network, tmp_path, **{"decoder.betas": torch.full((TINY.steps,), 0.01)}))
    path = saved(network, tmp_path)
    (tmp_path / "config.yaml").write_text("- just a list", "utf-8")
    with pytest.raises(BadWeights, match=r"not the config\.yaml"):
        read_diffusion(path)


def refiner() -> ShallowDiffusion:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        config = VocoderConfig.tiny()
        vocoder = Vocoder(Generator(config).eval(), config)
        network = Unit2Mel(
            DiffusionConfig(
                content=8, mels=config.mels, layers=1, channels=8, hidden=8, steps=60, rate=config.rate,
                hop_samples=config.hop_samples,
            )
        )  # fmt: skip
    return ShallowDiffusion(network.eval(), vocoder)


def test_a_finished_wave_is_sung_once_more() -> None:
    both, wave = refiner(), Clip((0.1 * drawn(1600, seed=1)).numpy(), 8000)
    given = (drawn(1, 8, 101, seed=2), torch.full((1, 101), 120.0), torch.full((1, 101), 0.1))
    options = DiffusionOptions(k_step=40)
    first, again, other = (both.refine(wave, *given, seeded(seed), options=options) for seed in (1, 1, 2))
    assert len(first) == len(wave)
    assert (first.samples == again.samples).all()
    assert (first.samples != other.samples).any()


def test_a_vocoder_of_another_kind_is_refused() -> None:
    with pytest.raises(BadWeights, match="one with 44100 Hz, not 8000 and 512 samples at a hop, not 16"):
        ShallowDiffusion(Unit2Mel(TINY), refiner().vocoder)
