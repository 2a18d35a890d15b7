"""How far a sound that was made is from the recording of the same words.

b batch · n samples · f frequencies · t frames · m mel bands

Distances are between magnitudes: which way a wave swings at a moment is drawn by lot in the harmonic source. Both
sounds are heard at the levels they have: without the level in the loss, 200 steps let the output fall by 17 dB.
"""

from collections.abc import Sequence
from math import log

import torch
from torch import Tensor, nn

from voicewright.audio.mel import MelSpec, filterbank
from voicewright.engines.kokoro.resampling import ToSixteen
from voicewright.measure.similarity import LEVEL_DB
from voicewright.nn.campplus import CAMPlus
from voicewright.nn.ge2e import GE2E

WINDOWS = (512, 1024, 2048)
"""Samples; 21 to 85 ms at 24 kHz, of which the long ones see harmonics and the short ones see when things happen."""
FLOOR = 1e-4
"""Amplitudes below this are all the same silence: -80 dB of full scale."""
EDGE = 0.92
"""Share of the recordings' band that counts: a filter falls before it ends."""
MELS = 80
CEPSTRA = 13
SPEECH_DB = 40.0
"""Frames this far below the loudest are a pause."""
DB_OF_CEPSTRA = 10 / log(10) * 2**0.5


class Spectra(nn.Module):
    """Short-time spectra of one window length, hop a quarter of it: (b, n) → (b, f, t) amplitudes.

    A sine of amplitude a stands at a / 2.
    """

    taper: Tensor

    def __init__(self, window: int) -> None:
        super().__init__()
        self.window = window
        self.register_buffer("taper", torch.hann_window(window), persistent=False)

    def forward(self, wave: Tensor) -> Tensor:
        bins = torch.stft(
            wave, self.window, self.window // 4, window=self.taper, pad_mode="constant", return_complex=True
        )
        power = torch.view_as_real(bins).square().sum(-1)
        return (power + 1e-12).sqrt() / self.taper.sum()


class SoundLoss(nn.Module):
    """Multi-resolution spectral distance (Yamamoto et al., Parallel WaveGAN, 2020) and log-mel distance."""

    bank: Tensor

    def __init__(self, rate: int, windows: Sequence[int] = WINDOWS) -> None:
        super().__init__()
        self.rate = rate
        self.spectra = nn.ModuleList(Spectra(window) for window in windows)
        self.mel_of = windows.index(1024) if 1024 in windows else len(windows) // 2
        bank = filterbank(
            MelSpec(rate=rate, n_fft=windows[self.mel_of], hop_samples=windows[self.mel_of] // 4, bins=MELS)
        )
        self.register_buffer("bank", torch.from_numpy(bank / bank.sum(1, keepdims=True)).float(), persistent=False)

    def forward(self, made: Tensor, real: Tensor, band_hz: Tensor) -> tuple[Tensor, Tensor]:
        """(b, n), (b, n), (b,) highest frequency with sound in the recording → spectral, log-mel distance, each (b,)"""
        distance = made.new_zeros(len(made))
        mel_distance = distance
        for index, spectra in enumerate(self.spectra):
            a, b = spectra(made), spectra(real)
            heard = _below(band_hz * EDGE, a.shape[1], self.rate)
            a, b = a * heard, b * heard
            away = (a - b).flatten(1).norm(dim=1) / b.flatten(1).norm(dim=1).clamp(min=FLOOR)
            logs = (_log(a) - _log(b)).abs().mean(2).sum(1) / heard.sum((1, 2)).clamp(min=1)
            distance = distance + away + logs
            if index == self.mel_of:
                mels = (_log(self.bank @ a) - _log(self.bank @ b)).abs().mean(2)
                covered = (self.bank @ heard).squeeze(2) > 0.5
                mel_distance = (mels * covered).sum(1) / covered.sum(1).clamp(min=1)
        return distance / len(self.spectra), mel_distance

    def cepstral_db(self, made: Tensor, real: Tensor, band_hz: Tensor) -> Tensor:
        """Mel-cepstral distance in dB, (b,): 10 / ln 10 · √(2 · Σ (c - c')²) over the cepstra 1 to 13 of the log
        power in mel bands below the recording's edge, mean over the frames of the recording within 40 dB of its
        loudest, frame against frame (Kubichek 1993). Without c0: a gain does not matter."""
        spectra = self.spectra[self.mel_of]
        a, b = spectra(made), spectra(real)
        heard = _below(band_hz * EDGE, a.shape[1], self.rate)
        logs = [_log(self.bank @ (x * heard)) for x in (a, b)]
        covered = ((self.bank @ heard).squeeze(2) > 0.5).sum(1)
        level = 20 * torch.log10(b.square().sum(1).sqrt() + 1e-9)
        speech = (level > level.amax(1, keepdim=True) - SPEECH_DB).float()
        apart = torch.stack([_cepstra(x[:count]) for x, count in zip(logs[0] - logs[1], covered.tolist(), strict=True)])
        distances = DB_OF_CEPSTRA * apart.square().sum(1).sqrt()
        return (distances * speech).sum(1) / speech.sum(1).clamp(min=1)


class SpeakerLoss(nn.Module):
    """How unlike the speaker two encoders hear a sound: 1 - cosine of GE2E and of CAM++.

    One encoder alone is fooled; see `voicewright.engines.kokoro.inversion`.
    """

    def __init__(self, ge2e: GE2E, campplus: CAMPlus) -> None:
        super().__init__()
        self.ge2e, self.campplus = ge2e, campplus
        self.to_sixteen = ToSixteen()

    def forward(self, made: Tensor, ge2e: Tensor, campplus: Tensor) -> tuple[Tensor, Tensor]:
        """(b, n) at 24 kHz, (b, 256) and (b, 192) of the speaker → (b,), (b,)"""
        wave = self.to_sixteen(made)
        level = wave.square().mean(1, keepdim=True).clamp(min=1e-8).sqrt()
        wave = wave * (10 ** (LEVEL_DB / 20) / level)
        by_ge2e = 1 - (self.ge2e.embed_waveform(wave) * ge2e).sum(1)
        return by_ge2e, 1 - (self.campplus.embed_waveform(wave) * campplus).sum(1)


def _below(hz: Tensor, bins: int, rate: int) -> Tensor:
    """1 for bins below a frequency, 0 above: (b,) → (b, f, 1)"""
    return (torch.linspace(0, rate / 2, bins, device=hz.device) <= hz.unsqueeze(1)).float().unsqueeze(2)


def _log(amplitudes: Tensor) -> Tensor:
    return amplitudes.clamp(min=FLOOR).log()


def _cepstra(logs: Tensor) -> Tensor:
    """Cepstra 1 … 13 of the log power of frames of log-mel amplitudes: (m, t) → (13, t)"""
    count = logs.shape[0]
    places = (torch.arange(count, device=logs.device) + 0.5) / count
    orders = torch.arange(1, CEPSTRA + 1, device=logs.device)
    basis = torch.cos(torch.pi * orders.unsqueeze(1) * places) * 2 / count
    return basis @ logs
