"""`Spectra`: linear and mel spectrograms as this family of models is trained on them.

b batch · n samples · t frames · k frequencies · m mel bins
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from voicewright.audio.mel import MelSpec, filterbank

BELOW_ROOT = 1e-6
"""Added to the power before its root, as the originals do: magnitudes are 0.001 or more."""


class Spectra(nn.Module):
    """Frames of `n_fft` samples under a Hann window, the ends mirrored so that there are n // hop frames.

    Each instance has its own window and filters: two configurations in one program have nothing in common. Nothing in
    it learns, and nothing of it is saved.

    Args:
        spec: rate, transform, hop, window, bins and floor; the bins are Slaney's triangles over amplitudes.

    Raises:
        BadSetting: sizes that do not fit together.
    """

    basis: Tensor
    window: Tensor

    def __init__(self, spec: MelSpec) -> None:
        super().__init__()
        self.spec = spec
        basis = torch.from_numpy(filterbank(spec)).float()
        self.register_buffer("basis", basis, persistent=False)  # (m, k)
        self.register_buffer("window", torch.hann_window(spec.window_samples), persistent=False)

    @property
    def edge(self) -> int:
        """Samples that are mirrored at each end."""
        return (self.spec.n_fft - self.spec.hop_samples) // 2

    def linear(self, wave: Tensor, *, mirrored: bool = False) -> Tensor:
        """(b, n), more samples than the mirrored ends have → (b, k, t) amplitudes.

        Args:
            mirrored: the wave has its `edge` samples at both ends already.
        """
        spec = self.spec
        wave = wave.float()
        bins = torch.stft(
            wave if mirrored else mirror(wave, self.edge),
            spec.n_fft,
            spec.hop_samples,
            spec.window_samples,
            self.window,
            center=False,
            return_complex=True,
        )
        return (bins.real.square() + bins.imag.square() + BELOW_ROOT).sqrt()

    def to_mel(self, linear: Tensor) -> Tensor:
        """(b, k, t) amplitudes → (b, m, t), their natural logarithms in mel bins."""
        return (self.basis @ linear.float()).clamp(min=self.spec.floor).log()

    def mel(self, wave: Tensor) -> Tensor:
        """(b, n) → (b, m, t) log-mel."""
        return self.to_mel(self.linear(wave))


def mirror(wave: Tensor, edge: int) -> Tensor:
    """(b, n) with `edge` samples more at each end, mirrored there; n must be larger than `edge`."""
    return F.pad(wave[:, None], (edge, edge), "reflect")[:, 0]


def frame_volume(wave: Tensor, hop: int) -> Tensor:
    """(b, n) → (b, n // hop) root mean square around the beginning of each frame, as so-vits-svc 4.1 hears loudness."""
    power = F.pad(wave.float()[:, None].square(), (hop // 2, hop - hop // 2), "reflect")
    return F.avg_pool1d(power, hop)[:, 0, : wave.shape[-1] // hop].sqrt()
