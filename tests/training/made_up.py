"""A speaker made up of eight tones, an engine that speaks as one, and meters that hear it: no networks.

A voice is how strong each tone is. What an engine speaks is really in the samples, so likeness is really heard; what
was said, and how natural it is, the recogniser and the naturalness meter look up by the samples.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from voicewright.audio.clip import Clip
from voicewright.audio.files import sha256_of
from voicewright.audio.writer import write_clip
from voicewright.engines.options import SpeakOptions
from voicewright.engines.recipe import Example
from voicewright.errors import MissingWeights
from voicewright.measure.intelligibility import Transcript
from voicewright.measure.naturalness import Marks
from voicewright.text.piece import Piece
from voicewright.voice.voice import Voice

RATE = 16_000
TONES_HZ = np.array([200, 350, 500, 700, 950, 1250, 1600, 2000])
SPEAKER = np.array([1, 0.8, 0.2, 0.5, 0.1, 0.6, 0.3, 0.2])
STRANGER = np.array([0.1, 0.3, 1, 0.1, 0.8, 0.1, 0.2, 0.7])
LEARNED = "The lamp on the landing was never lit after that winter."


def voice(distance: float, *, mumbles: int = 0, mark: float = 3.2) -> Voice:
    """`distance` 0 is the speaker, 1 the stranger; it gets `mumbles` words of each text wrong."""
    tones = SPEAKER + distance * (STRANGER - SPEAKER)
    tensors = {"tones": tones.astype(np.float32), "faults": np.array([mumbles, mark], np.float32)}
    return Voice(name="made up", engine="tones", weights="0" * 64, tensors=tensors)


@dataclass
class World:
    """The engine and the meters: they share what was `said` in which samples, and how natural it is."""

    said: dict[bytes, tuple[str, float]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    name: str = "tones"
    rate: int = RATE
    weights: str = "0" * 64
    licence: str = "CC0-1.0"
    spoken: list[str] = field(default_factory=list)

    def stream(self, pieces: Iterable[Piece], voice: Voice, options: SpeakOptions) -> Iterator[Clip]:
        for piece in pieces:
            self.spoken.append(piece.spoken)
            mumbles, mark = voice.tensors["faults"]
            words = piece.spoken.split()
            words[: int(mumbles)] = ["wibble"] * min(int(mumbles), len(words))
            clip = tones_of(voice.tensors["tones"], piece.spoken)
            drift = zlib.crc32(piece.spoken.encode()) % 100 / 1000
            self.said[clip.samples.tobytes()] = " ".join(words), float(mark) + drift
            yield clip

    def encoder(self, name: str) -> "Encoder":
        if name in self.missing:
            raise MissingWeights(f"{name} is not here")
        return Encoder(name)

    def recogniser(self, language: str) -> SimpleNamespace | None:
        return None if "words" in self.missing else SimpleNamespace(transcribe=self.transcribe)

    def naturalness(self) -> SimpleNamespace | None:
        return None if "dnsmos" in self.missing else SimpleNamespace(score=self.mark)

    def transcribe(self, clip: Clip, *, beam: int = 1, word_times: bool = False) -> Transcript:
        return Transcript(text=self.said.get(clip.samples.tobytes(), ("", 0.0))[0])

    def mark(self, clip: Clip) -> Marks:
        marks = (said[1] for heard, said in self.said.items() if clip.samples.tobytes().startswith(heard))
        mark = next(marks, 1.0)
        return Marks(mark, mark, mark)


@dataclass(frozen=True)
class Encoder:
    """Hears how strong each tone is. Each encoder weighs them its own way."""

    name: str
    rate: int = RATE

    def embed(self, clip: Clip) -> np.ndarray:
        spectrum = np.abs(np.fft.rfft(clip.samples[: RATE // 2], RATE // 2))  # a bin for every 2 Hz
        strength = spectrum[TONES_HZ // 2] * np.roll(np.linspace(0.7, 1.3, 8), len(self.name))
        return np.asarray(strength / max(np.linalg.norm(strength), 1e-9), np.float32)


def tones_of(strength: np.ndarray, text: str) -> Clip:
    """A second or so of a voice; each text moves every tone a little."""
    noise = np.random.default_rng(zlib.crc32(text.encode()))
    time_s = np.arange(round((0.6 + 0.01 * len(text)) * RATE)) / RATE
    waves = np.sin(2 * np.pi * TONES_HZ[:, None] * time_s + noise.uniform(0, 6, 8)[:, None])
    samples = (strength * noise.uniform(0.85, 1.15, 8)) @ waves
    return Clip(0.05 * samples + 1e-5 * noise.standard_normal(len(samples)), RATE)


def recordings(folder: Path, texts: Iterable[str]) -> tuple[Example, ...]:
    """The speaker saying `texts`, as files."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for number, text in enumerate(texts):
        clip, path = tones_of(SPEAKER, f"recorded {text}"), folder / f"{number:02d}.flac"
        write_clip(path, clip)
        found.append(Example(id=path.stem, audio=path, sha256=sha256_of(path), seconds=clip.seconds, text=text))
    return tuple(found)


def held_out(folder: Path) -> tuple[Example, ...]:
    """Twelve recordings that nothing is learned from."""
    counts = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen")
    return recordings(folder, [f"There were {count} chairs around the table." for count in counts])
