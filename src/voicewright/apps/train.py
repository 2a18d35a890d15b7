"""`voicewright train`: carry out a plan, or go on with it."""

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voicewright.apps.progress import shown
from voicewright.apps.session import Json, print_json, say, session_of
from voicewright.engines.clips import ENGINE_CLIPS
from voicewright.errors import BadPlan
from voicewright.settings import load
from voicewright.training.options import TrainingPlan

if TYPE_CHECKING:
    from voicewright.apps.session import Session
    from voicewright.training.training import Trained

TRAIN_HELP = """Carry out a training plan; or go on where its run stopped, when it is given again.

\b
  voicewright train plan.yaml
  voicewright train runs/narrator
  voicewright train plan.yaml --detach

Ctrl-C saves and stops. Look at it from anywhere with "voicewright runs watch RUN". Several processes: "processes" in
the plan; on several machines, torchrun or accelerate (docs/processes.md).
"""


def train(
    context: typer.Context,
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="A plan, or the folder of a run.", show_default=False)],
    detach: Annotated[
        bool, typer.Option("--detach", help="Train in the background; it outlives this terminal.")
    ] = False,
    as_json: Json = False,
) -> None:
    session = session_of(context)
    wanted = _plan(plan)
    ranked = "RANK" in os.environ
    if detach or (wanted.processes > 1 and not ranked):
        _elsewhere(session, wanted, detach=detach)
        return
    with shown() as progress:
        trained = session.studio.training.train(wanted, progress=progress)
    if trained.voice is None:
        return  # one of several processes; the first one tells
    if as_json:
        print_json(_facts(trained))
    else:
        say(_report(trained))
    if trained.outcome.status == "stopped":
        raise typer.Exit(130)


def _plan(path: Path) -> TrainingPlan:
    from voicewright.training.run import PLAN, Run

    folder = path.parent if path.name == PLAN else path
    if Run.holds(folder):
        return Run.open(folder).plan  # wherever it lies now
    if not path.is_file():
        raise BadPlan(f"there is no plan {path}; write one: voicewright plan DATASET -o {path}")
    return load(TrainingPlan, path)


def _elsewhere(session: "Session", plan: TrainingPlan, *, detach: bool) -> None:
    """In a process of its own, or in several."""
    from voicewright.training.launch import launch, trainer_command

    run = session.studio.training.begin(plan)
    command = trainer_command(run, _flags(session))
    if detach:
        state = launch(run, command)
        say(f"{run.folder}: training in process {state.pid}; voicewright runs watch {run.folder}")
        return
    done = subprocess.run(command, check=False)  # noqa: S603 - our own command, as a list
    raise typer.Exit(done.returncode)


def _flags(session: "Session") -> list[str]:
    """This run's flags before the command, again."""
    home = ["--home", str(session.home)] if session.home else []
    offline = ["--offline"] if session.offline else []
    return [*home, *offline, "--device", session.device, "--precision", session.precision]


def _report(trained: "Trained") -> str:
    run, outcome = trained.run, trained.outcome
    lines = [f"{run.folder}: {outcome.status} at step {outcome.step} of {outcome.steps}"]
    if outcome.skipped:
        lines += [f"{outcome.skipped} steps were skipped, for their loss was not a number"]
    lines += [f"left out: {name}: {why}" for name, why in outcome.problems]
    if outcome.status == "stopped":
        lines += [f"go on with: voicewright train {run.plan_file}"]
    if trained.best:
        lines += [str(trained.best)]
    if trained.voice:
        name = run.plan.voice
        limits = ENGINE_CLIPS.get(run.plan.engine)
        use = 'speak "Any text."' if limits is None or limits.text else "convert RECORDING"
        lines += [f"hear it: voicewright {use} --engine {run.folder} --voice {name} -o out.wav"]
        lines += [f"keep it: voicewright runs export {run.folder}"]
    return "\n".join(lines)


def _facts(trained: "Trained") -> dict[str, object]:
    outcome, best = trained.outcome, trained.best
    return {
        "run": str(trained.run.folder),
        "status": outcome.status,
        "step": outcome.step,
        "steps": outcome.steps,
        "skipped": outcome.skipped,
        "left_out": [{"id": name, "why": why} for name, why in outcome.problems],
        "best_step": best.step if best else None,
        "score": best.score if best else None,
        "reasons": list(best.reasons) if best else [],
        "voice": str(trained.voice) if trained.voice else None,
    }
