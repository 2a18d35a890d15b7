"""Spectrograms of the training, the filter bank, and the decoders that end in short transforms."""

from dataclasses import replace

import pytest
import torch

from voicewright.audio.mel import MelSpec
from voicewright.engines.sovits.config import SovitsConfig
from voicewright.engines.sovits.istft import build_istft_decoder
from voicewright.engines.sovits.pqmf import Pqmf
from voicewright.engines.sovits.spectra import Spectra

SPEC = MelSpec(rate=8000, n_fft=256, hop_samples=64, bins=20)


def tone(hz: float, rate: int, samples: int) -> torch.Tensor:
    return 0.5 * torch.sin(2 * torch.pi * hz * torch.arange(samples) / rate)[None]


def test_there_is_a_frame_for_each_hop_and_a_tone_is_in_its_place() -> None:
    spectra = Spectra(SPEC)
    linear = spectra.linear(tone(1000, 8000, 64 * 25))
    assert linear.shape == (1, 129, 25)
    assert linear[0, :, 12].argmax() == 32  # 1000 Hz of 4000 in 128 bins
    assert spectra.mel(tone(1000, 8000, 64 * 25)).shape == (1, 20, 25)


def test_two_configurations_have_nothing_in_common() -> None:
    wave = tone(300, 8000, 1600)
    alone = Spectra(SPEC).mel(wave)
    Spectra(replace(SPEC, bins=40, n_fft=512)).mel(wave)
    Spectra(replace(SPEC, rate=16_000)).mel(wave)
    assert torch.equal(Spectra(SPEC).mel(wave), alone)


def test_silence_is_a_finite_floor() -> None:
    spectra = Spectra(SPEC)
    assert spectra.linear(torch.zeros(1, 640)).min() == pytest.approx(1e-3)
    assert spectra.mel(torch.zeros(1, 640)).isfinite().all()


def test_bands_put_together_again_are_the_sound() -> None:
    """A sample later, and 16 dB above what is wrong with it: so are the filters that models were trained with."""
    pqmf = Pqmf(4)
    wave = torch.randn(1, 1, 2048, generator=torch.Generator().manual_seed(0))
    again = pqmf.synthesis(pqmf.analysis(wave))
    sound, apart = wave[..., 100:-100], again[..., 101:-99] - wave[..., 100:-100]
    assert apart.square().mean() / sound.square().mean() < 0.03


def test_a_tone_is_in_its_band() -> None:
    loud = [
        int(Pqmf(4).analysis(tone(hz, 8000, 2048)[None]).square().mean(-1).argmax()) for hz in (500, 1500, 2500, 3500)
    ]
    assert loud == [0, 1, 2, 3]


@pytest.mark.parametrize(("kind", "bands"), [("ms-istft", 4), ("mb-istft", 4), ("istft", 0)])
def test_a_decoder_makes_a_hop_of_each_frame(kind: str, bands: int) -> None:
    config = SovitsConfig.tiny(decoder=kind, upsample_rates=(4, 4), upsample_kernel_sizes=(8, 8))
    decoder = build_istft_decoder(config)
    z = torch.randn(2, config.inter_channels, 9, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wave, parts = decoder.parts(z)
        assert torch.equal(decoder(z), wave)
    assert wave.shape == (2, 1, 9 * config.hop)
    assert (0 if parts is None else parts.shape[1]) == bands
