"""Distances of sounds: what counts and what does not."""

import torch
from torch import Tensor

from voicewright.engines.kokoro.losses import SoundLoss

RATE = 24_000


def noise(seed: int, seconds: float = 0.5) -> Tensor:
    return 0.05 * torch.randn(1, int(RATE * seconds), generator=torch.Generator().manual_seed(seed))


def above(wave: Tensor, hz: float) -> Tensor:
    """The part of a sound above a frequency."""
    bins = torch.fft.rfft(wave)
    bins[:, : int(hz / RATE * wave.shape[1])] = 0
    return torch.fft.irfft(bins, wave.shape[1])


def test_a_sound_is_not_away_from_itself() -> None:
    loss, band = SoundLoss(RATE), torch.tensor([12_000.0])
    assert all(float(part) < 1e-5 for part in loss(noise(0), noise(0), band))
    assert float(loss.cepstral_db(noise(0), noise(0), band)) < 1e-3


def test_a_wrong_level_costs_and_the_cepstral_distance_ignores_it() -> None:
    loss, band, loud = SoundLoss(RATE), torch.tensor([12_000.0]), 4 * noise(0)
    quieter = [float(part) for part in loss(0.5 * noise(0), noise(0), band)]
    assert all(part > 0.4 for part in quieter)
    assert float(loss.cepstral_db(0.5 * loud, loud, band)) < 0.1


def test_what_the_recording_cannot_hold_does_not_count() -> None:
    loss, wave = SoundLoss(RATE), noise(0)
    brighter = wave + above(noise(1), 8_500)
    spectral, log_mel = loss(brighter, wave, torch.tensor([8_000.0]))
    assert float(spectral) < 0.01
    assert float(log_mel) < 0.01
    assert float(loss.cepstral_db(brighter, wave, torch.tensor([8_000.0]))) < 0.01
    assert float(loss(brighter, wave, torch.tensor([12_000.0]))[0]) > 0.1


def test_another_colour_costs_by_every_figure() -> None:
    loss, band = SoundLoss(RATE), torch.tensor([12_000.0])
    coloured = noise(0) - 0.9 * noise(0).roll(1, 1)
    assert all(float(part) > 0.3 for part in loss(coloured, noise(0), band))
    assert 3 < float(loss.cepstral_db(coloured, noise(0), band)) < 20


def test_each_sound_of_a_batch_has_its_own_distance_and_band() -> None:
    loss = SoundLoss(RATE)
    made, real = torch.cat([noise(0), noise(1)]), torch.cat([noise(2), noise(3)])
    band = torch.tensor([4_000.0, 12_000.0])
    together = loss(made, real, band)
    for index in range(2):
        alone = loss(made[index : index + 1], real[index : index + 1], band[index : index + 1])
        for whole, part in zip(together, alone, strict=True):
            assert torch.allclose(whole[index], part[0], atol=1e-5)
