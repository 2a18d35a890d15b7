"""The Whisper encoder hears clips of every length at 50 frames a second, long ones as well as short ones."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.audio.files import read_clip
from voicewright.errors import MissingWeights
from voicewright.home import Home
from voicewright.nn.whisper_encoder import WhisperEncoder
from voicewright.samples import AUSTEN
from voicewright.weights.store import Store


@pytest.fixture(scope="module")
def encoder() -> WhisperEncoder:
    return WhisperEncoder(Store(Home.find().weights).folder("whisper-tiny.en"), compute_type="int8")


@pytest.fixture(scope="module")
def clip() -> Clip:
    return read_clip(sorted(AUSTEN.glob("*.flac"))[0])


def alike(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Mean cosine of the frames of a and b, each less the mean of all."""
    middle = np.concatenate([a, b]).mean(0)
    a, b = a - middle, b - middle
    return float(((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).mean())


@pytest.mark.parametrize("seconds", [0, 0.001, 0.02, 0.99, 1.5])
def test_every_length_has_its_frames(encoder: WhisperEncoder, clip: Clip, seconds: float) -> None:
    part = clip.between(1.0, 1.0 + seconds)
    hidden = encoder.encode(part)
    assert hidden.shape == (np.ceil(part.seconds * 50 - 1e-9), 384)
    assert hidden.dtype == np.float32
    assert np.isfinite(hidden).all()


def test_the_rate_of_a_clip_makes_no_difference(encoder: WhisperEncoder, clip: Clip) -> None:
    part = clip.between(0, 2)
    assert alike(encoder.encode(resample(part, 44_100)), encoder.encode(part)) > 0.97


def test_a_window_hears_what_the_whole_hears(encoder: WhisperEncoder, clip: Clip) -> None:
    samples = np.concatenate([clip.samples] * (1 + int(13 * clip.rate // len(clip))))
    long = Clip(samples[: 13 * clip.rate], clip.rate)
    whole = encoder.encode(long)
    assert len(whole) == 650
    beside = encoder.encode(long.between(6.0, 10.0))
    there = alike(whole[350:450], beside[50:150])
    assert there > 0.5
    assert there > 0.2 + alike(whole[350:450], beside[70:170])  # where something else is said


def test_a_folder_without_a_model_is_named(tmp_path: Path, clip: Clip) -> None:
    with pytest.raises(MissingWeights, match="Whisper"):
        WhisperEncoder(tmp_path).encode(clip)
