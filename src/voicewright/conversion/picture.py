"""`draw_curves`: pitch curves over each other, as a picture: what was sung, what was wished, what came out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from voicewright.audio.pitch import Pitch
from voicewright.errors import BadSetting, NotWritten

INK, FAINT = "#22313f", "#d5dbe0"
# Okabe and Ito's colours, which the colour-blind tell apart too; the first is drawn first, so the thickest.
COLOURS = ("#9aa5ae", "#0072b2", "#d55e00", "#009e73", "#cc79a7")
WIDTHS = (4.0, 3.0, 1.4, 1.4, 1.4)
STYLES = ("-", "-", "-", "--", ":")
LEAP = 3.0
"""Semitones from one frame to the next through which no line is drawn: a leap, or a slip of the tracker."""
NOTES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
A4_HZ, A4 = 440.0, 69
"""Concert pitch, and its number in the MIDI standard."""
MARGIN = 2.0
WIDE = 30.0
"""Semitones shown above which only every octave's C, E and G♯ get a name."""


def note_name(semitones: float) -> str:
    """The name of the nearest note, by its MIDI number: 69 is A4."""
    nearest = round(semitones)
    return f"{NOTES[nearest % 12]}{nearest // 12 - 1}"


def draw_curves(curves: Mapping[str, Pitch], path: Path, *, title: str = "") -> None:
    """Write a picture of one to five curves by name; only what is voiced is drawn, on a scale of notes and one of Hz.

    The format follows from the file's name (.png, .svg, .pdf). Nothing is shown on a screen.

    Raises:
        BadSetting: no curve, too many, none with a voiced frame, or an unknown format.
        NotWritten: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if not 1 <= len(curves) <= len(COLOURS):
        raise BadSetting(f"a picture shows 1 to {len(COLOURS)} pitch curves, got {len(curves)}")
    voiced = [_semitones(pitch)[pitch.voiced] for pitch in curves.values()]
    heard = np.concatenate(voiced)
    if not len(heard):
        raise BadSetting("there is nothing to draw: no frame of these curves is voiced")
    longest_s = max(pitch.seconds for pitch in curves.values())
    figure = Figure(figsize=(min(24.0, max(9.0, 0.6 * longest_s)), 5), dpi=110, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots()
    for look, (name, pitch) in enumerate(curves.items()):
        _draw(axes, name, pitch, look)
    _scale(axes, float(heard.min()), float(heard.max()))
    axes.set(xlim=(0, longest_s), xlabel="seconds")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(curves), frameon=False, fontsize=9)
    axes.set_title(title, loc="right", fontsize=10, color=INK)
    known = set(canvas.get_supported_filetypes())
    if path.suffix[1:].lower() not in known:
        raise BadSetting(f"{path.name} is no picture's name; use one of .png, .svg, .pdf")
    try:
        figure.savefig(path)
    except OSError as problem:
        raise NotWritten(f"the picture {path} cannot be written ({problem}); choose another place") from problem


def _semitones(pitch: Pitch) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """(f,) MIDI numbers, with fractions; NaN where unvoiced."""
    hz = np.where(pitch.voiced, pitch.f0_hz, np.nan).astype(np.float64)
    return A4 + 12 * np.log2(hz / A4_HZ)


def _draw(axes: Any, name: str, pitch: Pitch, look: int) -> None:
    height = _semitones(pitch)
    times = np.arange(len(height)) * pitch.hop_s
    # a gap where a line would cross a leap; both of its ends stay
    leaps = np.flatnonzero(np.abs(np.diff(height)) > LEAP) + 1
    label = f"{name}: {note_name(A4 + 12 * np.log2(pitch.median_hz / A4_HZ))}" if pitch.voiced.any() else name
    axes.plot(
        np.insert(times, leaps, np.nan),
        np.insert(height, leaps, np.nan),
        color=COLOURS[look],
        linewidth=WIDTHS[look],
        linestyle=STYLES[look],
        solid_capstyle="round",
        label=f"{label}, {pitch.median_hz:.0f} Hz" if pitch.voiced.any() else f"{label}: not voiced",
    )


def _scale(axes: Any, lowest: float, highest: float) -> None:
    """Lines at the notes, their names on the left, Hz at the same lines on the right."""
    low, high = lowest - MARGIN, highest + MARGIN
    natural = (0, 4, 8) if high - low > WIDE else (0, 2, 4, 5, 7, 9, 11)
    notes = [note for note in range(int(np.ceil(low)), int(high) + 1) if note % 12 in natural]
    axes.set(ylim=(low, high), ylabel="note")
    axes.set_yticks(notes, [note_name(note) for note in notes], fontsize=8)
    axes.grid(axis="y", color=FAINT, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    right = axes.twinx()
    right.set(ylim=(low, high), ylabel="Hz")
    right.set_yticks(notes, [f"{A4_HZ * 2 ** ((note - A4) / 12):.0f}" for note in notes], fontsize=8)
    right.spines[["top"]].set_visible(False)
