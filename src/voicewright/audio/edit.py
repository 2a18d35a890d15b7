"""Cutting and joining: every function takes clips and returns a new one."""

from collections.abc import Iterable

import numpy as np

from voicewright.audio.clip import Clip, Samples
from voicewright.audio.streaming import StreamResampler
from voicewright.errors import BadClip

LEVEL_FRAME_S = 0.02  # short enough to follow syllables, long enough for one period of the lowest voice (50 Hz)


def resample(clip: Clip, rate: int) -> Clip:
    """The same sound at another rate; its length is the nearest whole number of samples.

    Method: soxr's "very high quality" recipe.

    Raises:
        BadClip: `rate` is not positive.
    """
    if rate == clip.rate:
        return clip
    return Clip(StreamResampler(clip.rate, rate).feed(clip.samples, last=True), rate)


def gain(clip: Clip, db: float) -> Clip:
    """The clip made louder (`db` > 0) or quieter. Nothing is limited: see `loudness.normalise` for that."""
    return clip.with_samples(clip.samples * np.float32(10 ** (db / 20)))


def pad(clip: Clip, before_s: float = 0.0, after_s: float = 0.0) -> Clip:
    """The clip with silence before and after it, both ≥ 0 s.

    Raises:
        BadClip: a negative duration.
    """
    if min(before_s, after_s) < 0:
        raise BadClip(f"silence cannot last less than nothing: {before_s} s before, {after_s} s after")
    return clip.with_samples(np.pad(clip.samples, (round(before_s * clip.rate), round(after_s * clip.rate))))


def trim(clip: Clip, *, floor_db: float = -45.0, keep_ms: float = 50.0) -> Clip:
    """The clip without the quiet at its two ends; what is quiet in the middle stays.

    Args:
        floor_db: a 20 ms frame is quiet when it is that much below the loudest frame (< 0).
        keep_ms: quiet kept at each end, so that soft onsets and tails survive.

    Returns:
        A part of the clip; an empty clip when it is digital silence throughout.
    """
    size = max(1, round(LEVEL_FRAME_S * clip.rate))
    frames = np.zeros((-(-len(clip) // size), size), np.float64)
    frames.reshape(-1)[: len(clip)] = clip.samples
    power = np.mean(frames**2, axis=1)
    loud = np.flatnonzero(power > power.max(initial=0.0) * 10 ** (floor_db / 10))
    if not len(loud):
        return clip.with_samples([])
    keep = round(keep_ms / 1000 * clip.rate)
    return clip.with_samples(clip.samples[max(0, loud[0] * size - keep) : (loud[-1] + 1) * size + keep])


def fade(clip: Clip, in_ms: float, out_ms: float) -> Clip:
    """The clip rising from silence over `in_ms` and sinking back over `out_ms` (half cosines, ≥ 0 ms).

    A fade longer than the clip is cut to it; where both overlap, both apply.

    Raises:
        BadClip: a negative duration.
    """
    if min(in_ms, out_ms) < 0:
        raise BadClip(f"a fade cannot last less than nothing: {in_ms} ms in, {out_ms} ms out")
    rise, fall = (min(len(clip), round(ms / 1000 * clip.rate)) for ms in (in_ms, out_ms))
    samples = clip.samples.copy()
    samples[:rise] *= rising(rise)
    samples[len(samples) - fall :] *= rising(fall)[::-1]
    return clip.with_samples(samples)


def join(clips: Iterable[Clip], *, crossfade_ms: float = 0.0) -> Clip:
    """One clip after the other, each overlapping the one before by `crossfade_ms`.

    The weights of an overlap add up to one (half cosines), so two cuts of one recording that share
    the overlap join to that recording exactly. A clip shorter than the overlap overlaps as far as it goes.

    Raises:
        BadClip: no clips at all, clips of different rates, or a negative overlap.
    """
    parts = list(clips)
    if not parts:
        raise BadClip("there is nothing to join: no clips were given")
    rates = sorted({part.rate for part in parts})
    if len(rates) > 1:
        raise BadClip(f"clips at {', '.join(map(str, rates))} Hz cannot be joined; resample them to one rate first")
    if crossfade_ms < 0:
        raise BadClip(f"an overlap cannot last less than nothing: {crossfade_ms} ms")
    overlap = round(crossfade_ms / 1000 * rates[0])
    whole: Samples = np.zeros(sum(map(len, parts)), np.float32)
    end = 0
    for part in parts:
        shared = min(overlap, end, len(part))
        ramp = rising(shared)
        start = end - shared
        whole[start:end] *= ramp[::-1]
        whole[start:end] += part.samples[:shared] * ramp
        whole[end : start + len(part)] = part.samples[shared:]
        end = start + len(part)
    return Clip(whole[:end], rates[0])


def rising(size: int) -> Samples:
    """(size,) rising half cosine; it and its mirror image add up to one."""
    ramp: Samples = (0.5 - 0.5 * np.cos(np.pi * (np.arange(size) + 0.5) / max(1, size))).astype(np.float32)
    return ramp
