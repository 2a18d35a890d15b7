"""What `train_kokoro_content.py` trains on: lines that the engine says and sings, with the content it was told to say.

n samples at 16 kHz · k tokens · t frames (40 per second) · p pitch frames, p = 2t
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate, pad

from phone_lessons import RATE, spoilt
from voicewright.engines.kokoro.decoder import VOICED_ABOVE_HZ
from voicewright.engines.kokoro.network import Kokoro, Score, whole_frames
from voicewright.text.tokens import VOCABULARY

FRAME, PITCH_FRAME = 400, 200
VOWELS = torch.tensor([VOCABULARY[symbol] for symbol in "AIOQWYaiouæɑɒɔəɛɜɪʊʌeᵻᵊɐːˈˌ" if symbol in VOCABULARY])
SCALE = np.array([0, 2, 4, 5, 7, 9, 11])
LOUDEST = 0.7
UNTOUCHED = 0.25
"""Part of the lessons that is not spoilt."""


@dataclass(frozen=True, eq=False)
class Line:
    """Samples (n,), tokens (k,), the frames of each (k,), energy (p,), NaN where nobody kept it; content (k, width)."""

    samples: NDArray[np.int16]
    tokens: NDArray[np.int16]
    frames: NDArray[np.int16]
    energy: NDArray[np.float32]
    content: NDArray[np.float16]


@dataclass(frozen=True, eq=False)
class Lesson:
    """Sound (n,), and for each frame the content (t, width), the token (t,) and the energy (2t,)."""

    wave: Tensor
    content: Tensor
    token: Tensor
    energy: Tensor


def perform(network: Kokoro, tokens: Tensor, prosody: Tensor, rng: np.random.Generator) -> Score:
    """One line as a made-up speaker says it: at another pitch than their own, flatter or livelier, or sung."""
    meaning, content = network.read(tokens)
    speed = float(np.exp(rng.uniform(np.log(0.75), np.log(1.4))))
    expected, features = network.predictor.durations(meaning, prosody)
    frames = whole_frames(expected[0] / speed)
    sung = rng.random() < 0.25
    if sung:
        stretch = torch.from_numpy(rng.uniform(1.2, 4.0, frames.shape)).float()
        frames = torch.where(torch.isin(tokens[0], VOWELS), whole_frames(frames * stretch), frames)
    f0_hz, energy = network.predictor.curves(features.repeat_interleave(frames, dim=1), prosody)
    curve = f0_hz[0].numpy().copy()
    voiced = curve > VOICED_ABOVE_HZ
    if voiced.any():
        octaves = np.log2(curve[voiced])
        middle = float(np.median(octaves))
        kind = rng.random()
        if sung:
            octaves = middle + rng.uniform(-0.2, 0.8) + melody(len(octaves), rng) / 12
        elif kind < 0.5:
            octaves = middle + rng.uniform(-0.5, 0.6) + (octaves - middle) * rng.uniform(0.0, 1.8)
        curve[voiced] = np.clip(2**octaves, 50, 1100)
    content = content.repeat_interleave(frames, dim=2)
    return Score(content, torch.from_numpy(curve)[None], energy, frames[None])


def melody(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(p,) semitones: notes of a scale, a glide to each, and vibrato."""
    curve: list[float] = []
    step = 0
    while len(curve) < count:
        step = int(np.clip(step + rng.integers(-3, 4), -5, 7))
        note = float(SCALE[step % 7] + 12 * (step // 7))
        curve += [note] * int(rng.uniform(10, 60))
    notes = np.convolve(np.pad(curve[:count], 4, "edge"), np.full(9, 1 / 9), "valid")
    phase = 2 * np.pi * rng.uniform(4.5, 7) * np.arange(count) / 80
    return notes + rng.uniform(0, 0.8) * np.sin(phase) * (rng.random() < 0.7)


def save_lines(path: Path, rows: list[tuple[NDArray[np.float32], Score, Tensor]]) -> None:
    """Sound at 16 kHz, score and tokens of each line."""
    waves = [wave * (LOUDEST / max(1e-3, float(np.abs(wave).max()))) for wave, _, _ in rows]
    np.savez(
        path,
        samples=np.concatenate([np.round(wave * 32767).astype(np.int16) for wave in waves]),
        lengths=np.array([len(wave) for wave in waves]),
        tokens=np.concatenate([tokens[0].numpy().astype(np.int16) for _, _, tokens in rows]),
        frames=np.concatenate([score.durations[0].numpy().astype(np.int16) for _, score, _ in rows]),
        energy=np.concatenate([score.energy[0].float().numpy() for _, score, _ in rows]),
        counts=np.array([tokens.shape[1] for _, _, tokens in rows]),
    )
    print(path, f"{sum(map(len, waves)) / RATE:.0f} s", flush=True)


def read_lines(path: Path, network: Kokoro) -> list[Line]:
    """The lines of a file that `save_lines` wrote, or `train_phone_model.py generate` (which keeps no energy)."""
    with np.load(path) as shard:
        samples = np.split(shard["samples"], np.cumsum(shard["lengths"])[:-1])
        ends = np.cumsum(shard["counts"])[:-1]
        tokens, frames = np.split(shard["tokens"], ends), np.split(shard["frames"], ends)
        counts = [2 * int(each.sum()) for each in frames]
        energy = shard["energy"] if "energy" in shard else np.full(sum(counts), np.nan, np.float32)
    lines = []
    for rows in zip(samples, tokens, frames, np.split(energy, np.cumsum(counts)[:-1]), strict=True):
        with torch.inference_mode():
            content = network.text_encoder(torch.from_numpy(rows[1].astype(np.int64))[None])[0].T
        lines.append(Line(*rows, content.to(torch.float16).numpy()))
    return lines


def lesson(lines: list[Line], seconds: float, rng: np.random.Generator) -> Lesson:
    """One or several lines, at 0.87 to 1.15 times their speed (and pitch)."""
    speed = float(np.exp(np.clip(rng.normal(0, 0.07), -0.15, 0.15)))
    size = round(seconds * RATE)
    wanted = int(size * speed / FRAME) + 2
    waves: list[NDArray[np.float32]] = []
    rows: list[tuple[NDArray[np.float16], NDArray[np.int16], NDArray[np.float32]]] = []
    have = 0
    while have < wanted:
        line = lines[rng.integers(len(lines))]
        place = np.repeat(np.arange(len(line.tokens)), line.frames)
        start = int(rng.integers(0, max(1, len(place) - wanted // 2))) if not waves else 0
        pause = int(rng.exponential(8 if rng.random() < 0.8 else 40))
        place = np.r_[place[start:], np.full(pause, place[-1])]
        wave = line.samples[start * FRAME :].astype(np.float32) * (10 ** (rng.uniform(-4, 4) / 20) / 32768)
        waves.append(np.pad(wave, (0, len(place) * FRAME - len(wave))))
        energy = np.r_[line.energy[2 * start :], np.full(2 * pause, line.energy[-1])]
        rows.append((line.content[place], line.tokens[place], energy))
        have += len(place)
    content, token, energy = (np.concatenate(column) for column in zip(*rows, strict=True))
    wave = torch.from_numpy(np.concatenate(waves)[: wanted * FRAME])
    resampled = interpolate(wave[None, None], size=round(len(wave) / speed), mode="linear")[0, 0, :size]
    frames = size // FRAME
    at = np.minimum((np.arange(frames) + 0.5) * speed, wanted - 1).astype(int)
    at_pitch = np.minimum((np.arange(2 * frames) + 0.5) * speed, 2 * wanted - 1).astype(int)
    return Lesson(
        pad(resampled, (0, size - len(resampled))),
        torch.from_numpy(content[at]),
        torch.from_numpy(token[at]),
        torch.from_numpy(energy[at_pitch]),
    )


def played(lessons: list[Lesson], rng: np.random.Generator, generator: torch.Generator) -> Tensor:
    """(b, n) what a microphone gives of the lessons' sound: from other rooms, lines and streets, at any level."""
    clean = torch.stack([each.wave for each in lessons])
    spoiled = spoilt(clean, rng, generator)
    keep = torch.from_numpy(rng.random(len(clean)) < UNTOUCHED)[:, None]
    waves = torch.where(keep, clean, spoiled)
    level_db = torch.from_numpy(rng.uniform(-38, -14, len(waves))).float()
    loudness = waves.square().mean(1).sqrt().clamp(min=1e-4)
    return (waves * (10 ** (level_db / 20) / loudness)[:, None]).clamp(-1, 1)
