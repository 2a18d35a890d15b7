"""Voices and trackers of which everything is known."""

from dataclasses import dataclass, field

import numpy as np

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.audio.pitch import Pitch


@dataclass
class Mirror:
    """A "voice" that says exactly what it hears, `gain` times as loud, and remembers what it was given."""

    rate: int = 16_000
    home_hz: float = 0.0
    context_s: float = 0.3
    longest_s: float = 30.0
    gain: float = 1.0
    heard: list[Clip] = field(default_factory=list)
    wished: list[Pitch] = field(default_factory=list)

    def convert(self, clip: Clip, pitch: Pitch, *, seed: int = 0, part_s: object = None) -> Clip:
        assert clip.seconds <= self.longest_s
        self.heard.append(clip)
        self.wished.append(pitch)
        made = resample(clip, self.rate)
        return made.with_samples(self.gain * made.samples)


@dataclass
class Clockwork:
    """A "tracker" that finds 200 Hz wherever there is sound, in frames of 10 ms."""

    hz: float = 200.0
    hop_s: float = 0.01
    seconds: list[float] = field(default_factory=list)

    def track(self, clip: Clip) -> Pitch:
        self.seconds.append(clip.seconds)
        count = round(clip.seconds / self.hop_s)
        at = np.minimum((np.arange(count) * self.hop_s * clip.rate).astype(int), max(0, len(clip) - 1))
        loud = np.abs(clip.samples[at]) + np.abs(clip.samples[np.maximum(at - 3, 0)]) > 1e-3
        return Pitch(np.where(loud, self.hz, 0).astype(np.float32), loud.astype(np.float32), self.hop_s)


def talk(*lengths_s: float, rate: int = 16_000, pause_s: float = 1.0, amplitude: float = 0.3) -> Clip:
    """ "Speech": tones of the given lengths, with soft noise between and below them."""
    rng = np.random.default_rng(5)
    parts = []
    for i, length_s in enumerate(lengths_s):
        parts += [np.zeros(round(pause_s * rate))] if i else []
        parts += [amplitude * np.sin(2 * np.pi * 220 * np.arange(round(length_s * rate)) / rate)]
    whole = np.concatenate(parts)
    return Clip((whole + 1e-4 * rng.standard_normal(len(whole))).astype(np.float32), rate)
