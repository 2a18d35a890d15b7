"""A voice file gives back what was put in, and nothing else ever comes out of it than a voice or a clear refusal."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from voicewright.audio.clip import Clip
from voicewright.errors import BadVoice
from voicewright.voice.file import MAX_FILE_BYTES, METADATA_KEY, VOICE_FORMAT, read_header, read_voice, write_voice
from voicewright.voice.voice import Source, Voice

MakeVoice = Callable[..., Voice]


@pytest.fixture
def path(tmp_path: Path, full_voice: MakeVoice) -> Path:
    file = tmp_path / "narrator.voice"
    write_voice(full_voice(), file)
    return file


def test_everything_comes_back(path: Path, full_voice: MakeVoice) -> None:
    before, after = full_voice(), read_voice(path)
    for field in dataclasses.fields(Voice):
        if field.name not in ("tensors", "preview"):
            assert getattr(after, field.name) == getattr(before, field.name)
    assert after.tensors.keys() == before.tensors.keys()
    for name, array in before.tensors.items():
        assert after.tensors[name].shape == array.shape
        assert np.array_equal(after.tensors[name], array)
    assert after.preview is not None
    assert before.preview is not None
    assert after.preview.rate == before.preview.rate
    assert np.abs(after.preview.samples - before.preview.samples).max() < 1e-4


def test_a_voice_without_preview_and_extras_comes_back(tmp_path: Path) -> None:
    bare = Voice(name="b", engine="kokoro", weights="1f", tensors={"s": np.zeros(3, np.float32)})
    write_voice(bare, tmp_path / "b.voice")
    assert read_voice(tmp_path / "b.voice").preview is None
    assert not read_header(tmp_path / "b.voice").has_preview


def test_the_header_alone_says_the_same(path: Path, full_voice: MakeVoice) -> None:
    header = read_header(path)
    assert header.voice.consent == full_voice().consent
    assert header.voice.sources == full_voice().sources
    assert header.has_preview


def test_writing_twice_gives_the_same_bytes(path: Path, full_voice: MakeVoice) -> None:
    again = path.with_name("again.voice")
    write_voice(full_voice(), again)
    assert again.read_bytes() == path.read_bytes()


def test_a_crash_while_writing_leaves_the_old_file(
    path: Path, monkeypatch: pytest.MonkeyPatch, full_voice: MakeVoice
) -> None:
    before = path.read_bytes()

    def full_disk(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_voice(dataclasses.replace(full_voice(), licence="MIT"), path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"tensors": {"s": np.array([1.0, np.nan], np.float32)}}, "not numbers"),
        ({"tensors": {"s": np.zeros(3, np.float64)}}, "float32"),
        ({"tensors": {"../s": np.zeros(3, np.float32)}}, "named"),
        ({"tensors": {"preview.flac": np.zeros(3, np.float32)}}, "named"),
        ({"name": "../x"}, "cannot be a voice's name"),
        ({"engine": "a b"}, "engine"),
        ({"settings": {"f": object()}}, "settings"),
        ({"settings": {"f": float("inf")}}, "settings"),
        ({"scores": {"ge2e": float("nan")}}, "scores"),
        ({"licence": "\x1b[2J"}, "licence"),
        ({"sources": (Source(sha256="01" * 32, seconds=1.0, name="/home/me/a.wav"),)}, "sources"),
        ({"preview": Clip.silence(500, 8_000)}, "preview"),
        ({"created": "yesterday"}, "created"),
    ],
)
def test_what_a_file_may_not_hold_is_not_written(
    tmp_path: Path, change: dict[str, Any], says: str, full_voice: MakeVoice
) -> None:
    with pytest.raises(BadVoice, match=says):
        write_voice(dataclasses.replace(full_voice(), **change), tmp_path / "x.voice")
    assert list(tmp_path.iterdir()) == []


def tampered(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The file with another header and its tensors as they were."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    table = json.loads(data[8 : 8 + length])
    header = json.loads(table["__metadata__"][METADATA_KEY])
    change(header)
    table["__metadata__"][METADATA_KEY] = json.dumps(header)
    new = json.dumps(table).encode()
    path.write_bytes(len(new).to_bytes(8, "little") + new + data[8 + length :])
    return path


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda h: h.update(format=2), rf"this version reads format {VOICE_FORMAT} only"),
        (lambda h: h.update(format="1"), "reads format"),
        (lambda h: h.update(format=True), "reads format"),
        (lambda h: h.pop("format"), "reads format"),
        (lambda h: h.update(licens="MIT"), "did you mean 'licence'"),
        (lambda h: h.pop("consent"), "consent"),
        (lambda h: h.update(name="../../x"), "cannot be a voice's name"),
        (lambda h: h.update(name=3), "name"),
        (lambda h: h.update(scores={"a": "b"}), "scores"),
        (lambda h: h.update(sources=[{"sha256": "x"}]), "sources"),
        (lambda h: h.update(consent="he agreed"), "checksum"),
        (lambda h: h.update(preview_rate=0, digest="0" * 64), "checksum"),
        (lambda h: h.update(settings={"a": 10**400}), "settings"),
    ],
)
def test_a_changed_header_is_refused_in_words(path: Path, change: Callable[[dict[str, Any]], None], says: str) -> None:
    with pytest.raises(BadVoice, match=says) as refusal:
        read_voice(tampered(path, change))
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "cut off"),
        (b"RIFF....WAVEfmt ", "not a voice"),
        (b"\x80\x04\x95" + b"x" * 100, "not a voice"),
        ((100_000).to_bytes(8, "little") + b"{" * 90_000, "cut off"),
        ((100_000).to_bytes(8, "little") + b"[" * 100_000, "cannot be read"),
        ((2).to_bytes(8, "little") + b"{}", "not a voice"),
        ((16).to_bytes(8, "little") + b'{"a":1,"a":NaN} ', "cannot be read"),
        (save({"a": np.zeros(3, np.float32)}), "not a voice"),
        (save({"a": np.zeros(3, np.float32)}, metadata={"voicewright": "[]"}), "not a table"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, data: bytes, says: str) -> None:
    file = tmp_path / "x.voice"
    file.write_bytes(data)
    with pytest.raises(BadVoice, match=says):
        read_voice(file)
    with pytest.raises(BadVoice, match=says):
        read_header(file)


def test_no_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.voice"):
        with pytest.raises(BadVoice, match="no such file"):
            read_voice(path)


def test_a_huge_file_is_refused_without_loading_it(tmp_path: Path) -> None:
    file = tmp_path / "x.voice"
    with file.open("wb") as handle:
        handle.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(BadVoice, match="MB"):
        read_voice(file)


def test_every_truncation_is_refused(path: Path) -> None:
    data = path.read_bytes()
    lengths = {*range(0, min(len(data), 1500), 7), *range(0, len(data), 997), len(data) - 1}
    for length in lengths:
        path.write_bytes(data[:length])
        with pytest.raises(BadVoice):
            read_voice(path)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=4))
def test_flipped_bytes_give_a_refusal_or_the_same_voice(
    path: Path, flips: list[tuple[int, int]], full_voice: MakeVoice
) -> None:
    good = path.read_bytes()
    bad = bytearray(good)
    for place, mask in flips:
        # Two of three flips hit the table at the start, where the structure is.
        bad[place % (len(bad) if place % 3 == 0 else 1500)] ^= mask
    file = path.with_name("bad.voice")
    file.write_bytes(bytes(bad))
    for read in (read_voice, read_header):
        try:
            read(file)
        except BadVoice:
            continue
    if bytes(bad) != good:
        try:
            after = read_voice(file)
        except BadVoice:
            return
        assert all(np.array_equal(after.tensors[k], v) for k, v in full_voice().tensors.items())
        assert after.consent == full_voice().consent
