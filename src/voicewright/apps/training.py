"""`voicewright plan`: how a dataset is best learned from, as a file."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voicewright.apps.progress import shown
from voicewright.apps.session import Json, flag, note, print_json, say, session_of, studio_of, table
from voicewright.errors import BadPlan, BadSetting
from voicewright.settings import load, save, to_dict
from voicewright.training.options import TrainingPlan

if TYPE_CHECKING:
    from voicewright.training.estimate import Estimate
    from voicewright.training.planning import Planned
    from voicewright.training.remarks import Remark

PLAN_HELP = """Write a training plan for a dataset: good values for the data and this machine, and what it will take.

\b
  voicewright plan datasets/narrator -o plan.yaml
  voicewright plan datasets/narrator --epochs 40 --set lora.rank=4 --set audition.sentences=6
  voicewright plan --check plan.yaml

Everything can be changed by hand afterwards; --check looks at a plan again, and with --replace writes it back as it can
be carried out. Then: voicewright train plan.yaml
"""

Folder = Annotated[Path | None, typer.Argument(metavar="DATASET", help="The dataset's folder.", show_default=False)]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where the plan is written.")]
Check = Annotated[
    Path | None, typer.Option("--check", metavar="FILE", help="Check a plan that is there instead of writing one.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Any other setting of a plan, as often as wanted."),
]
Trial = Annotated[
    bool, typer.Option("--trial/--no-trial", help="Try a few steps on this machine to tell how long it will take.")
]
Replace = Annotated[bool, typer.Option("--replace", help="Write over a plan that is there.")]


def plan(
    context: typer.Context,
    folder: Folder = None,
    out: Out = Path("plan.yaml"),
    engine: Annotated[str | None, flag(TrainingPlan, "engine", "--engine", metavar="NAME")] = None,
    run: Annotated[str | None, flag(TrainingPlan, "run", "--run", metavar="DIR")] = None,
    voice: Annotated[str | None, flag(TrainingPlan, "voice", "--voice", metavar="NAME")] = None,
    speaker: Annotated[str | None, flag(TrainingPlan, "speaker", "--speaker", metavar="NAME")] = None,
    start: Annotated[str | None, flag(TrainingPlan, "start", "--start", metavar="VOICE")] = None,
    consent: Annotated[str | None, flag(TrainingPlan, "consent", "--consent", metavar="TEXT")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="How often every clip is learned from.")] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="Clips in one step.")] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", help="The highest learning rate.")] = None,
    settings: Set = None,
    check: Check = None,
    trial: Trial = True,
    replace: Replace = False,
    as_json: Json = False,
) -> None:
    session = session_of(context)
    flags: dict[str, Any] = {
        "engine": engine,
        "run": run,
        "voice": voice,
        "speaker": speaker,
        "start": start,
        "consent": consent,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
    }
    given = {name: value for name, value in flags.items() if value is not None} | values_of(settings or [])
    if check is not None:
        if folder is not None or given:
            raise BadSetting(
                "--check looks at a plan as it is: leave out the dataset and the values, or leave out --check"
            )
        _check(context, check, trial=trial, replace=replace, as_json=as_json)
        return
    if folder is None:
        raise BadSetting("say which dataset: voicewright plan DATASET -o plan.yaml")
    if out.exists() and not replace:
        raise BadPlan(f"{out} is there already; name another file (-o), or write over it: --replace")
    beside = {"device": session.device} | ({} if session.precision == "auto" else {"precision": session.precision})
    with shown() as progress:
        made = studio_of(context).training.plan(folder, beside | given, trial=trial, progress=progress)
    save(made.plan, out)
    print_json(facts_of(made, out)) if as_json else _report(made, out)


def _check(context: typer.Context, path: Path, *, trial: bool, replace: bool, as_json: bool) -> None:
    """Look at a plan that somebody wrote; exit code 2 if it cannot be carried out as it is."""
    if not path.is_file():
        raise BadPlan(f"there is no plan {path}; write one: voicewright plan DATASET -o {path}")
    with shown() as progress:
        made = studio_of(context).training.check(load(TrainingPlan, path), trial=trial, progress=progress)
    changed = any(remark.kind == "changed" for remark in made.remarks)
    if changed and replace:
        save(made.plan, path)
    print_json(facts_of(made, path)) if as_json else _report(made, path)
    if changed and not replace:
        note(f"voicewright: {path} cannot be carried out as it is; write it back as above: --check {path} --replace")
        raise typer.Exit(2)


def values_of(settings: Sequence[str]) -> dict[str, Any]:
    """Settings from "name=value"; "lora.rank=4" is one of a group. A value is what JSON reads in it, or else text.

    Raises: BadSetting: there is no "=" in one.
    """
    found: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or not name:
            raise BadSetting(f"--set {setting!r}: expected NAME=VALUE, for instance --set lora.rank=4")
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        group, _, member = name.partition(".")
        if not member:
            found[name] = value
            continue
        values = found.setdefault(group, {})
        if not isinstance(values, dict):
            raise BadSetting(f"--set {setting!r}: {group} was given as a whole already")
        values[member] = value
    return found


def facts_of(made: "Planned", path: Path) -> dict[str, Any]:
    """A plan and what there is to say about it, as plain data."""
    estimate = made.estimate
    return {
        "file": str(path),
        "plan": to_dict(made.plan),
        "remarks": [asdict(remark) for remark in made.remarks],
        "estimate": asdict(estimate) | {"measured": estimate.measured, "seconds": estimate.seconds},
    }


def _report(made: "Planned", path: Path) -> None:
    for line in told(made.remarks):
        say(line)
    say("\n".join(expected(made.estimate)))
    say(f"{path}  (then: voicewright train {path})")


def told(remarks: "Sequence[Remark]") -> Iterator[str]:
    """What was chosen, what was changed, and what is worth knowing, in this order."""
    heads = {"chosen": "", "changed": "changed, for it cannot be done otherwise:", "note": "worth knowing:"}
    for kind, head in heads.items():
        found = [remark for remark in remarks if remark.kind == kind]
        if found and head:
            yield head
        yield from (f"  {remark}" for remark in found)


def expected(estimate: "Estimate") -> Iterator[str]:
    """What a run will take."""
    from voicewright.voice.findings import clock

    counted = f"{estimate.steps:,} steps, {estimate.steps_per_epoch:,} an epoch; checkpoints: {estimate.checkpoints}"
    if not estimate.measured:
        yield f"{counted}; how long it takes was not tried"
        return
    yield counted
    rows = [(part.name, clock(part.seconds), part.how) for part in estimate.parts]
    yield table(("PART", "TIME", "HOW"), [*rows, ("all of it", clock(estimate.seconds), "")])
    yield f"memory: {estimate.memory_gib:.1f} GiB ({estimate.memory_how})"
    yield f"disk: {estimate.disk_mb:,.0f} MB ({estimate.disk_how})"
