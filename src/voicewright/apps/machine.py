"""`voicewright weights` and `voicewright doctor`: what this machine has and can do."""

from dataclasses import asdict
from typing import Annotated

import typer

from voicewright.apps.progress import shown
from voicewright.apps.session import Json, note, print_json, say, studio_of, table

MARKS = {"ok": "ok", "note": "--", "problem": "!!"}

weights = typer.Typer(rich_markup_mode=None, help="List the sets of weights; fetch or remove one.")
Set = Annotated[str, typer.Argument(help="The set's name.", show_default=False, metavar="NAME")]


@weights.callback(invoke_without_command=True)
def _default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_(context)


@weights.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """Show every set of weights: its licence, its size, where it is. The same as `voicewright weights`."""
    found = studio_of(context).store.status()
    if as_json:
        print_json({"weights": [asdict(status) for status in found]})
        return
    rows = [(s.name, s.licence, f"{s.bytes / 1e6:.1f} MB", s.where or "missing", s.problem) for s in found]
    say(table(("NAME", "LICENCE", "SIZE", "WHERE", "WHAT TO DO"), rows))


@weights.command()
def pull(context: typer.Context, name: Set) -> None:
    """Make a set ready for use without a network: fetch, join or convert what is missing, and check the rest."""
    with shown() as progress:
        studio_of(context).store.pull(name, progress)
    note(f"{name} is in place")


@weights.command()
def remove(context: typer.Context, name: Set) -> None:
    """Delete what the home keeps of a set. Installed packages are left alone."""
    freed = studio_of(context).store.remove(name)
    note(f"removed {name}: {freed / 1e6:.1f} MB freed")


def doctor(
    context: typer.Context,
    quick: Annotated[bool, typer.Option("--quick", help="Look only; do not speak to measure the speed.")] = False,
    as_json: Json = False,
) -> None:
    """Examine this machine: is everything in place, how fast does it speak, what to do about each problem."""
    found = studio_of(context).doctor(quick=quick)
    if as_json:
        print_json({"findings": [asdict(finding) for finding in found]})
    else:
        for finding in found:
            say(f"{MARKS[finding.state]}  {finding.topic:22} {finding.says}")
            if finding.advice:
                say(f"    {'':22} → {finding.advice}")
    if any(finding.state == "problem" for finding in found):
        raise typer.Exit(2)
