"""The vocoder sings as long as its mels last, from published files, and its mels can be raised and hurried."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from voicewright.audio.clip import Clip
from voicewright.audio.mel import MelSpec
from voicewright.engines.sovits.noise import RandomNoise
from voicewright.engines.sovits.nvstft import VocoderMel
from voicewright.engines.sovits.vocoder import Generator, Vocoder, VocoderConfig, read_vocoder
from voicewright.errors import BadClip, BadSetting, BadWeights

TINY = VocoderConfig.tiny()


def seeded() -> RandomNoise:
    return RandomNoise(torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def vocoder() -> Vocoder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        return Vocoder(Generator(TINY).eval(), TINY)


def told(**changes: Any) -> dict[str, Any]:
    """As a published config.json has it."""
    sizes = asdict(TINY)
    return {
        "resblock": "1", "sampling_rate": TINY.rate, "num_mels": TINY.mels, "n_fft": TINY.n_fft,
        "win_size": TINY.win_samples, "hop_size": TINY.hop_samples, "fmin": TINY.low_hz, "fmax": None,
        "upsample_initial_channel": TINY.channels, "upsample_rates": sizes["upsample_rates"],
        "upsample_kernel_sizes": sizes["upsample_kernels"], "resblock_kernel_sizes": sizes["kernels"],
        "resblock_dilation_sizes": sizes["dilations"], "fmax_for_loss": None,
    } | changes  # fmt: skip


def saved(vocoder: Vocoder, folder: Path, **changes: Any) -> Path:
    (folder / "config.json").write_text(json.dumps(told(**changes)), "utf-8")
    torch.save({"generator": vocoder.network.state_dict()}, folder / "model")
    return folder / "model"


def tone(hz: float, rate: int = 44_100, seconds: float = 0.3) -> Tensor:
    return 0.5 * torch.sin(2 * math.pi * hz / rate * torch.arange(round(rate * seconds)))[None]


def test_the_published_size() -> None:
    with torch.device("meta"):
        tensors = Generator(VocoderConfig()).state_dict()
    assert (len(tensors), sum(tensor.numel() for tensor in tensors.values())) == (303, 14_178_956)


def test_a_published_vocoder_sings_the_same(vocoder: Vocoder, tmp_path: Path) -> None:
    read = read_vocoder(saved(vocoder, tmp_path))
    mel, f0 = torch.randn(1, TINY.mels, 9, generator=torch.Generator().manual_seed(1)), torch.full((1, 9), 200.0)
    sung = vocoder.sound(mel, f0, seeded())
    assert sung.shape == (1, 9 * TINY.hop_samples)
    assert torch.allclose(read.sound(mel, f0, seeded()), sung, atol=1e-6)


def test_decimal_logarithms_are_said_once(vocoder: Vocoder, tmp_path: Path) -> None:
    read = read_vocoder(saved(vocoder, tmp_path), log10=True)
    mel, f0 = torch.randn(1, TINY.mels, 9, generator=torch.Generator().manual_seed(1)), torch.full((1, 9), 200.0)
    assert torch.allclose(read.sound(mel, f0, seeded()), vocoder.sound(mel / math.log(10), f0, seeded()), atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"resblock": "2"}, "resblock 1"),
        ({"mini_nsf": True}, "full source"),
        ({"hop_size": 20}, "a hop of 20, and its stages make 16"),
        ({"num_mels": "many"}, r"not the config\.json"),
        ({"upsample_initial_channel": 32}, "38 keys differ: conv_post"),
    ],
)
def test_another_kind_is_refused(vocoder: Vocoder, tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadWeights, match=said):
        read_vocoder(saved(vocoder, tmp_path, **changes))


def test_the_pitch_is_heard(vocoder: Vocoder) -> None:
    """The excitation goes round as often as the pitch says, from the first frame to the last."""
    source = vocoder.network.m_source
    sines = source.sines(torch.full((1, 500), 250.0), seeded())[0, :, 0]
    assert isinstance(sines, Tensor)
    crossed = ((sines[:-1] < 0) & (sines[1:] >= 0)).nonzero()[:, 0]
    assert len(crossed) == pytest.approx(250 * 500 * TINY.hop_samples / TINY.rate, abs=3)


def test_what_does_not_fit_is_said(vocoder: Vocoder) -> None:
    with pytest.raises(BadSetting, match="9 frames of mels and 8 of pitch"):
        vocoder.sound(torch.zeros(1, TINY.mels, 9), torch.zeros(1, 8), seeded())
    with pytest.raises(BadClip, match="sings at 8000 Hz"):
        vocoder.mel(Clip.silence(1.0, 44_100))
    with pytest.raises(BadClip, match="empty"):
        vocoder.mel(Clip.silence(0.0, 8000))


def test_a_frame_for_every_hop(vocoder: Vocoder) -> None:
    assert vocoder.mel(Clip.silence(0.5, 8000)).shape == (1, TINY.mels, 8000 // 2 // TINY.hop_samples)


SPEC = MelSpec(rate=44_100, n_fft=2048, hop_samples=512, bins=128, low_hz=40.0, high_hz=16_000.0)


def test_an_octave_up_is_an_octave_up() -> None:
    mel = VocoderMel(SPEC)
    raised, real, plain = mel(tone(500.0), semitones=12.0), mel(tone(1000.0)), mel(tone(500.0))
    middle = real.shape[-1] // 2
    assert raised[0, :, middle].argmax() == real[0, :, middle].argmax()
    assert plain[0, :, middle].argmax() != real[0, :, middle].argmax()
    assert raised[0, :, middle].max() == pytest.approx(float(plain[0, :, middle].max()), abs=0.3)


def test_lowering_fills_the_top_with_silence() -> None:
    lowered = VocoderMel(SPEC)(torch.randn(1, 8192, generator=torch.Generator().manual_seed(0)), semitones=-12.0)
    assert (lowered[0, -5:] < lowered[0, 20:25].min() - 3).all()


def test_twice_as_fast_has_half_the_frames() -> None:
    mel = VocoderMel(SPEC)
    assert mel(tone(500.0), speed=2.0).shape[-1] == mel(tone(500.0)).shape[-1] // 2


def test_sound_shorter_than_a_window_is_heard() -> None:
    assert VocoderMel(SPEC)(tone(500.0, seconds=0.01)).isfinite().all()
