"""What `train_phone_model.py` trains on: spoken lines with the phones allowed in each moment, and ways to spoil sound.

t samples at 16 kHz · g moments of 5 ms · o frames of 20 ms
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate, pad

from voicewright.nn.phones import SILENCE, phone_classes
from voicewright.text.tokens import VOCABULARY

RATE, MOMENT, FRAME = 16_000, 80, 400
CROP_S = 4.0
LEAD = 11
"""Moments by which the engine's sound runs ahead of its durations: 55 ms. Found as the lag at which high-band energy
fits sibilants, full-band energy vowels, and quiet stops best (-50, -60, -60 ms; quartiles over lines -65 and -50)."""
SLACK = 2
"""Moments around a border in which either neighbour is right."""
QUIET_DB, LOUD_DB, SILENT_DB = -38.0, -20.0, -48.0
"""Against loud speech. A gap that is quieter than QUIET is silence, one louder than LOUD is not; a phone below SILENT
may be silence, too."""
SYMBOLS = {index: symbol for symbol, index in VOCABULARY.items()}


@dataclass(frozen=True, eq=False)
class Said:
    """Samples (t,) and the classes (g, 3) that are right in each moment."""

    samples: NDArray[np.int16]
    targets: NDArray[np.int16]


def read_shard(path: Path) -> list[Said]:
    with np.load(path) as shard:
        samples, tokens, frames = shard["samples"], shard["tokens"], shard["frames"]
        ends, last = np.cumsum(shard["lengths"]), np.cumsum(shard["counts"])
    lines = zip(np.split(samples, ends[:-1]), np.split(tokens, last[:-1]), np.split(frames, last[:-1]), strict=True)
    return [Said(wave, allowed_classes(wave, tokens, frames)) for wave, tokens, frames in lines]


def allowed_classes(
    samples: NDArray[np.int16], tokens: NDArray[np.int16], frames: NDArray[np.int16]
) -> NDArray[np.int16]:
    """(g, 3) classes that are right in each moment, repeated where there are fewer than three."""
    phones, lengths = phones_in(tokens, frames)
    known = np.where(phones >= 0, phones, SILENCE)
    before, after = np.r_[SILENCE, known[:-1]], np.r_[known[1:], SILENCE]
    sets = np.stack([known, known, known], 1)
    gaps = phones < 0
    sets[gaps] = np.stack([before, np.full(len(known), SILENCE), after], 1)[gaps]
    place = np.repeat(np.arange(len(phones)), lengths * (FRAME // MOMENT))
    place = np.r_[place[LEAD:], np.full(LEAD, place[-1])][: len(samples) // MOMENT]
    allowed, gap = sets[place], gaps[place]
    level = levels(samples, len(place))
    allowed[gap & (level < QUIET_DB)] = SILENCE
    loud = gap & (level > LOUD_DB)
    allowed[loud, 1] = np.where(allowed[loud, 0] != SILENCE, allowed[loud, 0], allowed[loud, 2])
    allowed[~gap & (level < SILENT_DB), 1] = SILENCE
    for step in (-SLACK, SLACK):
        near = place[np.clip(np.arange(len(place)) + step, 0, len(place) - 1)]
        border = ~gap & ~gaps[near] & (near != place)
        allowed[border, 2] = known[near[border]]
    return allowed.astype(np.int16)


def phones_in(tokens: NDArray[np.int16], frames: NDArray[np.int16]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Classes (-1: a gap) and frames of 25 ms. A stress mark is part of the vowel after it, a length mark of the one
    before; gaps that touch are one."""
    phones: list[int] = []
    lengths: list[int] = []
    waiting = 0
    for token, count in zip(tokens.tolist(), frames.tolist(), strict=True):
        symbol = SYMBOLS.get(token, " ")
        if symbol in "ˈˌ":
            waiting += count
        elif symbol in "ːʰʲ̃" and lengths:
            lengths[-1] += count
        else:
            phone = (phone_classes(symbol) or [-1])[0]
            if phone < 0 and phones and phones[-1] < 0:
                lengths[-1] += count + waiting
            else:
                phones.append(phone)
                lengths.append(count + waiting)
            waiting = 0
    return np.array(phones), np.array(lengths)


def levels(samples: NDArray[np.int16], count: int) -> NDArray[np.float64]:
    """(g,) dB of 20 ms around each moment, against loud speech (the 95th percentile)."""
    power = (samples[: count * MOMENT].reshape(count, MOMENT).astype(np.float64) ** 2).mean(1)
    smooth = np.convolve(power, np.full(4, 0.25), "same") + 1e-3
    return 10 * np.log10(smooth / np.percentile(smooth, 95))


