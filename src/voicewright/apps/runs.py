"""`voicewright runs`: look at training runs, and stop them. Training goes on in its own process meanwhile."""

import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voicewright.apps.charts import BLANK, chart, sparkline
from voicewright.apps.session import Json, note, print_json, say, table
from voicewright.errors import BadCheckpoint, BadSetting

if TYPE_CHECKING:
    from rich.text import Text

    from voicewright.training.run import Run, RunState
    from voicewright.training.runs import Entry
    from voicewright.training.watching import Look, Series

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="List, show, watch and stop training runs.")
Folder = Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.", show_default=False)]
LINE_EVERY_S = 10.0
TALLEST = 10
"""Lines of the chart at most."""
SHOWN = 60
"""Characters of a sparkline at most."""


@app.command("list")
def list_(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where runs lie.")] = Path("runs"),
    as_json: Json = False,
) -> None:
    """Show every run in a folder, one line each."""
    from voicewright.training.runs import Runs

    found = Runs(folder).list()
    if as_json:
        print_json({"runs": [asdict(each) for each in found]})
    elif not found:
        note(f"no runs in {folder}; begin one: voicewright plan DATASET -o plan.yaml; voicewright train plan.yaml")
    else:
        say(table(("RUN", "STATUS", "EPOCH", "STEP", "LEFT", "DATASET", "LAST"), [_row(each) for each in found]))


def _row(entry: "Entry") -> tuple[str, ...]:
    state = entry.state
    if state is None:
        return entry.name, "damaged:", entry.damaged, "", "", "", ""
    left = str(timedelta(seconds=round(state.eta_s))) if state.busy and state.eta_s is not None else ""
    epoch, step = f"{state.epoch:.1f}/{state.epochs or '?'}", f"{state.step}/{state.steps or '?'}"
    return entry.name, state.status, epoch, step, left, entry.dataset, state.updated[:16].replace("T", " ")


@app.command()
def show(
    folder: Folder,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw curves: .png .svg .pdf.")] = None,
    as_json: Json = False,
) -> None:
    """Show how far a run is, its checkpoints, and what its auditions say.

    \b
      voicewright runs show runs/narrator --plot curves.png
    """
    from voicewright.training.run import Run
    from voicewright.training.watching import Watch

    run = Run.open(folder)
    look = Watch(run).look()
    if plot is not None:
        _draw(look, plot)
    kept, damaged = _checkpoints(run)
    if as_json:
        print_json({**look.to_plain(), "checkpoints": kept, "damaged": damaged, "plan": asdict(run.plan)})
        return
    say(f"{folder}: {_status(look.state)}")
    say(look.line())
    if kept:
        head, *rows = _table(kept)
        say(table(head, rows))
    _tell_best(look)
    for problem in (*damaged, *look.notes):
        note(f"  {problem}")
    _tell_end(run, look.state)


def _draw(look: "Look", path: Path) -> None:
    from voicewright.training.picture import draw_run

    try:
        draw_run(look, path)
    except ValueError:  # matplotlib's, for an ending that it does not know
        raise BadSetting(f"{path}: curves are drawn as .png, .svg or .pdf") from None
    note(str(path))


def _checkpoints(run: "Run") -> tuple[list[dict[str, Any]], list[str]]:
    """What is known of the checkpoints, and what is wrong with one."""
    try:
        found = run.checkpoints()
    except BadCheckpoint as problem:
        return [], [str(problem)]
    return [{"step": each.step, "epoch": each.epoch, "figures": dict(each.figures)} for each in found], []


