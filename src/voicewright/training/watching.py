"""`Watch`: what there is to see of a run, as data, while another process writes it."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from voicewright.training.run import Run, RunState, read_row

OWN = frozenset({"kind", "step", "epoch", "time"})
SPEED = ("step_s", "audio_s", "memory_mb")
HOW_HEARD = frozenset({"words", "rtf", "loudness_lufs", "clipped"})
"""Figures of an audition that say how it was made rather than how good it is: they are kept, and not drawn."""
SMOOTH_SHARE = 0.02
"""The smoothed line looks back over about this share of the points, at least over `SMOOTH_LEAST` of them."""
SMOOTH_LEAST = 5
NOTES = 5
POINTS = 1000
"""Points of each curve in plain data: more than any screen has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One curve; steps rise."""

    steps: tuple[int, ...] = ()
    values: tuple[float, ...] = ()

    @property
    def last(self) -> float:
        return self.values[-1]

    def smoothed(self) -> tuple[float, ...]:
        """A moving average over the past, weighted exponentially and without a bias to zero at its start (Kingma and
        Ba 2015, section 3)."""
        keep = 1 - 1 / max(SMOOTH_LEAST, SMOOTH_SHARE * len(self.values))
        found, average, weight = [], 0.0, 0.0
        for value in self.values:
            average, weight = keep * average + (1 - keep) * value, keep * weight + 1 - keep
            found.append(average / weight)
        return tuple(found)

    def to_plain(self) -> dict[str, list[float]]:
        """Plain data: at most about a thousand points, the last one included."""
        stride = math.ceil(len(self.steps) / POINTS) or 1
        at = sorted(set(range(0, len(self.steps), stride)) | {len(self.steps) - 1} - {-1})
        smooth = self.smoothed()
        return {
            "steps": [self.steps[i] for i in at],
            "values": [self.values[i] for i in at],
            "smoothed": [smooth[i] for i in at],
        }


@dataclass(frozen=True, kw_only=True)
class Look:
    """A run as it is at one moment. Every group of curves is by name, the whole loss first, then as they appeared."""

    folder: Path
    state: RunState
    losses: Mapping[str, Series] = field(default_factory=dict)
    """"loss" is the whole; the others are its parts."""
    rates: Mapping[str, Series] = field(default_factory=dict)
    """Learning rates."""
    gradients: Mapping[str, Series] = field(default_factory=dict)
    speed: Mapping[str, Series] = field(default_factory=dict)
    """`step_s`, `audio_s` (seconds of audio in a second), `memory_mb`, where they were written down."""
    validation: Mapping[str, Series] = field(default_factory=dict)
    auditions: Mapping[str, Series] = field(default_factory=dict)
    """"score" is what checkpoints are ranked by; step 0 is the voice that training started from."""
    skipped: int = 0
    """Steps that were skipped because a loss was not a number."""
    not_numbers: int = 0
    """Rows with such a loss."""
    notes: Sequence[str] = ()
    """The last few notes."""

    @property
    def best(self) -> tuple[int, float] | None:
        """Step and score of the best audition so far; None: none was heard."""
        series = self.auditions.get("score")
        return max(zip(series.steps, series.values, strict=True), key=lambda at: (at[1], -at[0])) if series else None

    def line(self) -> str:
        """How far it is, in one line: [epoch, step] [s/step] [ETA] [learning rate, loss]."""
        state = self.state
        parts = [f"[epoch {state.epoch:.2f}/{state.epochs}, step {state.step}/{state.steps or '?'}]"]
        if state.step_s is not None:
            parts.append(f"[{state.step_s:.2f} s/step]")
        if state.busy and state.eta_s is not None:
            parts.append(f"[ETA {timedelta(seconds=round(state.eta_s))}]")
        figures = [f"LR {next(iter(self.rates.values())).last:.2e}"] if self.rates else []
        if "loss" in self.losses:
            figures.append(f"loss {self.losses['loss'].smoothed()[-1]:.4f}")
        if figures:
            parts.append(f"[{', '.join(figures)}]")
        if self.skipped or self.not_numbers:
            parts.append(f"[steps whose loss was not a number: {max(self.skipped, self.not_numbers)}]")
        return " ".join(parts)

    def to_plain(self) -> dict[str, Any]:
        """Plain data for JSON."""
        groups = ("losses", "rates", "gradients", "speed", "validation", "auditions")
        curves = {group: {name: each.to_plain() for name, each in getattr(self, group).items()} for group in groups}
        return {
            "folder": str(self.folder),
            "line": self.line(),
            "state": asdict(self.state),
            **curves,
            "best": None if self.best is None else {"step": self.best[0], "score": self.best[1]},
            "skipped": self.skipped,
            "not_numbers": self.not_numbers,
            "notes": list(self.notes),
        }


class Watch:
    """Looks at a run again and again; each look reads only what is new. The trainer does not notice."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._begin(0)

    def _begin(self, file: int) -> None:
        self._file, self._read = file, 0
        self._curves: dict[tuple[str, str], tuple[list[int], list[float]]] = {}
        self._notes: list[str] = []
        self._skipped = self._not_numbers = 0

    def look(self) -> Look:
        """The run as it is now.

        Raises:
            BadRun: its state cannot be read.
        """
        state = self._run.state()
        self._catch_up()
        groups: dict[str, dict[str, Series]] = {}
        for (group, name), (steps, values) in sorted(self._curves.items(), key=lambda at: at[0] != ("losses", "loss")):
            groups.setdefault(group, {})[name] = Series(steps=tuple(steps), values=tuple(values))
        return Look(
            folder=self._run.folder,
            state=state,
            skipped=self._skipped,
            not_numbers=self._not_numbers,
            notes=tuple(self._notes[-NOTES:]),
            **groups,
        )

    def _catch_up(self) -> None:
        """Read the whole lines that were written since. A file that was written anew is read anew: training went on
        from an earlier step."""
        try:
            file = self._run.metrics.open("rb")
        except FileNotFoundError:
            return
        with file:
            facts = os.fstat(file.fileno())
            if facts.st_ino != self._file or facts.st_size < self._read:
                self._begin(facts.st_ino)
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                row = read_row(line)
                if row is not None:
                    self._take(row)

    def _take(self, row: Mapping[str, Any]) -> None:
        kind, step = row["kind"], row["step"]
        if kind == "note":
            self._notes.append(str(row.get("text", "")))
            return
        if kind == "step" and "loss" in row and row["loss"] is None:
            self._not_numbers += 1
        for name, value in row.items():
            if name in OWN or isinstance(value, bool) or not isinstance(value, int | float):
                continue
            if kind == "step" and name == "skipped":
                self._skipped = int(value)
            elif group := _group(kind, name):
                self._put(group, name, step, float(value))

    def _put(self, group: str, name: str, step: int, value: float) -> None:
        """A step that was heard or validated once more counts as it was the last time."""
        steps, values = self._curves.setdefault((group, name), ([], []))
        if steps and steps[-1] == step:
            values[-1] = value
        else:
            steps.append(step)
            values.append(value)


def _group(kind: str, name: str) -> str:
    """Which curves of a look a figure belongs to; "" for none."""
    if kind != "step":
        return {"validation": "validation", "audition": "auditions"}.get(kind, "")
    if name in SPEED:
        return "speed"
    return {"lr": "rates", "grad": "gradients"}.get(name.partition("_")[0], "losses")
