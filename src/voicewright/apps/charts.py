"""Curves in a terminal: a chart of braille dots, and sparklines. Nothing but text."""

import math
from collections.abc import Sequence
from itertools import pairwise

# Unicode's braille patterns: two dots across and four down in a character, each a bit (U+2800 and following).
BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
BARS = "▁▂▃▄▅▆▇█"
BLANK = "\u2800"
LABEL = 9


def chart(values: Sequence[float], smooth: Sequence[float], *, width: int, height: int) -> list[tuple[str, str, str]]:
    """A curve of finite numbers, its smoothed line before it.

    Args:
        values: the curve, drawn as single dots.
        smooth: its smoothed line, as long.
        width, height: in characters; the labels of the axis lie within.

    Returns:
        `height` lines, each its label, its dots of the curve and its dots of the line: where both have a dot, the line
        has it, so that they can be laid over each other in two colours.
    """
    columns, rows = 2 * max(1, width - LABEL - 1), 4 * height
    low, high = _range([*values, *smooth])
    cloud, line = (_places(each, columns, rows, low, high) for each in (values, smooth))
    joined = set(line)
    for (x, y), (_, after) in pairwise(line):
        joined |= {(x, between) for between in range(min(y, after), max(y, after))}
    lines = []
    for top in range(0, rows, 4):
        level = high - (high - low) * top / max(1, rows - 4)
        label = f"{level:>{LABEL}.4g}" if top in (0, rows - 4) or top == 4 * (height // 2) else " " * LABEL
        drawn = [_characters(dots, columns, top) for dots in (set(cloud), joined)]
        under = "".join(BLANK if over != BLANK else dot for dot, over in zip(*drawn, strict=True))
        lines.append((label, under, drawn[1]))
    return lines


def sparkline(values: Sequence[float], width: int) -> str:
    """A curve of finite numbers as one line of bars, at most `width` characters."""
    shown = _thinned(values, width)
    low, high = _range(shown)
    return "".join(BARS[min(7, int(8 * (value - low) / (high - low)))] for value in shown)


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    size = max(abs(low), abs(high))
    # What a mean of equal numbers differs by is no curve.
    return (low, high) if high - low > 1e-9 * size else (low - (size or 1) / 2, low + (size or 1) / 2)


def _thinned(values: Sequence[float], most: int) -> list[float]:
    """Means of parts of equal length."""
    if len(values) <= most:
        return list(values)
    edges = [round(i * len(values) / most) for i in range(most + 1)]
    return [math.fsum(values[a:b]) / (b - a) for a, b in pairwise(edges)]


def _places(values: Sequence[float], columns: int, rows: int, low: float, high: float) -> list[tuple[int, int]]:
    """Dots (x from the left, y from the top), in order."""
    return [
        (i * (columns - 1) // max(1, len(values) - 1), round((high - value) / (high - low) * (rows - 1)))
        for i, value in enumerate(values)
    ]


def _characters(dots: set[tuple[int, int]], columns: int, top: int) -> str:
    return "".join(
        chr(0x2800 + sum(BITS[y][x] for y in range(4) for x in range(2) if (left + x, top + y) in dots))
        for left in range(0, columns, 2)
    )
