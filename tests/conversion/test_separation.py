"""The voice comes out of the music at its own time, however long the song."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from voicewright.audio.clip import Clip, Samples
from voicewright.audio.edit import resample
from voicewright.audio.files import read_clip, write_clip
from voicewright.conversion.separation import BlockSeparator, load_separator
from voicewright.errors import BadWeights, MissingExtra, MissingWeights
from voicewright.nn.demucs import Demucs
from voicewright.samples import samples


@pytest.fixture(scope="module")
def voice() -> Clip:
    clip = read_clip(samples()[0].path)
    return clip.with_samples(np.resize(clip.samples, 30 * clip.rate))


def half(mixture: Samples) -> Samples:
    """A "voice" of which everything is known: half of the mixture."""
    return mixture * np.float32(0.5)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_voice_and_rest_keep_length_and_time_and_add_up(voice: Clip, tmp_path: Path, rate: int) -> None:
    song = resample(voice, rate)
    write_clip(tmp_path / "song.flac", song)
    separator = BlockSeparator(half, 44_100, block_s=4.0, overlap_s=1.0)
    separator.separate(tmp_path / "song.flac", tmp_path / "voice.flac", tmp_path / "rest.flac")
    out, rest = read_clip(tmp_path / "voice.flac"), read_clip(tmp_path / "rest.flac")
    assert len(out) == len(rest) == len(song)
    low = read_clip(tmp_path / "song.flac").samples
    assert np.abs(out.samples + rest.samples - low).max() < 1e-4
    assert np.sqrt(np.mean((out.samples - 0.5 * low) ** 2)) < 1e-3  # what the resamplers cut off at the very top


@pytest.mark.parametrize("seconds", [0.01, 3.9, 4.0, 4.1, 7.0, 10.0])
def test_any_length_is_kept_to_the_sample(voice: Clip, tmp_path: Path, seconds: float) -> None:
    write_clip(tmp_path / "a.flac", voice.between(0, seconds))
    BlockSeparator(half, 16_000, block_s=4.0, overlap_s=1.0).separate(tmp_path / "a.flac", tmp_path / "a.flac")
    assert read_clip(tmp_path / "a.flac").samples == pytest.approx(0.5 * voice.between(0, seconds).samples, abs=1e-4)


def test_blocks_are_never_longer_than_asked_and_joined_without_a_step(voice: Clip, tmp_path: Path) -> None:
    seen: list[int] = []

    def uncertain(mixture: Samples) -> Samples:
        """Another level for every block, as networks have."""
        seen.append(len(mixture))
        return np.full(len(mixture), 0.1 * (1 + len(seen) % 2), np.float32)

    write_clip(tmp_path / "a.flac", voice)
    BlockSeparator(uncertain, 16_000, block_s=4.0, overlap_s=1.0).separate(tmp_path / "a.flac", tmp_path / "b.flac")
    assert max(seen) == 64_000
    assert len(seen) == 10
    assert np.abs(np.diff(read_clip(tmp_path / "b.flac").samples)).max() < 1e-4


def test_a_failure_leaves_no_half_files(voice: Clip, tmp_path: Path) -> None:
    def broken(mixture: Samples) -> Samples:
        raise MissingWeights("none here")

    write_clip(tmp_path / "a.flac", voice)
    with pytest.raises(MissingWeights):
        BlockSeparator(broken, 16_000).separate(tmp_path / "a.flac", tmp_path / "b.flac", tmp_path / "c.flac")
    assert [path.name for path in tmp_path.iterdir()] == ["a.flac"]


class FakePackage(ModuleType):
    """demucs-infer as far as it is used; `problem` is raised when the weights are loaded."""

    def __init__(self, problem: Exception | None = None) -> None:
        super().__init__("demucs_infer")
        package, self.asked = self, {}

        class DemucsSeparator:
            def __init__(self, model: str, **options: Any) -> None:
                package.asked |= {"model": model, **options}

            def load(self) -> "DemucsSeparator":
                if problem:
                    raise problem
                return self

            def infer(self, audio: Any, *, sample_rate: int) -> tuple[Any, dict[str, Any]]:
                assert audio.shape[0] == 2
                assert sample_rate == 44_100
                return audio, {"vocals": audio * 0.5, "other": audio * 0.5}

        self.DemucsSeparator = DemucsSeparator


def test_demucs_is_asked_for_the_voice_without_random_shifts(
    voice: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = FakePackage()
    monkeypatch.setitem(sys.modules, "demucs_infer", package)
    short = resample(voice.between(0, 1), 44_100)
    assert Demucs(tmp_path)(short.samples) == pytest.approx(0.5 * short.samples)
    assert package.asked["shifts"] == 0
    assert package.asked["cache_dir"] == tmp_path / "demucs-vocals"


@pytest.mark.parametrize(
    ("problem", "error", "says"),
    [
        (OSError("no route to host"), MissingWeights, "no route to host"),
        (ValueError("checkpoint SHA-256 mismatch"), BadWeights, "SHA-256"),
    ],
)
def test_what_is_wrong_with_the_weights_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: Exception, error: type[Exception], says: str
) -> None:
    monkeypatch.setitem(sys.modules, "demucs_infer", FakePackage(problem))
    with pytest.raises(error, match=says):
        Demucs(tmp_path)(np.zeros(100, np.float32))


def test_offline_nothing_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = FakePackage()
    monkeypatch.setitem(sys.modules, "demucs_infer", package)
    with pytest.raises(MissingWeights, match="offline"):
        Demucs(tmp_path, offline=True)(np.zeros(100, np.float32))
    assert package.asked == {}


def test_without_the_package_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "demucs_infer", None)
    with pytest.raises(MissingExtra, match=r"pip install 'voicewright\[separate\]'"):
        load_separator(tmp_path)
