"""`WhisperEncoder`: what is said, as the first half of Whisper hears it.

t samples · f frames (50 per second) · d width of the model (384 for tiny)
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.errors import BadWeights, MissingWeights

RATE = 16_000
FRAME = 320
"""Samples from one frame to the next; frame i is centred at i · 20 ms."""
WINDOW, CONTEXT = 400, 50
"""Frames that are new in a window, and heard on each side of them: 8 s and 1 s. The cost of attention grows with the
square of the window: 5 ms for each second of sound here, 9 ms in windows of 30 s."""
MELS = 80


class WhisperEncoder:
    """The encoder of Whisper (Radford et al., 2022) on CTranslate2. Loaded on first use.

    A short clip costs little: it is not filled up to the 30 s that Whisper was trained with. Clips of up to 10 s are
    heard at once, longer ones in windows that overlap.

    Args:
        folder: a CTranslate2 Whisper model with 80 mel bins (`model.bin`, `config.json`).
        compute_type: "float32", "int8" (two and a half times as fast, a little rougher), …
        threads: CPU threads; 0 leaves it to OMP_NUM_THREADS.

    Raises (on first use): MissingWeights, BadWeights.
    """

    frames_per_second = RATE / FRAME

    def __init__(self, folder: Path, *, compute_type: str = "float32", threads: int = 1) -> None:
        self._folder, self._compute_type, self._threads = folder, compute_type, threads
        self._loaded: tuple[Any, Any, Any] | None = None

    def encode(self, clip: Clip) -> NDArray[np.float32]:
        """The last hidden layer: a clip of any rate and length → (f, d), f = ceil(50 · seconds)."""
        samples = resample(clip, RATE).samples
        count = -(-len(samples) // FRAME)
        if count <= WINDOW + 2 * CONTEXT:
            return self._heard(samples, 0, max(1, count))[:count]
        parts = []
        for start in range(0, count, WINDOW):
            end = min(start + WINDOW, count)
            first = max(0, start - CONTEXT)
            parts.append(self._heard(samples, first, min(count, end + CONTEXT))[start - first : end - first])
        return np.concatenate(parts)

    def _heard(self, samples: NDArray[np.float32], first: int, last: int) -> NDArray[np.float32]:
        """(last - first, d) frames, heard on their own."""
        model, extract, to_storage = self._model()
        window = samples[first * FRAME : last * FRAME]
        window = np.pad(window, (0, (last - first) * FRAME - len(window)))
        mels = np.ascontiguousarray(extract(window, padding=0)[None], np.float32)
        hidden = model.encode(to_storage(mels), to_cpu=True)
        frames: NDArray[np.float32] = np.array(hidden, np.float32)[0]
        return frames

    def _model(self) -> tuple[Any, Any, Any]:
        if self._loaded is None:
            from faster_whisper.feature_extractor import FeatureExtractor

            if not (self._folder / "model.bin").is_file():
                raise MissingWeights(f"no Whisper model in {self._folder}; see what is installed: voicewright weights")
            ctranslate2 = import_module("ctranslate2")  # it has no types
            load = partial(
                ctranslate2.models.Whisper,
                str(self._folder),
                device="cpu",
                compute_type=self._compute_type,
                intra_threads=self._threads,
            )
            try:
                # In a thread of its own: CTranslate2 sets the number of OpenMP threads of whoever loads it, and all of
                # torch would run on one core from then on.
                with ThreadPoolExecutor(1) as loader:
                    model = loader.submit(load).result()
            except (RuntimeError, ValueError) as problem:
                raise BadWeights(f"the Whisper model in {self._folder} cannot be used: {problem}") from problem
            self._loaded = model, FeatureExtractor(feature_size=MELS), ctranslate2.StorageView.from_array
        return self._loaded
