"""Half a file is never taken for a short recording."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.audio.files import read_blocks, read_clip, write_clip
from voicewright.audio.wholeness import check_whole
from voicewright.errors import BadClip

Encode = Callable[..., Path]


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.97])
@pytest.mark.parametrize("kind", ["WAV", "WAVEX", "RF64", "AIFF", "AU", "CAF", "W64", "FLAC", "OGG", "MP3"])
def test_a_file_cut_short_is_refused(tmp_path: Path, speech: Clip, kind: str, share: float) -> None:
    whole, cut = tmp_path / "whole.bin", tmp_path / "cut.bin"
    soundfile.write(whole, np.tile(speech.samples, 3), speech.rate, format=kind)
    read_clip(whole)
    data = whole.read_bytes()
    cut.write_bytes(data[: int(share * len(data))])
    for read in (read_clip, lambda path: list(read_blocks(path, rate=8_000))):
        with pytest.raises(BadClip, match=r"cut\.bin .*(cut off|damaged)"):
            read(cut)


@pytest.mark.parametrize("share", [0.3, 0.97])
@pytest.mark.parametrize(
    ("name", "codec", "extra"),
    [
        ("a.m4a", "aac", {}),
        ("b.m4a", "aac", {"movflags": "faststart"}),
        ("a.mp4", "aac", {"picture": True}),
        ("a.mkv", "libopus", {"picture": True}),
        ("a.webm", "libopus", {}),
        ("a.avi", "mp2", {"picture": True}),
        ("a.mp3", "libmp3lame", {}),
        ("a.opus", "libopus", {}),
    ],
)
def test_a_film_or_memo_cut_short_is_refused(
    tmp_path: Path, speech: Clip, encode: Encode, name: str, codec: str, extra: dict[str, str], share: float
) -> None:
    path = encode(tmp_path / name, resample(speech, 48_000), codec, **extra)
    read_clip(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(BadClip, match=r"cut off|damaged"):
        read_clip(path)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.m4a"])
def test_something_stuck_on_behind_does_no_harm(tmp_path: Path, speech: Clip, encode: Encode, name: str) -> None:
    """Taggers and old phones leave tags and zeros after the sound."""
    path = tmp_path / name
    if name == "a.m4a":
        encode(path, speech, "aac")
    else:
        write_clip(path, speech)
    before = len(read_clip(path))
    tag = b"TAG" + b"a title".ljust(125, b"\0")  # ID3v1
    path.write_bytes(path.read_bytes() + tag)
    assert len(read_clip(path)) == before


@settings(max_examples=150, deadline=None)
@given(
    head=st.sampled_from(
        [
            *(b"RIFF\0\0\0\0WAVE", b"RF64\0\0\0\0WAVEds64", b"FORM\0\0\0\0AIFF", b"caff\0\1\0\0", b".snd"),
            *(b"riff", b"OggS", b"\0\0\0\x18ftyp", b"\0\0\0\1mdat", b"\x1a\x45\xdf\xa3", b"ID3\4\0\0"),
            *(b"\xff\xfb\x90\0", b"fLaC", b""),
        ]
    ),
    rest=st.binary(max_size=200),
)
def test_no_bytes_at_all_lead_to_anything_but_sound_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, head: bytes, rest: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "any.bin"
    path.write_bytes(head + rest)
    for use in (check_whole, read_clip):
        try:
            use(path)
        except BadClip as refusal:
            assert "any.bin" in str(refusal)  # noqa: PT017  (either outcome is right)
