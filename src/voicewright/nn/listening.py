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

from voicewright.errors import BadSetting
from voicewright.nn.campplus import load_campplus
from voicewright.nn.ge2e import load_ge2e
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


def load_embedder(encoder: str, path: Path) -> Callable[[Array], Array]:
    """(b, t) sound at 16 kHz -> (b, d) unit vectors, by "campplus" or "ge2e".

    Of CAM++ the negative numbers are kept, which tell speakers apart too: 0.6 % errors at 1.5 s with them, 1.7 %
    without. They cannot be compared with what `measure.similarity` gives.

    Raises:
        BadSetting: another encoder.
        MissingWeights, BadWeights: no file there, or one that does not fit.
    """
    embed: Callable[[Tensor], Tensor]
    if encoder == "campplus":
        embed = partial(load_campplus(path).embed_waveform, rectified=False)
    elif encoder == "ge2e":
        embed = load_ge2e(path).embed_waveform
    else:
        raise BadSetting(f"no speaker encoder {encoder!r} for who speaks; there are: campplus, ge2e")

    def listen(wave: Array) -> Array:
        with torch.inference_mode():
            vectors: Array = embed(torch.from_numpy(wave)).numpy()
        return vectors

    return listen


def one_channel(samples: Array) -> Tensor:
    """(t,) -> (1, t), a copy."""
    return torch.tensor(samples)[None]
