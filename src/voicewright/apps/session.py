"""What every command shares: the flags before the command, the studio they lead to, and how results are printed."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from voicewright.engines.registry import DEFAULT
from voicewright.settings import describe
from voicewright.studio import Studio

T = TypeVar("T")
WIDEST = 60
"""Columns are padded to this many characters at most: one endless name must not push all lines off the screen."""


@dataclass(kw_only=True)
class Session:
    """One run of the command line."""

    home: Path | None = None
    offline: bool = False
    engine: str = DEFAULT
    device: str = "cpu"
    precision: str = "auto"

    @cached_property
    def studio(self) -> Studio:
        return Studio(self.home, engine=self.engine, device=self.device, precision=self.precision, offline=self.offline)


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on standard output.")]


def session_of(context: typer.Context) -> Session:
    """What the flags before the command said."""
    session = context.find_object(Session)
    if session is None:
        raise TypeError("a command ran without the flags before it")
    return session


def studio_of(context: typer.Context) -> Studio:
    """The studio of this run."""
    return session_of(context).studio


def flag(options: type, field: str, *names: str, **more: Any) -> Any:
    """A command's flag for a field of an options class: its help and its default are the field's own."""
    default = next(f.default for f in fields(options) if f.name == field)
    shown = "" if default in (MISSING, "", None) or isinstance(default, bool) else f"  [default: {default}]"
    return typer.Option(*names, help=describe(options)[field] + shown, show_default=False, **more)


def given(options: type[T], **values: Any) -> T:
    """Options with the values that the user gave; what is None keeps its default."""
    return options(**{name: value for name, value in values.items() if value is not None})


def say(text: str = "") -> None:
    """One line, or several, of a result."""
    typer.echo(text)


def note(text: str) -> None:
    """Something beside the result: standard error."""
    typer.echo(text, err=True)


def print_json(data: Any) -> None:
    """The one object that `--json` prints."""
    typer.echo(json.dumps(data, indent=2, default=_plain))


def _plain(value: Any) -> Any:
    """What JSON does not know: numbers of numpy, paths, and whatever can be written as text."""
    return value.item() if hasattr(value, "item") else str(value)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns that line up; nothing is cut off."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [min(WIDEST, max(len(line[i]) for line in lines)) for i in range(len(head))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def on_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()
