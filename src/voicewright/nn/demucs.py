"""Demucs, a network that takes voices out of music, from the package demucs-infer."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from voicewright.audio.clip import Samples
from voicewright.errors import BadWeights, MissingExtra, MissingWeights


class Demucs:
    """Hybrid Transformer Demucs (Rouard et al., 2023, MIT) by way of the package demucs-infer.

    The weights are those that R. Solovyev trained for vocals (MIT, 8.8 dB on MUSDB18-HQ): plain tensors, whose hash the
    package checks. It is given the mean of the channels.

    Args:
        weights: folder of the weight sets; the file lies in `demucs-vocals` in it, and is downloaded if it does not.
        offline: do not download.
        device: cpu or cuda.

    Raises (on first use):
        MissingExtra: the package is not installed.
        MissingWeights, BadWeights: the weights cannot be had, or are others.
    """

    MODEL, FILE, RATE = "msst_htdemucs_vocals", "model_vocals_htdemucs_sdr_8.78.ckpt", 44_100

    def __init__(self, weights: Path, *, offline: bool = False, device: str = "cpu") -> None:
        self._folder, self._offline, self._device = weights / "demucs-vocals", offline, device
        self._network: Any = None

    def __call__(self, mixture: Samples) -> Samples:
        """(t,) → (t,): the voice, at 44.1 kHz."""
        if self._network is None:
            self._network = self._load()
        both = torch.from_numpy(np.tile(mixture, (2, 1)))
        _, stems = self._network.infer(both, sample_rate=self.RATE)
        voice: Samples = stems["vocals"].mean(0).cpu().numpy().astype(np.float32)
        return voice

    def _load(self) -> Any:
        try:
            from demucs_infer import DemucsSeparator
        except ImportError:
            raise MissingExtra("demucs-infer", needed_for="taking the voice out of music", extra="separate") from None
        path = self._folder / self.FILE
        if self._offline and not path.is_file():
            raise MissingWeights(f"{path} is not there, and this is offline; put the file there, or go online once")
        # Without random shifts, so that the same mixture gives the same voice.
        options = {"shifts": 0, "device": self._device, "progress": False}
        try:
            return DemucsSeparator(self.MODEL, cache_dir=self._folder, **options).load()
        except OSError as problem:
            raise MissingWeights(
                f"the weights of Demucs cannot be downloaded ({problem}); put {self.FILE} into {self._folder}: "
                "github.com/ZFTurbo/Music-Source-Separation-Training, release v1.0.0"
            ) from problem
        except (ValueError, RuntimeError) as problem:
            raise BadWeights(f"{path} cannot be used ({problem}); delete it and try again") from problem
