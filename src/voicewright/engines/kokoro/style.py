"""`Style`: a speaker as Kokoro knows them, and `StylePrior`: what the public voices teach about styles.

k decoder stages · s width of a half style (128) · v public voices
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from voicewright.errors import BadVoice, BadWeights

Tensors = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Style:
    """A speaker: `timbre` (k, s) for the decoder's stages, `prosody` (s,), both at the prior's reference length;
    `stretch` of the predicted durations (above 1 is slower) and `gain` of the output."""

    timbre: Tensor
    prosody: Tensor
    stretch: float = 1.0
    gain: float = 1.0

    def to_tensors(self) -> dict[str, NDArray[np.float32]]:
        return {
            "timbre": self.timbre.detach().numpy().astype(np.float32),
            "prosody": self.prosody.detach().numpy().astype(np.float32),
            "stretch": np.array(self.stretch, np.float32),
            "gain": np.array(self.gain, np.float32),
        }

    @classmethod
    def from_tensors(cls, tensors: Tensors, *, stages: int, width: int) -> "Style":
        """Raises BadVoice: a tensor is missing or has another shape."""
        shapes = {"timbre": (stages, width), "prosody": (width,), "stretch": (), "gain": ()}
        for name, shape in shapes.items():
            if name not in tensors or tensors[name].shape != shape:
                found = tensors[name].shape if name in tensors else "nothing"
                raise BadVoice(f"the voice's tensor {name!r} should have shape {shape}, found {found}; make it again")
        return cls(
            timbre=torch.from_numpy(np.array(tensors["timbre"])),
            prosody=torch.from_numpy(np.array(tensors["prosody"])),
            stretch=float(tensors["stretch"]),
            gain=float(tensors["gain"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StylePrior:
    """Statistics of the 54 public voices of Kokoro-82M (Apache-2.0, hexgrad).

    `mean` and `spread` (2s,) over voices; `by_length` (510, 2s): how a style changes with the number of tokens, on
    average, against the reference length; `voices` (v, 2s); `ge2e` (v, 256) and `campplus` (v, 192): how each voice is
    heard.
    """

    mean: Tensor
    spread: Tensor
    by_length: Tensor
    voices: Tensor
    ge2e: Tensor
    campplus: Tensor

    @property
    def width(self) -> int:
        return self.mean.shape[0] // 2

    def shift(self, tokens: int) -> tuple[Tensor, Tensor]:
        """What a piece of `tokens` phonemes adds to timbre and prosody, each (s,)."""
        row = self.by_length[min(max(tokens, 1), len(self.by_length)) - 1]
        return row[: self.width], row[self.width :]

    def blend(self, ge2e: Tensor, campplus: Tensor, *, most: int = 4, sharpness: float = 10.0) -> Tensor:
        """A mix of the public voices nearest to a speaker: (256,), (192,) → (2s,)"""
        alike = self.ge2e @ ge2e + self.campplus @ campplus
        best = alike.topk(min(most, len(alike)))
        return torch.softmax(best.values * sharpness, 0) @ self.voices[best.indices]


def load_prior(path: Path) -> StylePrior:
    """Raises BadWeights: a tensor is missing or the file cannot be read."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = {name: tensor.float() for name, tensor in load_file(path).items()}
        return StylePrior(**tensors)
    except (SafetensorError, OSError, TypeError) as problem:
        raise BadWeights(f"{path} is not a style prior ({problem}); install voicewright again") from problem
