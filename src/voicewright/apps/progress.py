"""How far long work is: bars on a terminal, a line now and then anywhere else. Always on standard error."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from voicewright.progress import Progress

LINE_EVERY_S = 10.0


@contextmanager
def shown(stream: TextIO | None = None) -> Iterator[Progress]:
    """A `Progress` for the time of a `with` block. Nothing of it stays on a terminal."""
    stream = stream or sys.stderr
    if not stream.isatty():
        yield Lines(stream)
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(file=stream), transient=True) as bars:
        tasks = {}

        def show(step: str, done: float, total: float) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total or None)
            bars.update(tasks[step], completed=done, total=total or None)

        yield show


class Lines:
    """A line when a step begins, and every ten seconds while it goes on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._step = ""
        self._said_s = 0.0

    def __call__(self, step: str, done: float, total: float) -> None:
        now_s = time.monotonic()
        if step == self._step and now_s - self._said_s < LINE_EVERY_S:
            return
        share = f" {100 * done / total:.0f} %" if total and step == self._step else ""
        print(f"{step}{share}", file=self._stream, flush=True)
        self._step, self._said_s = step, now_s
