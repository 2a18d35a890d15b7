"""Pitch curves as the networks of the so-vits-svc family want them, in numpy; `f0_features` goes on from there.

t frames · c channels

Three dialects: "own" is what this project uses; "fork" (so-vits-svc-fork 4.2) and "upstream" (so-vits-svc 4.1) give the
numbers of those programs, their slips included, to check networks against them and to make training data like theirs.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.floating]
Dialect = Literal["own", "fork", "upstream"]
Rule = Literal["nearest", "left", "linear", "cut"]

FRAME_S = 512 / 44_100
"""From one frame to the next in every published model."""


def interpolated(f0_hz: Curve, dialect: Dialect = "own") -> tuple[Curve, NDArray[np.float32]]:
    """(t,) pitch with 0 where unvoiced -> (t,) pitch through the pauses too, and (t,) 1 where it was voiced.

    Straight lines between the voiced frames, the first and the last held at the ends; zeros where nothing is voiced.
    The fork's lines arrive one frame early, and when only the last frame follows a pause its pitch is lost.
    Upstream's give zeros when one frame is voiced, unless it is the first.
    """
    voiced = (f0_hz > 0).astype(np.float32)
    at = np.flatnonzero(f0_hz > 0)
    if dialect == "fork":
        return _interpolated_by_fork(f0_hz), voiced
    if not len(at):
        return np.zeros_like(f0_hz), voiced
    if dialect == "upstream":
        if len(at) == 1:
            return np.full_like(f0_hz, f0_hz[0]), voiced
        # the voiced frames' times are rounded to float32 there, and the others are not
        known = np.float32(FRAME_S) * at.astype(np.float32)
        return np.interp(np.arange(len(f0_hz)) * FRAME_S, known, f0_hz[at]), voiced
    return np.interp(np.arange(len(f0_hz)), at, f0_hz[at]).astype(f0_hz.dtype), voiced


def _interpolated_by_fork(f0_hz: Curve) -> Curve:
    filled, size = f0_hz.copy(), len(f0_hz)
    bounds = np.flatnonzero(np.diff(f0_hz <= 0, prepend=False, append=False))
    for start, end in bounds.reshape(-1, 2):
        before = filled[start - 1] if start else filled.dtype.type(0)
        if end >= size - 1:
            filled[start:] = before
        elif before > 0:
            step = (filled[end] - before) / float(end - start)
            filled[start:end] = before + step * np.arange(1, end - start + 1, dtype=filled.dtype)
        else:
            filled[start:end] = filled[end]
    return filled


def stretched(f0_hz: Curve, frames: int) -> tuple[Curve, NDArray[np.float32]]:
    """(t,) -> (frames,): each frame the nearest before it, then straight lines through the pauses; and where it is
    voiced. Upstream does this to what its network trackers (rmvpe, crepe, fcpe) find."""
    nearest = expanded(f0_hz[None].astype(np.float64), frames)[0]
    return interpolated(nearest)


def resized(f0_hz: Curve, frames: int, dialect: Dialect = "own") -> Curve:
    """(t,) pitch with 0 where unvoiced -> (frames,): lines between two voiced frames, else the nearer frame.

    In the other dialects all that lies between a voiced and an unvoiced frame is unvoiced: notes lose their ends.
    """
    size = len(f0_hz)
    at = np.arange(frames) * size / max(1, frames)
    known = np.arange(size)
    if not size:
        return np.zeros(frames, f0_hz.dtype)
    heard = np.where(f0_hz < 0.001, np.nan, f0_hz)
    lines = np.nan_to_num(np.interp(at, known, heard))
    if dialect == "own":
        nearer = f0_hz[np.minimum(np.floor(at + 0.5).astype(int), size - 1)]
        lines = np.where(lines > 0, lines, nearer)
    return lines.astype(f0_hz.dtype)


def expanded(content: Curve, frames: int, rule: Rule = "nearest") -> Curve:
    """(c, t) -> (c, frames) content features at another frame rate.

    Args:
        rule: "nearest" repeats or drops frames evenly; "linear" blends two; "left" (upstream's without the setting
            `unit_interpolate_mode`) repeats, and when there are fewer frames keeps the first ones; "cut" (the fork) is
            nearest, and when there are fewer frames keeps the first ones.
    """
    size = content.shape[-1]
    if rule == "cut" and frames < size:
        return content[:, :frames]
    if rule == "left":
        return content[:, _left(size, frames)]
    ratio = np.float32(size / max(1, frames))
    if rule == "linear":
        at = np.maximum((np.arange(frames, dtype=np.float32) + np.float32(0.5)) * ratio - np.float32(0.5), 0)
        before = np.minimum(at.astype(int), size - 1)
        after = np.minimum(before + 1, size - 1)
        share = (at - before).astype(content.dtype)
        blended: Curve = content[:, before] * (1 - share) + content[:, after] * share
        return blended
    at = np.floor(np.arange(frames, dtype=np.float32) * ratio)
    return content[:, np.minimum(at.astype(int), size - 1)]


def _left(size: int, frames: int) -> NDArray[np.int64]:
    """The source of each frame: it moves on, by one at most, when the frame has reached the next one's share."""
    ends = (np.arange(size + 1, dtype=np.float32) * np.float32(frames)) / np.float32(size)
    found, now = np.zeros(frames, np.int64), 0
    for frame in range(frames):
        now += int(frame >= ends[now + 1])
        found[frame] = now
    return found
