"""Copies are found after a gain and a codec; other takes are not called copies."""

from pathlib import Path

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.audio.edit import gain, pad, resample
from voicewright.audio.files import read_clip, write_clip
from voicewright.data.duplicates import SAME, alike, fingerprint, same_sound, same_text
from voicewright.data.utterance import Utterance
from voicewright.samples import samples


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    return [read_clip(sample.path) for sample in samples()]


def test_a_copy_is_known_by_any_level_rate_and_codec(clips: list[Clip], tmp_path: Path) -> None:
    original = clips[1]
    write_clip(tmp_path / "copy.mp3", original)
    copies = {
        "quiet": gain(original, -15.0),
        "telephone": resample(resample(original, 8_000), 24_000),
        "mp3": read_clip(tmp_path / "copy.mp3"),
        "padded": pad(original, 0.4, 0.7),
    }
    prints = {"first": fingerprint(original)} | {name: fingerprint(copy) for name, copy in copies.items()}
    assert alike(prints) == dict.fromkeys(copies, "first")


def test_other_clips_are_not_copies(clips: list[Clip]) -> None:
    parts = [clip.between(start, start + 1.2) for clip in clips for start in (0.0, 1.3)]
    prints = {str(i): fingerprint(part) for i, part in enumerate(parts)}
    assert alike(prints) == {}


def test_a_copy_of_a_copy_names_the_first(clips: list[Clip]) -> None:
    one = fingerprint(clips[0])
    assert alike({"c": one, "a": one, "b": one}) == {"a": "c", "b": "c"}


def test_silence_is_no_copy_of_silence() -> None:
    assert alike({"a": fingerprint(Clip.silence(2, 16_000)), "b": fingerprint(Clip.silence(2, 16_000))}) == {}
    assert alike({}) == {}


def test_thousands_are_compared_in_a_moment() -> None:
    draw = np.random.default_rng(0)
    table = draw.standard_normal((6_000, 256)).astype(np.float32)
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    lengths = draw.uniform(1, 12, 6_000).astype(np.float32)
    prints = {
        f"{i:04}": np.concatenate([[length], row]) for i, (length, row) in enumerate(zip(lengths, table, strict=True))
    }
    prints["copy"] = prints["0042"]
    assert alike(prints) == {"copy": "0042"}
    assert 0.9 < SAME < 1


def said(name: str, sha: str, text: str = "", speaker: str = "ada") -> Utterance:
    return Utterance(id=name, audio=name, sha256=sha, seconds=1, rate=8_000, text=text, speaker=speaker)


def test_the_same_bytes() -> None:
    everyone = [said("a", "1"), said("b", "2"), said("c", "1"), said("d", ""), said("e", "")]
    assert same_sound(everyone) == {"c": "a"}


def test_the_same_words_by_the_same_speaker() -> None:
    everyone = [
        said("a", "1", "Thank you."), said("b", "2", "thank you"), said("c", "3", "Thank you.", "ben"),
        said("d", "4", "…"), said("e", "5", "!"),
    ]  # fmt: skip
    assert same_text(everyone) == {"b": "a"}
