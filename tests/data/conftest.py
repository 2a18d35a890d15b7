"""A small dataset: clips of one recording of tones, with words."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.audio.files import sha256_of, write_clip
from voicewright.data.dataset import Dataset
from voicewright.data.utterance import Scores, Source, TimedWord, Utterance

RATE = 24_000
# Two touch, the third lies 0.3 s after them, the fourth is far away.
PLACES_S = ((0.0, 1.5), (1.5, 3.0), (3.3, 4.5), (12.0, 13.2))
TEXTS = ("One two three.", "Four five six.", "Seven eight.", "Nine ten.")


def recording(seconds: float = 14.0) -> Clip:
    """A tone that rises, so that every place in it sounds different."""
    t = np.arange(round(seconds * RATE)) / RATE
    return Clip(0.3 * np.sin(2 * np.pi * (200 + 40 * t) * t), RATE)


@pytest.fixture
def recording_file(tmp_path: Path) -> Path:
    path = tmp_path / "recording.wav"
    write_clip(path, recording())
    return path


@pytest.fixture
def make_dataset(tmp_path: Path, recording_file: Path) -> Callable[..., Dataset]:
    def make(name: str = "small", *, speaker: str = "anna", shift_s: float = 0.0, prefix: str = "u") -> Dataset:
        def sound(wanted: str) -> Path | None:
            return recording_file if wanted == "tones" else None

        dataset = Dataset.create(tmp_path / name, sound=sound)
        whole = recording()
        utterances = []
        for number, ((start_s, end_s), text) in enumerate(zip(PLACES_S, TEXTS, strict=True)):
            clip = whole.between(start_s + shift_s, end_s + shift_s)
            audio = f"clips/{prefix}{number}.wav"
            write_clip(dataset.folder / audio, clip)
            words = text.split()
            step_s = clip.seconds / len(words)
            utterances.append(
                Utterance(
                    id=f"{prefix}{number}",
                    audio=audio,
                    sha256=sha256_of(dataset.folder / audio),
                    seconds=clip.seconds,
                    rate=RATE,
                    text=text,
                    speaker=speaker,
                    heard=text.lower(),
                    words=tuple(
                        TimedWord(text=w, start_s=step_s * i + 0.1, end_s=step_s * (i + 1) - 0.1, score=0.9)
                        for i, w in enumerate(words)
                    ),
                    source=Source(
                        recording="tones",
                        sha256=sha256_of(recording_file),
                        start_s=start_s + shift_s,
                        end_s=end_s + shift_s,
                    ),
                    scores=Scores(snr_db=40.0, cer=0.0, alignment=0.9),
                )
            )
        dataset.replace_base(utterances)
        return dataset

    return make
