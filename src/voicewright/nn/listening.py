"""The networks that hear who speaks, behind plain arrays: for rooms that know no torch.

b batch · t samples · f frames · k sets of speakers · d width of an embedding
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize, relu

from voicewright.errors import BadSetting
from voicewright.nn.campplus import CAMPlus, load_campplus
from voicewright.nn.ge2e import load_ge2e
from voicewright.nn.precision import has_native_bfloat16
from voicewright.nn.segmentation import PyanNet, PyanNetConfig, load_segmentation

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Segmenter:
    """A segmentation network."""

    network: PyanNet

    @property
    def config(self) -> PyanNetConfig:
        return self.network.config

    def likely(self, wave: Array) -> Array:
        """(b, t) windows of sound -> (b, f, k) how likely each of `config.sets` speaks, 0 to 1."""
        with torch.inference_mode():
            found: Array = self.network(torch.from_numpy(wave)).exp().numpy()
        return found


def load_segmenter(path: Path) -> Segmenter:
    """The bundled segmentation network. Raises MissingWeights, BadWeights."""
    return Segmenter(load_segmentation(path))


def load_embedder(encoder: str, path: Path, *, rectified: bool = False) -> Callable[[Array], Array]:
    """(b, t) sound at 16 kHz -> (b, d) unit vectors, by "campplus" or "ge2e".

    CAM++ runs in bfloat16 where the processor has it: a cosine of 0.9997 to float32, and with 16 rows at once it takes
    40 % of the time of float32 with 8.

    Args:
        rectified: set the negative numbers of CAM++ to zero, as `measure.similarity` does. They tell speakers apart
            too: 0.6 % errors at 1.5 s with them, 1.7 % without.

    Raises:
        BadSetting: another encoder.
        MissingWeights, BadWeights: no file there, or one that does not fit.
    """
    embed: Callable[[Tensor], Tensor]
    if encoder == "campplus":
        embed = partial(_embed, load_campplus(path), rectified=rectified, native=has_native_bfloat16("cpu"))
    elif encoder == "ge2e":
        embed = load_ge2e(path).embed_waveform
    else:
        raise BadSetting(f"no speaker encoder {encoder!r} for who speaks; there are: campplus, ge2e")

    def listen(wave: Array) -> Array:
        with torch.inference_mode():
            vectors: Array = embed(torch.from_numpy(wave)).numpy()
        return vectors

    return listen


def _embed(network: CAMPlus, wave: Tensor, *, rectified: bool, native: bool) -> Tensor:
    """As `CAMPlus.embed_waveform`, the layers in bfloat16 if it is native."""
    mels = network.mel(wave)
    with torch.autocast("cpu", torch.bfloat16, enabled=native):
        embedding = network(mels - mels.mean(1, keepdim=True)).float()
    return normalize(relu(embedding) if rectified else embedding, dim=1)


def one_channel(samples: Array) -> Tensor:
    """(t,) -> (1, t), a copy."""
    return torch.tensor(samples)[None]