def _table(checkpoints: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Their figures, with a column for each checkpoint, since figures are many and checkpoints few."""
    names = dict.fromkeys(name for each in checkpoints for name in each["figures"])
    steps = ("step", *(str(each["step"]) for each in checkpoints))
    epochs = ("epoch", *(f"{each['epoch']:.2f}" for each in checkpoints))
    figures = [each["figures"] for each in checkpoints]
    rows = [(name, *(f"{each[name]:.4g}" if name in each else "" for each in figures)) for name in names]
    return [steps, epochs, *rows]


def _tell_best(look: "Look") -> None:
    if look.best is not None:
        step, score = look.best
        start = look.auditions["score"]
        began = f"; what it started from: {start.values[0]:.4f}" if start.steps[0] == 0 else ""
        say(f"best heard: step {step}, score {score:.4f}{began}")


def _tell_end(run: "Run", state: "RunState") -> None:
    """Of a run that broke off, what its trainer printed last."""
    from voicewright.training.launch import last_words

    if state.status == "failed" or (state.status == "stopped" and state.message):
        for line in last_words(run):
            note(f"  log: {line}")


def _status(state: "RunState") -> str:
    where = f", process {state.pid} on {state.host}" if state.busy else ""
    return f"{state.status}{where}{f': {state.message}' if state.message else ''}"


@app.command()
def watch(
    folder: Folder,
    every: Annotated[float, typer.Option("--every", metavar="SECONDS", help="How often to look.")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Draw once and leave.")] = False,
    as_json: Json = False,
) -> None:
    """Draw losses, learning rate, speed and auditions while a run trains, until it ends. Ctrl-C leaves; it trains on.

    \b
      voicewright runs watch runs/narrator
    """
    from voicewright.training.run import Run
    from voicewright.training.watching import Watch

    if every <= 0:
        raise BadSetting(f"--every must be above 0, got {every}")
    run = Run.open(folder)
    view = Watch(run)
    if as_json:
        print_json(view.look().to_plain())
        return
    looks = iter((view.look(),)) if once else _until_it_ends(view, every)
    try:
        last = _live(looks) if sys.stdout.isatty() and not once else _lines(looks, once)
    except KeyboardInterrupt:
        note(f"{folder} trains on; to stop it: voicewright runs stop {folder}")
        return
    _tell_end(run, last.state)


def _until_it_ends(view: Any, every_s: float) -> "Iterator[Look]":
    while True:
        look = view.look()
        yield look
        if not look.state.busy:
            return
        time.sleep(every_s)


def _live(looks: "Iterator[Look]") -> "Look":
    """On a terminal: one drawing, redrawn."""
    from rich.console import Console
    from rich.live import Live

    console = Console()
    last = next(looks)
    with Live(drawing(last, console.width, console.height), console=console, auto_refresh=False) as live:
        for last in looks:
            live.update(drawing(last, console.width, console.height), refresh=True)
    return last


def _lines(looks: "Iterator[Look]", drawn: bool) -> "Look":
    """Anywhere else: a line now and then. `drawn`: the drawing, once."""
    said_s, last = -LINE_EVERY_S, None
    for last in looks:
        if drawn:
            say("\n".join(line.rstrip(BLANK) for line in drawing(last, 100).plain.splitlines()))
        elif time.monotonic() - said_s >= LINE_EVERY_S or not last.state.busy:
            say(f"{last.state.status} {last.line()}")
            said_s = time.monotonic()
    if last is None:
        raise RuntimeError("a run was never looked at")
    return last


def drawing(look: "Look", width: int, height: int = 100) -> "Text":
    """A run as coloured text: how far it is, the loss in a chart, every other curve as a sparkline between its first
    and its last value. `width` and `height` in characters: the chart shrinks first."""
    from rich.text import Text

    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{look.folder}  ", style="bold").append(f"{_status(look.state)}\n").append(f"{look.line()}\n")
    text.append(f"{_speed(look)}\n", style="dim")
    curves = _curves(look)
    below = sum(len(rows) + 1 for rows in curves.values()) + len(look.notes) + (look.best is not None)
    if "loss" in look.losses:
        _append_chart(text, look.losses["loss"], width, max(4, min(TALLEST, height - below - 7)))
    room = max(8, min(SHOWN, width - 44))
    for title, rows in curves.items():
        text.append(f"{title}\n", style="bold")
        for name, series in rows.items():
            text.append(f"  {name[:16]:16} {series.values[0]:>10.4g} ")
            text.append(sparkline(series.values, room), style="cyan").append(f" {series.last:.4g}\n")
    for each in look.notes:
        text.append(f"note: {each}\n", style="yellow")
    if look.best is not None:
        text.append(f"best heard: step {look.best[0]}, score {look.best[1]:.4f}\n", style="green")
    text.rstrip()
    return text


def _curves(look: "Look") -> "dict[str, dict[str, Series]]":
    """What becomes a sparkline; the whole loss has its chart."""
    from voicewright.training.watching import HOW_HEARD

    groups = {
        "losses": {name: series for name, series in look.losses.items() if name != "loss"},
        "learning rate": look.rates,
        "validation": look.validation,
        "auditions": {name: series for name, series in look.auditions.items() if name not in HOW_HEARD},
    }
    return {title: dict(rows) for title, rows in groups.items() if rows}


def _speed(look: "Look") -> str:
    words = {"step_s": "{:.2f} s/step", "audio_s": "{:.1f} s of audio a second", "memory_mb": "{:.0f} MB"}
    return ", ".join(words[name].format(series.last) for name, series in look.speed.items())


def _append_chart(text: "Text", loss: "Series", width: int, height: int) -> None:
    text.append("loss\n", style="bold")
    for label, cloud, line in chart(loss.values, loss.smoothed(), width=width, height=height):
        text.append(f"{label} ", style="dim")
        for under, over in zip(cloud, line, strict=True):
            text.append(over, "bold cyan") if over != BLANK else text.append(under, "dim")
        text.append("\n")
    text.append(f"{'steps':>9} {loss.steps[0]} to {loss.steps[-1]}\n", style="dim")


@app.command()
def stop(
    folder: Folder,
    wait: Annotated[
        float, typer.Option("--wait", metavar="SECONDS", help="How long to wait for it; 0: only ask.")
    ] = 120,
    kill: Annotated[bool, typer.Option("--kill", help="End it by force if it has not stopped by then.")] = False,
    as_json: Json = False,
) -> None:
    """Have a run save and stop. It goes on from there with: voicewright train RUN/plan.yaml"""
    from voicewright.training.launch import stop as stop_run
    from voicewright.training.run import Run

    run = Run.open(folder)
    state = stop_run(run, wait, kill=kill)
    if as_json:
        print_json(asdict(state))
        return
    say(f"{folder}: {'asked to stop' if state.busy else _status(state)}, step {state.step} of {state.steps or '?'}")
    if not state.busy:
        say(f"to go on: voicewright train {run.plan_file}")
