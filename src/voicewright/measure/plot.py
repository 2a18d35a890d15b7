"""`draw`: a report as a picture."""

from pathlib import Path
from typing import Any

import numpy as np

from voicewright.audio.activity import EnergyActivity
from voicewright.audio.clip import Clip
from voicewright.audio.mel import MelSpec, mel, to_mel
from voicewright.measure.report import NAMES, Report
from voicewright.measure.similarity import SCALES

INK, VOICE, TARGET, GOOD = "#22313f", "#2a6f97", "#d1703c", "#4c956c"
LEAP = 0.5
"""Octaves from one frame to the next that are a slip of the tracker: no line is drawn through it."""
ENVELOPE = 2000
"""Points of the waveform: more than the picture has pixels across."""


def draw(report: Report, clip: Clip, path: Path) -> None:
    """Write a picture of a clip and its report: wave and speech, spectrogram, pitch, scores.

    The recordings' pitch is drawn as the band in which nine tenths of it lie. The format follows from the file's name
    (.png, .svg, .pdf). Nothing is shown on a screen, and matplotlib's global state is left alone.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 9), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    wave, spectrogram, pitch, scores = figure.subplots(4, 1, height_ratios=(1, 1.6, 1.2, 1.1))
    _draw_wave(wave, clip)
    _draw_spectrogram(spectrogram, clip)
    _draw_pitch(pitch, report)
    _draw_scores(scores, report)
    for axes in (wave, spectrogram, pitch):
        axes.set_xlim(0, clip.seconds)
    pitch.set_xlabel("seconds")
    figure.suptitle(_title(report), fontsize=11, color=INK)
    figure.savefig(path)


def _title(report: Report) -> str:
    parts = [f"{report.seconds:.1f} s", f"{report.loudness_lufs:.1f} LUFS"]
    if report.words is not None:
        parts.append(f"{report.words.wrong} of {report.words.words} words wrong")
    if report.pace.words_min:
        parts.append(f"{report.pace.words_min:.0f} words a minute")
    return " · ".join(parts)


def _draw_wave(axes: Any, clip: Clip) -> None:
    step = max(1, len(clip) // ENVELOPE)
    blocks = clip.samples[: len(clip) // step * step].reshape(-1, step)
    times = np.arange(len(blocks)) * step / clip.rate
    axes.fill_between(times, blocks.min(axis=1), blocks.max(axis=1), color=VOICE, linewidth=0.3)
    for i, span in enumerate(EnergyActivity().spans(clip)):
        axes.axvspan(span.start_s, span.end_s, color=GOOD, alpha=0.15, linewidth=0, label="" if i else "speech")
    top = max(0.05, float(np.abs(clip.samples).max()))
    axes.set(ylim=(-1.1 * top, 1.1 * top), ylabel="wave")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper right", fontsize=8)


def _draw_spectrogram(axes: Any, clip: Clip) -> None:
    size = 2 ** max(6, round(np.log2(0.04 * clip.rate)))
    hop = max(1, round(clip.seconds / ENVELOPE * clip.rate), size // 4)
    spec = MelSpec(rate=clip.rate, n_fft=size, hop_samples=hop, bins=80, log="log10", floor=1e-12)
    levels_db = 10 * mel(clip, spec).T
    top = float(levels_db.max())
    axes.imshow(
        levels_db, origin="lower", aspect="auto", extent=(0, clip.seconds, 0, 80), vmin=top - 80, vmax=top, cmap="magma"
    )
    marks_hz = np.array([hz for hz in (250, 500, 1000, 2000, 4000, 8000) if hz < clip.rate / 2])
    edges = np.linspace(0, float(to_mel(np.array(clip.rate / 2), "slaney")), 81)
    axes.set_yticks(np.interp(to_mel(marks_hz.astype(np.float64), "slaney"), edges, np.arange(81)), marks_hz)
    axes.set_ylabel("Hz (mel)")


def _draw_pitch(axes: Any, report: Report) -> None:
    if report.track is not None:
        times = np.arange(len(report.track.f0_hz)) * report.track.hop_s
        octaves = np.log2(np.where(report.track.voiced, report.track.f0_hz, np.nan))
        leaps = np.abs(np.diff(octaves, prepend=octaves[:1])) > LEAP
        axes.plot(times, np.where(leaps, np.nan, 2**octaves), color=VOICE, linewidth=1.8)
    for facts, colour, name in ((report.pitch, VOICE, "this clip"), (report.pitch_like, TARGET, "the recordings")):
        if facts:
            axes.axhline(
                facts.median_hz, color=colour, linestyle="--", linewidth=1, label=f"{name}: {facts.median_hz:.0f} Hz"
            )
            if facts is report.pitch_like:
                axes.axhspan(facts.low_hz, facts.high_hz, color=colour, alpha=0.12, linewidth=0)
    axes.set_ylabel("pitch, Hz")
    axes.set_yscale("log", base=2)
    found = [hz for facts in (report.pitch, report.pitch_like) if facts for hz in (facts.low_hz, facts.high_hz)]
    if found:
        axes.set_ylim(min(found) / 1.25, max(found) * 1.25)
        ticks = [hz for hz in (50, 75, 100, 150, 200, 300, 400, 600, 800) if min(found) / 1.25 < hz < max(found) * 1.25]
        axes.set_yticks(ticks, [str(hz) for hz in ticks])
        axes.minorticks_off()
        axes.legend(loc="upper right", fontsize=8)


def _draw_scores(axes: Any, report: Report) -> None:
    """Bars from 0 to 1; the ticks on a likeness bar are two speakers and one speaker."""
    rows: list[tuple[str, float, str]] = []
    for name, value in report.similarity.items():
        rows.append((f"{NAMES[name]} likeness", value, f"{value:.2f}"))
    if report.marks:
        rows.append(("naturalness (of 5)", report.marks.overall / 5, f"{report.marks.overall:.2f}"))
    if report.words is not None:
        right = max(0.0, 1 - report.words.rate)
        rows.append(("words right", right, f"{right:.0%}"))
    axes.set(xlim=(0, 1.06), ylim=(len(rows) - 0.4, -0.6))
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    for row, (_, value, shown) in enumerate(rows):
        axes.barh(row, value, color=VOICE, height=0.6)
        axes.text(1.01, row, shown, va="center", fontsize=9, color=INK)
    for row, name in enumerate(report.similarity):
        for at, colour in ((SCALES[name].different, TARGET), (SCALES[name].same, GOOD)):
            axes.plot([at, at], [row - 0.4, row + 0.4], color=colour, linewidth=2.5)
    if report.similarity:
        axes.set_xlabel("orange: two real speakers, green: one real speaker in two recordings")
    if not rows:
        axes.set_axis_off()
