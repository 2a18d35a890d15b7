"""What is said in a recording, as numbers: content encoders behind one protocol, by the names that checkpoints use.

t frames · d width
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.errors import BadSetting, BadVoice, BadWeights
from voicewright.weights.store import Store


class ContentEncoder(Protocol):
    """Hears what is said and, as far as it can, not who says it."""

    @property
    def name(self) -> str:
        """As a checkpoint's `speech_encoder` calls it."""

    @property
    def dimension(self) -> int:
        """Numbers for each frame."""

    @property
    def frames_per_second(self) -> float: ...

    def encode(self, clip: Clip) -> NDArray[np.float32]:
        """A clip of any rate and length → (t, d), frame i about what sounds at i / frames_per_second."""


@dataclass(frozen=True, slots=True)
class EncoderKind:
    """A content encoder as a checkpoint names it.

    Args:
        dimension: numbers for each frame.
        about: what it is, and where its weights come from.
        maker: "module:function", called as `function(name, store, files, device=…)`; "" if nothing of ours runs it.
    """

    dimension: int
    about: str
    maker: str = ""


AT_HAND = "whisper-tiny"
"""Needs nothing from a network."""
_HERE = "voicewright.engines.sovits"
_CONTENTVEC = "ContentVec; its weights: voicewright weights pull contentvec, or a file of your own"
_WHISPER = "Whisper's encoder for CTranslate2; name the folder of the model"
ENCODERS: Mapping[str, EncoderKind] = {
    "vec768l12": EncoderKind(768, _CONTENTVEC, f"{_HERE}.contentvec:make"),
    "vec256l9": EncoderKind(256, _CONTENTVEC, f"{_HERE}.contentvec:make"),
    "whisper-tiny": EncoderKind(
        384, "Whisper tiny.en's encoder, at hand without a network", f"{_HERE}.content:whisper"
    ),
    "whisper-ppg": EncoderKind(1024, f"{_WHISPER} faster-whisper-medium", f"{_HERE}.content:whisper"),
    "hubertsoft": EncoderKind(256, "HuBERT-soft by bshall"),
    "cnhubertlarge": EncoderKind(1024, "Chinese HuBERT large"),
    "dphubert": EncoderKind(768, "DPHuBERT"),
    "wavlmbase+": EncoderKind(768, "WavLM base+"),
    "whisper-ppg-large": EncoderKind(1280, "Whisper large-v2's encoder"),
}
BY_WIDTH = {256: "vec256l9", 768: "vec768l12", 384: "whisper-tiny", 1024: "whisper-ppg"}
"""What a checkpoint was trained on when its configuration does not say: only these are common at their widths."""


def encoder_name(named: str, width: int) -> str:
    """Which encoder a checkpoint needs.

    Args:
        named: its configuration's `speech_encoder`; "" where there is none.
        width: numbers for each frame that its first layer takes (`ssl_dim`).

    Raises:
        BadVoice: an encoder that nobody knows, or one that gives another number of values.
    """
    name = named.removesuffix("-onnx") or BY_WIDTH.get(width, "")
    if not name:
        raise BadVoice(
            f"the checkpoint takes {width} numbers a frame and does not say from which content encoder; put "
            f'"speech_encoder" into the "model" part of its config.json, one of {", ".join(ENCODERS)}'
        )
    if name not in ENCODERS:
        raise BadVoice(f"the checkpoint needs the content encoder {named!r}, which is unknown; {_which(name)}")
    if ENCODERS[name].dimension != width:
        fitting = [known for known, kind in ENCODERS.items() if kind.dimension == width]
        raise BadVoice(
            f"the checkpoint takes {width} numbers a frame, and its configuration names the content encoder {name!r}, "
            f"which gives {ENCODERS[name].dimension}: checkpoint and config.json do not belong together"
            + (f", or it needs {' or '.join(fitting)}" if fitting else "")
        )
    return name


def find_encoder(name: str, store: Store, files: Path | None = None, *, device: str = "cpu") -> ContentEncoder:
    """The content encoder called `name`, ready.

    Args:
        files: its weights (a file or a folder) where they are not those of the store.

    Raises:
        BadSetting: an unknown name, or an encoder that nothing of ours runs.
        MissingExtra, MissingWeights, BadWeights: what it needs is not there, or is not that.
    """
    if name not in ENCODERS:
        raise BadSetting(f"no content encoder {name!r}; {_which(name)}")
    kind = ENCODERS[name]
    if not kind.maker:
        runs = [known for known, each in ENCODERS.items() if each.maker]
        raise BadSetting(
            f"this voice needs the content encoder {name!r} ({kind.about}), which voicewright does not run; "
            f"it runs {', '.join(runs)}: take a checkpoint that was trained on one of these"
        )
    module, _, function = kind.maker.partition(":")
    encoder: ContentEncoder = getattr(import_module(module), function)(name, store, files, device=device)
    return encoder


def _which(name: str) -> str:
    near = get_close_matches(name, ENCODERS, n=1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(ENCODERS)}"


class WhisperContent:
    """The encoder of a Whisper model as a content encoder.

    Args:
        name, dimension: see `ContentEncoder`.
        folder: a CTranslate2 Whisper model with 80 mel bins.
    """

    def __init__(self, name: str, dimension: int, folder: Path) -> None:
        from voicewright.nn.whisper_encoder import WhisperEncoder

        self.name, self.dimension = name, dimension
        self._encoder = WhisperEncoder(folder)
        self.frames_per_second = self._encoder.frames_per_second

    def encode(self, clip: Clip) -> NDArray[np.float32]:
        if not len(clip):
            return np.zeros((0, self.dimension), np.float32)
        found = self._encoder.encode(clip)
        if found.shape[1] != self.dimension:
            raise BadWeights(
                f"{self.name} needs a Whisper model of width {self.dimension}; the one given has {found.shape[1]}"
            )
        return found


def whisper(name: str, store: Store, files: Path | None, *, device: str) -> ContentEncoder:
    """Whisper's encoder; it runs on the CPU whatever the device. Raises BadSetting: no folder for a larger model."""
    if files is None and name != "whisper-tiny":
        raise BadSetting(f"the content encoder {name!r} ({ENCODERS[name].about}) needs its files; say where they are")
    return WhisperContent(name, ENCODERS[name].dimension, files or store.folder("whisper-tiny.en"))
