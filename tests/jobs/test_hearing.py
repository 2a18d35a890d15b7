"""Long recordings are written down without a word cut in two, and in parts that can be read."""

from pathlib import Path

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.audio.files import write_clip
from voicewright.jobs.hearing import HEARD_S, RATE, segments_of, stretches
from voicewright.measure.intelligibility import Transcript, Word


def noise(seconds: float, pauses_s: list[float]) -> Clip:
    """Noise, silent for a quarter of a second around each of the pauses."""
    samples = np.random.default_rng(0).normal(0, 0.1, round(seconds * RATE)).clip(-1, 1).astype(np.float32)
    for middle_s in pauses_s:
        samples[round((middle_s - 0.125) * RATE) : round((middle_s + 0.125) * RATE)] = 0
    return Clip(samples, RATE)


def test_a_long_recording_is_cut_in_its_pauses_and_nothing_is_lost(tmp_path: Path) -> None:
    sound = noise(70.0, [21.0, 47.5])
    write_clip(tmp_path / "long.wav", sound)
    parts = list(stretches(tmp_path / "long.wav"))
    ends_s = np.cumsum([part.seconds for part in parts])
    assert ends_s == pytest.approx([21.0, 47.5, 70.0], abs=0.1)
    assert max(part.seconds for part in parts) <= HEARD_S
    assert np.abs(np.concatenate([part.samples for part in parts]) - sound.samples).max() < 1e-4


def test_a_short_one_is_heard_as_a_whole(tmp_path: Path) -> None:
    write_clip(tmp_path / "short.wav", noise(HEARD_S, [20.0]))
    assert [part.seconds for part in stretches(tmp_path / "short.wav")] == [HEARD_S]


def heard(text: str, pause_after: int = -1) -> Transcript:
    """Three words a second, a second's pause after one of them."""
    words = tuple(
        Word(text=word, start_s=start_s, end_s=start_s + 0.3, probability=1.0)
        for n, word in enumerate(text.split())
        for start_s in [n / 3 + (n > pause_after >= 0)]
    )
    return Transcript(text=text, words=words)


def test_segments_end_with_sentences_and_in_pauses() -> None:
    rows = segments_of(heard("Mr. Fox came in at last. Then he sat down and slept.", pause_after=8), 100.0, 9.0)
    assert [row["text"] for row in rows] == ["Mr. Fox came in at last.", "Then he sat", "down and slept."]
    assert rows[0]["start"] == 100.0
    assert rows[2]["end"] == rows[2]["words"][-1]["end"] == pytest.approx(100 + 11 / 3 + 1.3)


def test_no_segment_is_longer_than_two_lines_of_a_subtitle() -> None:
    rows = segments_of(heard("and so on " * 30), 0.0, 30.0)
    assert len(rows) > 2
    assert all(len(row["text"]) <= 84 for row in rows)
    assert " ".join(row["text"] for row in rows).split() == ("and so on " * 30).split()


def test_without_times_of_words_all_is_one_segment_and_silence_none() -> None:
    assert segments_of(Transcript(text=" Some words. "), 2.0, 3.0) == [
        {"start": 2.0, "end": 5.0, "text": "Some words.", "words": []}
    ]
    assert segments_of(Transcript(text=""), 2.0, 3.0) == []