def crop(lines: list[Said], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """4 s of one or several lines, at 0.87 to 1.15 times their speed (and pitch): (t,) samples, (o, 3) classes."""
    speed = float(np.exp(np.clip(rng.normal(0, 0.06), -0.14, 0.14)))
    wanted = int(CROP_S * RATE * speed) // MOMENT + 1
    waves: list[NDArray[np.float32]] = []
    targets: list[NDArray[np.int16]] = []
    while sum(map(len, targets)) < wanted:
        line = lines[rng.integers(len(lines))]
        moments = len(line.targets)
        start = int(rng.integers(0, max(1, moments - wanted // 2))) if not waves else 0
        loudness = 10 ** (rng.uniform(-6, 6) / 20) / 32768
        waves.append(line.samples[start * MOMENT : moments * MOMENT].astype(np.float32) * loudness)
        targets.append(line.targets[start:])
        pause = int(rng.exponential(0.2 if rng.random() < 0.8 else 1.0) * RATE) // MOMENT
        waves.append(np.zeros(pause * MOMENT, np.float32))
        targets.append(np.full((pause, 3), SILENCE, np.int16))
    wave = torch.from_numpy(np.concatenate(waves)[: wanted * MOMENT])
    size = int(CROP_S * RATE)
    resampled = interpolate(wave[None, None], size=round(len(wave) / speed), mode="linear")[0, 0, :size]
    places = np.arange(int(CROP_S * 50)) * 4 * speed
    places = np.minimum(np.round(places), wanted - 1).astype(np.int64)
    return pad(resampled, (0, size - len(resampled))), torch.from_numpy(np.concatenate(targets)[places]).long()


def spoilt(waves: Tensor, rng: np.random.Generator, generator: torch.Generator) -> Tensor:
    """(b, t) sound as from other rooms, lines, microphones and streets."""
    babble = waves.roll(1, 0).roll(RATE // 2, 1) + waves.roll(2, 0).roll(RATE, 1) + waves.roll(3, 0).flip(1)
    rows = []
    for wave, voices in zip(waves, babble, strict=True):
        if rng.random() < 0.5:
            wave = reverberant(wave, rng, generator)
        if rng.random() < 0.8:
            noise = voices if rng.random() < 0.25 else coloured_noise(len(wave), rng, generator)
            wave = noisy(wave, noise, snr_db=rng.uniform(3, 40) + 6 * float(noise is voices))
        if rng.random() < 0.15:
            wave = clicking(wave, rng, generator)
        if rng.random() < 0.75:
            wave = filtered(wave, rng, generator)
        if rng.random() < 0.1:
            wave = wave.clamp(-1, 1) if rng.random() < 0.5 else torch.tanh(wave * rng.uniform(1, 6) / wave.abs().max())
        rows.append(wave + 10 ** rng.uniform(-6, -3.5) * torch.randn(wave.shape, generator=generator))
    return torch.stack(rows)


def reverberant(wave: Tensor, rng: np.random.Generator, generator: torch.Generator) -> Tensor:
    """Convolved with a decaying noise, 0.1 to 0.7 s to -60 dB, after the direct sound."""
    seconds = rng.uniform(0.1, 0.7)
    times = torch.arange(int(seconds * RATE)) / RATE
    tail = torch.randn(times.shape, generator=generator) * torch.exp(-6.9 * times / seconds)
    tail[: int(rng.uniform(0.001, 0.02) * RATE)] = 0
    tail *= 10 ** (rng.uniform(-12, 3) / 20) / tail.norm().clamp(min=1e-6)
    tail[0] = 1.0
    size = len(wave) + len(tail)
    return torch.fft.irfft(torch.fft.rfft(wave, size) * torch.fft.rfft(tail, size), size)[: len(wave)]


def coloured_noise(count: int, rng: np.random.Generator, generator: torch.Generator) -> Tensor:
    """White to brown noise, now and then swelling."""
    spectrum = torch.fft.rfft(torch.randn(count, generator=generator))
    noise = torch.fft.irfft(spectrum / torch.arange(1, len(spectrum) + 1).float() ** rng.uniform(0, 1.0), count)
    if rng.random() < 0.3:
        noise = noise * (1 + torch.sin(torch.arange(count) * (2 * np.pi * rng.uniform(0.2, 4) / RATE))).square()
    return noise


def clicking(wave: Tensor, rng: np.random.Generator, generator: torch.Generator) -> Tensor:
    """With up to five bursts: mouths, keys, doors, breath."""
    wave = wave.clone()
    for _ in range(int(rng.integers(1, 6))):
        size = int(rng.choice([40, 160, 800, 4000]))
        burst = coloured_noise(size, rng, generator) * torch.hann_window(size)
        start = int(rng.integers(len(wave) - size))
        wave[start : start + size] += burst * wave.std() * rng.uniform(0.1, 1) / burst.std().clamp(min=1e-6)
    return wave


def noisy(wave: Tensor, noise: Tensor, *, snr_db: float) -> Tensor:
    return wave + noise * (wave.norm() / noise.norm().clamp(min=1e-6) * 10 ** (-snr_db / 20))


def filtered(wave: Tensor, rng: np.random.Generator, generator: torch.Generator) -> Tensor:
    """Through a crooked frequency response, often with less treble (a telephone's 3.4 kHz at worst) or bass."""
    hz = torch.fft.rfftfreq(len(wave), 1 / RATE)
    knots = torch.randn(1, 1, int(rng.integers(3, 9)), generator=generator) * rng.uniform(0, 8)
    gain_db = interpolate(knots, size=len(hz), mode="linear", align_corners=True)[0, 0]
    if rng.random() < 0.5:
        gain_db = gain_db - (hz / rng.uniform(3200, 7900) - 1).clamp(min=0) * 400
    if rng.random() < 0.4:
        gain_db = gain_db - (1 - hz / rng.uniform(50, 350)).clamp(min=0) * 60
    return torch.fft.irfft(torch.fft.rfft(wave) * 10 ** (gain_db.clamp(-80, 30) / 20), len(wave))


def masked(features: Tensor, rng: np.random.Generator) -> Tensor:
    """(b, f, m) features with up to two bands and one moment of each blanked (SpecAugment, Park et al., 2019)."""
    kept = torch.ones_like(features)
    for row in kept:
        for _ in range(2):
            start = int(rng.integers(row.shape[1]))
            row[:, start : start + int(rng.integers(0, 12))] = 0
        start = int(rng.integers(row.shape[0]))
        row[start : start + int(rng.integers(0, 12))] = 0
    return features * kept
