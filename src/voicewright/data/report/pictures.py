"""Small drawings as inline SVG: histograms, bars, and a clip's wave with its words. Colours come from the page."""

import math
from collections.abc import Sequence
from html import escape
from itertools import pairwise

import numpy as np

from voicewright.audio.clip import Clip
from voicewright.data.utterance import TimedWord

BINS = 32
WIDTH, HEIGHT = 320, 120
WAVE_WIDTH, WAVE_HEIGHT, WORDS_HEIGHT = 900, 90, 26
LETTER = 7.0
"""Width of a letter in the drawing's units; a word that does not fit is cut."""
SHOWN_PERCENT = (0.5, 99.5)
"""What lies further out is counted in the outermost bars."""


def histogram(kept: Sequence[float], dropped: Sequence[float], title: str, unit: str, absent: str) -> str:
    """Bars of the kept values with the dropped ones on top; `absent` when there are none."""
    values = np.array([*kept, *dropped], np.float64)
    if not len(values):
        return f'<figure class="plot"><figcaption>{escape(title)}</figcaption><p class="quiet">{absent}</p></figure>'
    edges = nice_edges(values)
    counts = [np.histogram(np.clip(part, edges[0], edges[-1]), edges)[0] for part in (kept, dropped)]
    top = max(1, int((counts[0] + counts[1]).max()))
    step = WIDTH / (len(edges) - 1)
    bars = []
    for i, (good, bad) in enumerate(zip(*counts, strict=True)):
        label = f"<title>{edges[i]:g} to {edges[i + 1]:g} {escape(unit)}: {good} kept, {bad} dropped</title>"
        base = float(HEIGHT)
        for count, name in ((int(good), "k"), (int(bad), "d")):
            height = HEIGHT * count / top
            base -= height
            if count:
                box = f'x="{i * step + 0.5:.1f}" y="{base:.1f}" width="{step - 1:.1f}" height="{height:.1f}"'
                bars.append(f'<rect class="{name}" {box}>{label}</rect>')
    median = f"median {_short(float(np.median(kept)))} {unit}".strip() if len(kept) else ""
    ticks = "".join(
        f'<text x="{x:.0f}" y="{HEIGHT + 14}" text-anchor="{anchor}">{_short(value)}</text>'
        for x, value, anchor in (
            (0, edges[0], "start"),
            (WIDTH / 2, edges[(len(edges) - 1) // 2], "middle"),
            (WIDTH, edges[-1], "end"),
        )
    )
    caption = f"<figcaption>{escape(title)} <span>{escape(median)}</span></figcaption>"
    axis = f'<line x1="0" y1="{HEIGHT}" x2="{WIDTH}" y2="{HEIGHT}"/>'
    picture = f'<svg viewBox="0 0 {WIDTH} {HEIGHT + 18}" role="img" aria-label="{escape(title)}">'
    return f'<figure class="plot">{caption}{picture}{"".join(bars)}{axis}{ticks}</svg></figure>'


def nice_edges(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> list[float]:
    """An even number of equal bins with round edges over nearly all values."""
    low, high = (float(value) for value in np.percentile(values, SHOWN_PERCENT))
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / BINS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    last += (last - first) % 2
    return [round(i * step, 10) for i in range(first, max(last, first + 2) + 1)]


def sound_bars(sounds: Sequence[tuple[str, float, float | None, int, str]]) -> str:
    """Phonemes as bars of their share beside a mark for the usual share; each (symbol, share, usual, count, state)."""
    top = max([max(share, usual or 0) for _, share, usual, _, _ in sounds], default=0) or 1
    cells = []
    for symbol, share, usual, count, state in sounds:
        mark = "" if usual is None else f'<i style="bottom:{100 * usual / top:.1f}%"></i>'
        expected = "" if usual is None else f", {usual:.2%} in running text"
        about = escape(f"{symbol}: {count} times, {share:.2%} of all sounds{expected}")
        bar = f'<div class="bar"><b style="height:{100 * share / top:.1f}%"></b>{mark}</div>'
        cells.append(f'<div class="sound {state}" title="{about}">{bar}<span>{escape(symbol)}</span></div>')
    return f'<div class="sounds">{"".join(cells)}</div>'


def wave(clip: Clip, words: Sequence[TimedWord]) -> str:
    """The envelope of a clip and below it its words, each as wide as it lasts and coloured by its score."""
    seconds = max(clip.seconds, 1e-3)
    columns = WAVE_WIDTH // 2
    edges = np.linspace(0, len(clip), columns + 1).astype(int)
    peaks = np.array([np.abs(clip.samples[a:b]).max(initial=0.0) for a, b in pairwise(edges)])
    heights = np.maximum(0.6, peaks / max(0.05, float(peaks.max(initial=0.0))) * WAVE_HEIGHT / 2)
    middle = WAVE_HEIGHT / 2
    path = "".join(f"M{2 * i + 1} {middle - h:.1f}V{middle + h:.1f}" for i, h in enumerate(heights.tolist()))
    height = WAVE_HEIGHT + (WORDS_HEIGHT if words else 0) + 14
    parts = [f'<path class="wave" d="{path}"/>']
    for word in words:
        x, width = WAVE_WIDTH * word.start_s / seconds, WAVE_WIDTH * (word.end_s - word.start_s) / seconds
        parts.append(_word(word, x, max(1.0, width)))
    for at_s in _times(seconds):
        x = WAVE_WIDTH * at_s / seconds
        parts.append(f'<text class="tick" x="{x:.0f}" y="{height - 2}">{at_s:g} s</text>')
    label = f"waveform of {clip.seconds:.1f} seconds"
    box = f'viewBox="0 0 {WAVE_WIDTH} {height}" role="img" aria-label="{label}"'
    return f'<div class="strip"><svg class="clip" {box}>{"".join(parts)}</svg></div>'


def _word(word: TimedWord, x: float, width: float) -> str:
    letters = int((width - 4) / LETTER)
    text = word.text if len(word.text) <= letters else f"{word.text[: letters - 1]}…" if letters > 2 else ""
    score = "" if word.score is None else f", fit {word.score:.2f}"
    about = escape(f"{word.text}: {word.start_s:.2f} to {word.end_s:.2f} s{score}")
    hue = "none" if word.score is None else f"s{min(4, max(0, int(word.score * 5)))}"
    place = f'x="{x:.1f}" y="{WAVE_HEIGHT}" width="{width:.1f}" height="{WORDS_HEIGHT - 4}"'
    box = f'<rect class="word {hue}" {place} rx="3"/>'
    shown = f'<text x="{x + width / 2:.1f}" y="{WAVE_HEIGHT + 15}">{escape(text)}</text>' if text else ""
    guide = f'<line x1="{x:.1f}" y1="4" x2="{x:.1f}" y2="{WAVE_HEIGHT}"/>'
    return f"<g><title>{about}</title>{guide}{box}{shown}</g>"


def _times(seconds: float) -> list[float]:
    step = next(step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 600, math.inf) if seconds / step <= 10)
    return [round(i * step, 3) for i in range(int(seconds / step * 0.96) + 1)] if math.isfinite(step) else [0.0]


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 20 else f"{value:.2g}"
