"""The mel spectrograms that NSF-HiFiGAN vocoders sing from, as they are, raised or lowered, and faster or slower.

b batch · t samples · f frames · k frequencies · m mel bins
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from voicewright.audio.mel import MelSpec, filterbank

BELOW_ROOT = 1e-9  # added to the power before its root, as the vocoders were trained with


@dataclass(frozen=True)
class VocoderMel:
    """Log-mel spectrograms by a spec: rate, transform, window, hop, bins and floor.

    Frames lie on `win - hop` samples of mirrored sound, half of them before it; zeros if the sound is too short.
    """

    spec: MelSpec

    def __call__(self, wave: Tensor, *, semitones: float = 0.0, speed: float = 1.0) -> Tensor:
        """(b, t) -> (b, m, f).

        Args:
            semitones: pitch and formants are raised by so much, by a transform that is as much longer.
            speed: frames are so many times further apart.
        """
        spec, stretch = self.spec, 2.0 ** (semitones / 12)
        n_fft, window = round(spec.n_fft * stretch), round(spec.window_samples * stretch)
        hop = round(spec.hop_samples * speed)
        before = (window - hop) // 2
        after = max((window - hop + 1) // 2, window - wave.shape[-1] - before)
        mode = "reflect" if after < wave.shape[-1] else "constant"
        padded = pad(wave.float()[:, None], (before, after), mode)[:, 0]
        hann = torch.hann_window(window, device=wave.device)
        bins = torch.stft(padded, n_fft, hop, window, hann, center=False, return_complex=True)
        heard = (bins.real.square() + bins.imag.square() + BELOW_ROOT).sqrt()
        if semitones:
            heard = _cut(heard, spec.n_fft // 2 + 1) * (spec.window_samples / window)
        weights = torch.from_numpy(filterbank(spec)).float().to(wave.device)
        return (weights @ heard).clamp(min=spec.floor).log()


def _cut(spectrum: Tensor, count: int) -> Tensor:
    """(b, k, f) -> (b, count, f): cut, or with zeros above."""
    return pad(spectrum, (0, 0, 0, max(0, count - spectrum.shape[1])))[:, :count]
