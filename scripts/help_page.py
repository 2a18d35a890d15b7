"""Write docs/cli.md from the commands' own help: `make docs`."""

import contextlib
import io
import os

from typer.main import get_command

from voicewright.apps.cli import app, main

HEAD = """# The command line

This page is written by `make docs` from the commands' own help; a test fails when it is out of date.
"""


def help_of(*command: str) -> str:
    """What `voicewright COMMAND --help` prints, at 80 columns."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        main([*command, "--help"])
    return "\n".join(line.rstrip() for line in out.getvalue().strip().splitlines())


def page() -> str:
    """The whole page: every command, groups before their members."""
    os.environ["COLUMNS"] = "80"
    parts = [HEAD, section("voicewright", help_of())]
    for name, command in get_command(app).commands.items():
        parts.append(section(f"voicewright {name}", help_of(name)))
        for member in getattr(command, "commands", {}):
            parts.append(section(f"voicewright {name} {member}", help_of(name, member)))
    return "\n".join(parts)


def section(title: str, text: str) -> str:
    """A heading and the help below it."""
    return f"## `{title}`\n\n```text\n{text}\n```\n"


if __name__ == "__main__":
    print(page(), end="")
