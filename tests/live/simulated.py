"""Converters that do something simple, and a sound card whose time does not pass by itself."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.audio.pitch import Pitch
from voicewright.live.options import LiveOptions
from voicewright.live.session import LiveSession


class FlatPitch:
    """Finds 100 Hz everywhere."""

    def track(self, clip: Clip) -> Pitch:
        count = round(clip.seconds / 0.01)
        return Pitch(np.full(count, 100, np.float32), np.ones(count, np.float32), 0.01)


@dataclass
class Fake:
    """Gives back what it hears, louder or quieter, at a rate of its own; keeps the pitch that it was given."""

    rate: int = 24_000
    home_hz: float = 200.0
    context_s: float = 0.2
    longest_s: float = 30.0
    gain: float = 1.0
    takes: Callable[[float], None] = lambda seconds: None
    windows_s: list[float] = field(default_factory=list)
    pitches: list[Pitch] = field(default_factory=list)

    def convert(self, clip: Clip, pitch: Pitch, *, seed: int = 0, part_s: object = None) -> Clip:
        self.windows_s.append(clip.seconds)
        self.pitches.append(pitch)
        self.takes(clip.seconds)
        made = resample(clip, self.rate)
        return made.with_samples(made.samples * self.gain)


class Broken(Fake):
    """Works for a while."""

    def convert(self, clip: Clip, pitch: Pitch, *, seed: int = 0, part_s: object = None) -> Clip:
        if len(self.windows_s) > 20:
            raise RuntimeError("the network is gone")
        return super().convert(clip, pitch, seed=seed)


@dataclass
class SimulatedCard:
    """Its clock stands still until something takes time; then its calls happen, as those of a real card would.

    Args:
        sound: what the microphone hears, at `input_rate`.
        jitter_s: each call comes up to that much late, by chance.
    """

    sound: NDArray[np.float32]
    input_rate: int = 48_000
    output_rate: int = 48_000
    period_s: float = 0.01
    latency_s: float = 0.0
    waits: bool = False
    jitter_s: float = 0.0
    now_s: float = 0.0
    name: str = "simulated"

    def __post_init__(self) -> None:
        self.played: list[NDArray[np.float32]] = []
        self._calls = 0
        self._random = np.random.default_rng(1)
        self._began_s: float | None = None

    @property
    def finished(self) -> bool:
        return self._calls * round(self.period_s * self.input_rate) >= len(self.sound)

    @property
    def output(self) -> NDArray[np.float32]:
        return np.concatenate(self.played)

    def clock(self) -> float:
        return self.now_s

    def start(self, capture, playback) -> None:
        self._capture, self._playback, self._began_s = capture, playback, self.now_s
        self._next_s = self.now_s + self.period_s

    def stop(self) -> None:
        self._began_s = None

    def passes(self, seconds: float) -> None:
        """Time passes; the card calls meanwhile."""
        until_s = self.now_s + seconds
        while self._began_s is not None and self._next_s <= until_s and not self.finished:
            self.now_s = max(self.now_s, self._next_s)
            size = round(self.period_s * self.input_rate)
            part = self.sound[self._calls * size : (self._calls + 1) * size]
            self._capture(np.pad(part, (0, size - len(part))))
            self.played.append(self._playback(round(self.period_s * self.output_rate)))
            self._calls += 1
            self._next_s = self._began_s + (self._calls + 1) * self.period_s + self._random.uniform(0, self.jitter_s)
        self.now_s = until_s


def session_of(card: SimulatedCard, converter: Fake, options: LiveOptions, said: list[str]) -> LiveSession:
    return LiveSession(converter, FlatPitch(), options, card, tell=said.append, clock=card.clock)


def play(card: SimulatedCard, converter: Fake, options: LiveOptions, *, at=None) -> tuple[LiveSession, list[str]]:
    """A whole session in the card's own time, without threads.

    Args:
        at: seconds → what happens to the session then.
    """
    said: list[str] = []
    session = session_of(card, converter, options, said)
    pipeline = session.prepare()
    card.start(pipeline.capture, pipeline.playback)
    began_s, left = card.now_s, sorted((at or {}).items())
    while not card.finished:
        while left and card.now_s - began_s >= left[0][0]:
            left.pop(0)[1](session)
        if not session.step():
            card.passes(0.001)
    return session, said


def delay_samples(before: NDArray[np.float32], after: NDArray[np.float32], longest: int) -> int:
    """By how much `after` is later, where both are most alike."""
    size = len(before) - longest
    windows = np.lib.stride_tricks.sliding_window_view(after, size)[: longest + 1]
    start = size // 2
    return int(np.argmax(windows[:, start : start + 8000] @ before[start : start + 8000]))


def speech_like(seconds: float, rate: int, seed: int = 0) -> NDArray[np.float32]:
    """Noise whose level goes up and down like syllables: it is like itself at one delay only."""
    random = np.random.default_rng(seed)
    noise = resample(Clip(random.standard_normal(round(seconds * 8000)), 8000), rate).samples
    at_s = np.arange(len(noise)) / rate
    return (0.1 * noise * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * at_s))).astype(np.float32)
