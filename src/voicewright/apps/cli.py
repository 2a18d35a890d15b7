"""`voicewright`: the command line.

Exit codes: 0 done; 1 stopped at a question; 2 something the user can mend; 130 interrupted (Ctrl-C).
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from voicewright.apps import (
    auditions,
    convert,
    datasets,
    judge,
    live,
    machine,
    make,
    preparing,
    runs,
    serve,
    train,
    training,
    voices,
)
from voicewright.apps.session import Session, say
from voicewright.errors import VoicewrightError

HELP = """Make a voice from a few seconds of recordings; speak, convert and sing with it.

\b
  voicewright clone narrator rec1.wav rec2.m4a --consent "I am the speaker"
  voicewright speak "Any text." --voice narrator -o out.wav
  voicewright convert song.wav --voice narrator -o out.wav

A voice gets better with a dataset: prepare, plan, train, runs.

Exit codes: 0 done, 1 stopped at a question, 2 something you can mend, 130 interrupted.
"""

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False, help=HELP)
app.command(help=make.CLONE_HELP)(make.clone)
app.command(help=make.SPEAK_HELP)(make.speak)
app.command(help=convert.CONVERT_HELP)(convert.convert)
app.command(help=live.LIVE_HELP)(live.live)
app.command(help=preparing.PREPARE_HELP)(preparing.prepare)
app.add_typer(datasets.app, name="dataset")
app.command(help=training.PLAN_HELP)(training.plan)
app.command(help=train.TRAIN_HELP)(train.train)
for command in (auditions.audition, auditions.best, auditions.compare, auditions.merge, auditions.export):
    runs.app.command()(command)
app.add_typer(runs.app, name="runs")
app.add_typer(voices.app, name="voices")
app.command(help=judge.MEASURE_HELP)(judge.measure)
app.command(help=judge.CARD_HELP)(judge.card)
app.command(help=serve.SERVE_HELP)(serve.serve)
app.add_typer(machine.weights, name="weights")
app.command()(machine.doctor)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        say(f"voicewright {version('voicewright')}")
        raise typer.Exit


@app.callback()
def flags(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option("--home", metavar="DIR", help="Folder of voices, weights and jobs. Also: VOICEWRIGHT_HOME."),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Never ask a model hub; use what is in place.")] = False,
    device: Annotated[str, typer.Option("--device", metavar="NAME", help="Where networks run: cpu, cuda, …")] = "cpu",
    precision: Annotated[str, typer.Option("--precision", metavar="NAME", help="auto, float32 or bfloat16.")] = "auto",
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and leave.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    context.obj = Session(home=home, offline=offline, device=device, precision=precision)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit code. `arguments` are those after the program's name, by default the process's."""
    # Before torch is loaded: OpenMP threads that spin while they wait made a busy machine ten times slower.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    # Nor may numpy's: after a matrix product they spun for 2^26 cycles, and what torch did next took twice as long.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")
    # For worker processes: glibc gave the recogniser's buffers back and asked for them again, a third of its time.
    for name in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"):
        os.environ.setdefault(name, str(1 << 30))
    try:
        app(args=arguments, prog_name="voicewright")
    except VoicewrightError as problem:
        print(f"voicewright: {problem}", file=sys.stderr)
        return 2
    except OSError as problem:
        # A full disk, a folder that may not be written to: the system's own words, without a traceback.
        print(f"voicewright: {problem.strerror or problem}: {problem.filename or ''}".rstrip(": "), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("voicewright: interrupted", file=sys.stderr)
        return 130
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    return 0
