"""An honest little engine, and a recogniser that understands it: every word is a chord of its own.

The chord's three tones spell a number that the word hashes to. So a wrong, missing or noisy word is really heard in the
samples, and the whole machinery can be tested without networks.
"""

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from voicewright.audio.clip import Clip
from voicewright.engines.options import EnrollOptions, SpeakOptions
from voicewright.measure.intelligibility import Transcript, Word
from voicewright.measure.speed import syllables
from voicewright.progress import Progress, silent
from voicewright.text.piece import Piece
from voicewright.voice.consent import Consent
from voicewright.voice.voice import Voice

RATE = 16_000
GAP_S, SYLLABLE_S, EDGE_S = 0.06, 0.18, 0.25
LOW_HZ, STEP_HZ = 300, 100
"""Tones are multiples of 100 Hz, 16 for each place of the number; 20 ms and more tell them apart."""
WRONG = "wibble"

Fault = str
"""What a take can have: "word" (its second word is another), "silent", "noise" (after the end), "clipped", "slow"."""


def chord(word: str) -> tuple[int, int, int]:
    """The three frequencies of a word."""
    number = zlib.crc32(word.strip(".,;:!?").lower().encode()) % 4096
    return tuple(LOW_HZ + STEP_HZ * (16 * place + (number >> (4 * place)) % 16) for place in range(3))  # type: ignore[return-value]


@dataclass
class ToneEngine:
    """Speaks words as chords. `faults` says which takes are bad: (piece's spoken text, seed) → fault."""

    faults: Mapping[tuple[str, int], Fault] = field(default_factory=dict)
    always: Fault = ""
    volumes: Mapping[str, float] = field(default_factory=dict)
    listens_to_seed: bool = True
    calls: list[tuple[str, int, float]] = field(default_factory=list)
    name: str = "tones"
    rate: int = RATE
    weights: str = "0" * 64
    licence: str = "CC0-1.0"

    def enroll(
        self,
        clips: Sequence[Clip],
        *,
        name: str,
        consent: Consent,
        options: EnrollOptions,
        progress: Progress = silent,
    ) -> Voice:
        return voice(name)

    def stream(self, pieces: Iterable[Piece], voice: Voice, options: SpeakOptions) -> Iterator[Clip]:
        for piece in pieces:
            self.calls.append((piece.spoken, options.seed, options.speed))
            yield self._take(piece, options)

    def _take(self, piece: Piece, options: SpeakOptions) -> Clip:
        fault = self.faults.get((piece.spoken, options.seed), self.always)
        words = piece.spoken.split()
        if fault == "word":
            words[min(1, len(words) - 1)] = WRONG
        speed = options.speed * (0.2 if fault == "slow" else 1.0)
        noise = np.random.default_rng(options.seed if self.listens_to_seed else 0)
        sounds = [sound for word in words for sound in (tone(word, speed), np.zeros(round(GAP_S * RATE / speed)))]
        samples = np.concatenate([np.zeros(round(EDGE_S * RATE)), *sounds, np.zeros(round(EDGE_S * RATE))])
        samples *= 0.2 * self.volumes.get(piece.spoken, 1.0)
        samples += 1e-5 * noise.standard_normal(len(samples))
        if fault == "silent":
            samples *= 1e-6
        if fault == "noise":
            samples = np.concatenate([samples, 0.03 * noise.standard_normal(RATE)])
        if fault == "clipped":
            samples = np.clip(12 * samples, -1, 1)
        return Clip(samples, RATE)


def tone(word: str, speed: float) -> np.ndarray:
    """A word's sound: its chord, a syllable's length for each syllable, with soft edges."""
    length = round(syllables(word) * SYLLABLE_S * RATE / speed)
    time_s = np.arange(length) / RATE
    sound = sum(np.sin(2 * np.pi * hz * time_s) for hz in chord(word)) / 3
    edge = round(0.01 * RATE)
    ramp = np.minimum(1, np.minimum(np.arange(length), np.arange(length)[::-1]) / edge)
    return np.asarray(sound * ramp)


def voice(name: str = "narrator", *, value: float = 1.0, statement: str = "") -> Voice:
    return Voice(
        name=name,
        engine="tones",
        weights="0" * 64,
        tensors={"style": np.full(4, value, np.float32)},
        consent=Consent(statement),
    )


@dataclass
class ToneRecogniser:
    """Hears the words of `vocabulary` in what `ToneEngine` speaks; other sounds are no words to it."""

    vocabulary: str
    probability: float = 0.9
    heard: int = 0

    def transcribe(self, clip: Clip, *, beam: int = 1, word_times: bool = False) -> Transcript:
        self.heard += 1
        known = {chord(word): word.strip(".,;:!?").lower() for word in f"{self.vocabulary} {WRONG}".split()}
        words = [
            Word(text=known[hz], start_s=a / RATE, end_s=b / RATE, probability=self.probability)
            for a, b in bursts(clip)
            if (hz := heard_chord(clip.samples[a:b])) in known
        ]
        text = " ".join(word.text for word in words)
        return Transcript(text=text, words=tuple(words) if word_times else (), probability=self.probability)


def bursts(clip: Clip) -> Iterator[tuple[int, int]]:
    """Where sound is: (first, one past the last) sample."""
    frame = round(0.005 * RATE)
    frames = clip.samples[: len(clip) // frame * frame].reshape(-1, frame)
    level = np.sqrt((frames**2).mean(axis=1))
    loud = np.concatenate([[False], level > 0.1 * level.max(initial=1e-3), [False]])
    edges = np.flatnonzero(np.diff(loud)) * frame
    return ((int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True))


def heard_chord(samples: np.ndarray) -> tuple[int, ...]:
    """The strongest tone in each of the three places."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), RATE // 10))  # a bin for every 10 Hz
    tones = [LOW_HZ + STEP_HZ * (16 * place + np.arange(16)) for place in range(3)]
    return tuple(int(hz[np.argmax(spectrum[hz // 10])]) for hz in tones)


@dataclass(frozen=True)
class ToneEncoder:
    """Hears a speaker as the loudness of low against high: enough to tell a bright voice from a dark one."""

    name: str = "ge2e"
    rate: int = RATE

    def embed(self, clip: Clip) -> np.ndarray:
        power = np.abs(np.fft.rfft(clip.samples)) ** 2
        parts = np.array([part.sum() for part in np.array_split(power, 8)], np.float32)
        return parts / np.linalg.norm(parts)


def pieces_of(text: str, *, pause_s: float = 0.3) -> list[Piece]:
    """One piece for each sentence; "[pause]." is a pause of a second."""
    parts = [part for part in re.split(r"(?<=[.!?])(?= )", text) if part]
    spoken = [part.strip() if "[pause]" not in part else "" for part in parts]
    return [Piece(text=t, spoken=s, pause_s=pause_s if s else 1.0) for t, s in zip(parts, spoken, strict=True)]
