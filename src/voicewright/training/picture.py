"""`draw_run`: the curves of a run as a picture."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voicewright.training.watching import HOW_HEARD, Look, Series

INK, TRAIN, HELD, HEARD = "#22313f", "#2a6f97", "#d1703c", "#4c956c"
COLUMNS = 3
TITLES = {
    "loss": "loss (all)",
    "lr": "learning rate",
    "step_s": "seconds a step",
    "score": "audition: score, higher is better",
    "words_wrong": "audition: words heard wrong",
    "dnsmos": "audition: naturalness (DNSMOS, of 5)",
    "ge2e": "audition: likeness (GE2E)",
    "campplus": "audition: likeness (CAM++)",
    "dvector": "audition: likeness (d-vector)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Panel:
    """One small chart: a curve of training, one of the validation clips, or one of the auditions."""

    title: str
    train: Series | None = None
    held: Series | None = None
    heard: Series | None = None
    log: bool = False


def draw_run(look: Look, path: Path) -> None:
    """Write the curves of a run, each in a chart of its own: losses (with what the validation clips say of the same
    thing), learning rate, speed, audition scores with the start as a dashed line.

    The format follows from the file's name (.png, .svg, .pdf). matplotlib's global state is left alone.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = list(_panels(look))
    rows = max(1, -(-len(panels) // COLUMNS))
    figure = Figure(figsize=(4.4 * COLUMNS, 0.6 + 2.7 * rows), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes, panel in zip(grid, panels, strict=False):
        _draw(axes, panel, look)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    figure.suptitle(f"{look.folder.name}: {look.state.status} {look.line()}", fontsize=10, color=INK)
    figure.supxlabel("steps", fontsize=9, color=INK)
    figure.savefig(path)


def _panels(look: Look) -> Iterator[_Panel]:
    for name, series in look.losses.items():
        yield _Panel(title=TITLES.get(name, name), train=series, held=look.validation.get(name), log=_wide(series))
    for name, series in look.validation.items():
        if name not in look.losses:
            yield _Panel(title=f"validation: {name}", held=series)
    for name, series in (*look.rates.items(), *look.speed.items()):
        if name not in ("audio_s", "memory_mb"):
            yield _Panel(title=TITLES.get(name, name), train=series, log=name not in look.speed and _wide(series))
    for name, series in look.auditions.items():
        if name not in HOW_HEARD:
            yield _Panel(title=TITLES.get(name, f"audition: {name}"), heard=series)


def _wide(series: Series) -> bool:
    """Whether a curve spans so much that a line at its end would look like the axis."""
    return min(series.values) > 0 and max(series.values) > 20 * min(series.values)


def _draw(axes: Any, panel: _Panel, look: Look) -> None:
    axes.set_title(panel.title, fontsize=9, color=INK, loc="left")
    axes.tick_params(which="both", labelsize=7)
    axes.grid(color="#dddddd", linewidth=0.5)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if panel.log:
        axes.set_yscale("log")
    if panel.train:
        steps, values = panel.train.steps, panel.train.values
        if panel.title in (TITLES["lr"],) or len(steps) < 3:
            axes.plot(steps, values, color=TRAIN, linewidth=1.6, marker="." if len(steps) < 3 else "", label="training")
        else:
            axes.plot(steps, values, color=TRAIN, linewidth=0.7, alpha=0.3)
            axes.plot(steps, panel.train.smoothed(), color=TRAIN, linewidth=1.6, label="training, smoothed")
    if panel.held:
        axes.plot(panel.held.steps, panel.held.values, color=HELD, marker="o", markersize=3, label="validation")
    if panel.heard:
        _draw_heard(axes, panel.heard, look)
    if panel.train and panel.held:
        axes.legend(fontsize=7, frameon=False)


def _draw_heard(axes: Any, series: Series, look: Look) -> None:
    axes.plot(series.steps, series.values, color=HEARD, marker="o", markersize=3)
    if series.steps[0] == 0:
        axes.axhline(series.values[0], color=INK, linestyle="--", linewidth=0.8, label="the voice it started from")
        if series is look.auditions.get("score"):
            axes.legend(fontsize=7, frameon=False)
    if look.best and look.best[0] in series.steps:
        best = series.steps.index(look.best[0])
        axes.plot(series.steps[best], series.values[best], marker="o", markersize=8, color=HEARD, fillstyle="none")
