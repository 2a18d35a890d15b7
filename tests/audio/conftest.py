"""Sounds for the tests of sound: tones, a real voice, and files in formats that are read but not written."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.audio.files import read_clip
from voicewright.samples import samples

MakeTone = Callable[..., Clip]
Encode = Callable[..., Path]


def packaged(package: str, *parts: str) -> Path:
    """A data file of an installed package, which is not imported."""
    spec = find_spec(package)
    assert spec
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0], *parts)


@pytest.fixture(scope="session")
def silero_model() -> Path:
    return packaged("silero_vad", "data", "silero_vad.onnx")


@pytest.fixture(scope="session")
def swift_model() -> Path:
    return packaged("swift_f0", "model.onnx")


@pytest.fixture(scope="session")
def speech() -> Clip:
    """7 s of a man reading, 16 kHz."""
    return read_clip(samples()[0].path)


@pytest.fixture(scope="session")
def tone() -> MakeTone:
    def make(hz: float = 220.0, *, seconds: float = 1.0, rate: int = 16_000, amplitude: float = 0.5) -> Clip:
        t = np.arange(round(seconds * rate)) / rate
        return Clip(amplitude * np.sin(2 * np.pi * hz * t), rate)

    return make


@pytest.fixture(scope="session")
def encode() -> Encode:
    """Write a clip with FFmpeg: any container and codec it has, with a picture track on request."""

    def write(
        path: Path, clip: Clip, codec: str, *, layout: str = "mono", picture: bool = False, **options: str
    ) -> Path:
        with av.open(str(path), "w", options=options) as container:
            film = container.add_stream("mpeg4", rate=10) if picture else None
            track = container.add_stream(codec, rate=clip.rate, layout=layout) if codec else None
            if film:
                film.width = film.height = 32
                film.pix_fmt = "yuv420p"
                black = np.zeros((32, 32, 3), np.uint8)
                for _ in range(round(10 * clip.seconds)):
                    container.mux(film.encode(av.VideoFrame.from_ndarray(black, "rgb24")))
                container.mux(film.encode(None))
            if track:
                convert = av.AudioResampler(track.format.name, layout, clip.rate, frame_size=track.frame_size or 1024)
                channels = np.tile(clip.samples, (track.channels, 1))
                frame = av.AudioFrame.from_ndarray(channels, "fltp", layout)
                frame.sample_rate, frame.pts = clip.rate, 0
                for part in [*convert.resample(frame), *convert.resample(None)]:
                    container.mux(track.encode(part))
                container.mux(track.encode(None))
        return path

    return write
