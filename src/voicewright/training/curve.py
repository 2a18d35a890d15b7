"""`draw_curve`: what became of a run over its checkpoints, as a picture: heard, validated, learned."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from voicewright.training.audition import Audition, auditions_in
from voicewright.training.run import Run

INK, QUIET = "#22313f", "#8a97a3"
COLOURS = ("#2a6f97", "#d1703c", "#4c956c", "#8e5ea2", "#b0413e", "#6c757d")
NOT_DRAWN = {"kind", "step", "epoch", "time", "lr"}
SMOOTH = 0.05
"""Width of the losses' running mean, as a share of the run."""


def draw_curve(run: Run, path: Path, *, chosen: int = 0) -> None:
    """Write a picture of a run (.png, .svg, .pdf by the name's ending): likeness and score, naturalness and words,
    validation against the start, and the loss. A line marks the `chosen` step. matplotlib's global state is left alone.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    auditions = sorted(auditions_in(run.auditions).values(), key=lambda each: each.step)
    figure = Figure(figsize=(11, 8), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    (likeness, quality), (validation, loss) = figure.subplots(2, 2)
    _draw_likeness(likeness, auditions)
    _draw_quality(quality, auditions)
    _draw_validation(validation, list(run.rows("validation")))
    _draw_loss(loss, list(run.rows("step")))
    for axes in (likeness, quality, validation, loss):
        axes.set_xlabel("step")
        axes.grid(alpha=0.25)
        if not axes.has_data():
            axes.text(0.5, 0.5, "nothing was measured", ha="center", va="center", color=QUIET, transform=axes.transAxes)
        elif chosen:
            axes.axvline(chosen, color=QUIET, linestyle=":", linewidth=1.2)
    figure.suptitle(f"{_plain(run.folder.name)}: what became of the voice", color=INK, fontsize=12)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def _plain(name: str) -> str:
    """A name without what matplotlib would take for a formula."""
    return name.replace("$", r"\$")


def _draw_likeness(axes: Any, auditions: list[Audition]) -> None:
    names = {"score": "score", "ge2e": "GE2E", "campplus": "CAM++", "dvector": "d-vector (only looks)"}
    rows = [audition.figures() for audition in auditions]
    steps = [audition.step for audition in auditions]
    for colour, (name, title) in zip((INK, *COLOURS), names.items(), strict=False):
        points = [(step, row[name]) for step, row in zip(steps, rows, strict=True) if name in row]
        if points:
            width, dash = (2.6 if name == "score" else 1.4), ("--" if name == "dvector" else "-")
            axes.plot(*zip(*points, strict=True), dash, color=colour, marker="o", label=title, lw=width, ms=4)
    axes.set_title("likeness in the auditions", fontsize=10)
    _legend(axes)


def _draw_quality(axes: Any, auditions: list[Audition]) -> None:
    rows = [(audition.step, audition.figures()) for audition in auditions]
    marks = [(step, row["dnsmos"]) for step, row in rows if "dnsmos" in row]
    if marks:
        axes.plot(*zip(*marks, strict=True), color=COLOURS[0], marker="o", markersize=4, label="DNSMOS")
        axes.set_ylabel("DNSMOS, 1 to 5")
    words = [(step, 100 * row["words_wrong"] / max(1, row["words"])) for step, row in rows if "words" in row]
    if words:
        other = axes.twinx()
        other.plot(*zip(*words, strict=True), color=COLOURS[1], marker="s", markersize=4, linestyle="--")
        other.set_ylim(bottom=0, top=max(5.0, 1.2 * max(share for _, share in words)))
        other.set_ylabel("words wrong, %")
        axes.plot([], [], color=COLOURS[1], marker="s", markersize=4, linestyle="--", label="words wrong")
    axes.set_title("naturalness and words in the auditions", fontsize=10)
    _legend(axes)


def _draw_validation(axes: Any, rows: list[dict[str, Any]]) -> None:
    """Each figure as a part of what it was at first."""
    for colour, (name, points) in zip(COLOURS, _series(rows).items(), strict=False):
        first = points[0][1]
        if first:
            steps, values = zip(*points, strict=True)
            shares = [value / first for value in values]
            axes.plot(steps, shares, color=colour, marker="o", markersize=3, label=_plain(name.replace("_", " ")))
    if axes.has_data():
        axes.axhline(1.0, color=QUIET, linewidth=0.8)
    axes.set_title("held-out recordings, against the start (lower is better)", fontsize=10)
    _legend(axes)


def _draw_loss(axes: Any, rows: list[dict[str, Any]]) -> None:
    points = _series(rows).get("loss", [])
    if points:
        steps, values = (np.array(each, np.float64) for each in zip(*points, strict=True))
        axes.plot(steps, values, color=COLOURS[0], alpha=0.25, linewidth=0.8)
        width = max(1, round(SMOOTH * len(values)))
        sums = np.cumsum(np.insert(values, 0, 0.0))
        axes.plot(steps[width - 1 :], (sums[width:] - sums[:-width]) / width, color=COLOURS[0], label="loss")
    axes.set_title("training loss (it does not choose)", fontsize=10)


def _series(rows: list[dict[str, Any]]) -> dict[str, list[tuple[int, float]]]:
    """Figures by name, as (step, value), where there is a value."""
    found: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for row in rows:
        for name, value in row.items():
            if name not in NOT_DRAWN and isinstance(value, int | float) and not isinstance(value, bool):
                found[name].append((row["step"], float(value)))
    return found


def _legend(axes: Any) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, loc="best")
