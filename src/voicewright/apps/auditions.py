"""`voicewright runs audition | best | compare | merge | export`: what a run learned, heard, judged and handed on."""

from dataclasses import replace as with_fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voicewright.apps.progress import shown
from voicewright.apps.session import Json, note, print_json, say, studio_of, table
from voicewright.errors import BadRun, BadSetting
from voicewright.settings import to_dict

if TYPE_CHECKING:
    from voicewright.progress import Progress
    from voicewright.training.audition import Audition
    from voicewright.training.checkpoint import Checkpoint
    from voicewright.training.comparison import Comparison
    from voicewright.training.run import Run

Folder = Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.", show_default=False)]
Step = Annotated[int | None, typer.Option("--step", metavar="N", help="Which checkpoint; the best by default.")]
COLUMNS = {"score": 3, "ge2e": 3, "campplus": 3, "dvector": 3, "dnsmos": 2, "words_wrong": 0, "rtf": 2}
"""Figures of an audition, and how many digits they get."""


def audition(
    context: typer.Context,
    folder: Folder,
    step: Annotated[int | None, typer.Option("--step", metavar="N", help="Only this one; 0: the start.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Those that were heard already too.")] = False,
    as_json: Json = False,
) -> None:
    """Have checkpoints speak, and score what is heard: those that were not heard yet, and the voice they started from.

    \b
      voicewright runs audition runs/narrator --again
    """
    from voicewright.training.audition import auditions_in
    from voicewright.training.checkpoint import with_figures

    run, training = _run(folder), studio_of(context).training
    auditor, heard = training.auditor(run), auditions_in(run.auditions)
    kept: dict[int, Checkpoint | None] = {0: None, **{each.step: each for each in run.checkpoints()}}
    if step is not None and step not in kept:
        raise BadRun(f"{folder} has no checkpoint of step {step}; there are: {', '.join(map(str, kept))}")
    wanted = [each for each in kept if (each in (step, 0) if step is not None else True)]
    with shown() as progress:
        for each in wanted:
            if again or each == step or each not in heard:
                found = auditor.hear(*training.at(run, kept[each]), run.auditions, each, progress=progress)
                if (checkpoint := kept[each]) is not None:
                    with_figures(checkpoint, found.figures())
    _tell_auditions(auditions_in(run.auditions), auditor.notes, as_json)


def _tell_auditions(found: "dict[int, Audition]", notes: tuple[str, ...], as_json: bool) -> None:
    if as_json:
        print_json({"auditions": [to_dict(each) | {"figures": each.figures()} for each in found.values()]})
        return
    rows = [
        (str(step), *(f"{figures[name]:.{digits}f}" if name in figures else "" for name, digits in COLUMNS.items()))
        for step, audition in found.items()
        for figures in (audition.figures(),)
    ]
    say(table(("step", *COLUMNS), rows))
    for step, each in found.items():
        for reason in each.reasons:
            note(f"  step {step}: {reason}")
    for told in notes:
        note(f"  {told}")


def best(folder: Folder, as_json: Json = False) -> None:
    """Say which checkpoint to take, by what was heard and not by the loss; it may be none.

    \b
      voicewright runs best runs/narrator
    """
    from voicewright.training.choice import best as choose

    found = choose(_run(folder))
    if as_json:
        where = str(found.checkpoint.folder) if found.checkpoint else None
        print_json({"step": found.step, "score": found.score, "checkpoint": where, "reasons": list(found.reasons)})
        return
    say(str(found))
    if found.checkpoint:
        say(str(found.checkpoint.folder))


def compare(
    context: typer.Context,
    folder: Folder,
    step: Step = None,
    other: Annotated[
        Path | None, typer.Option("--against", metavar="RUN", help="Another run's best instead of the start.")
    ] = None,
    sentences: Annotated[int, typer.Option("--sentences", metavar="N", help="Texts that both speak.")] = 24,
    blind: Annotated[
        Path | None, typer.Option("--blind", metavar="FOLDER", help="Make a listening test of it, in a new folder.")
    ] = None,
    abx: Annotated[bool, typer.Option("--abx", help="The listening test asks whether they can be told apart.")] = False,
    answers: Annotated[
        list[Path] | None, typer.Option("--answers", metavar="FILE", help="Only score these answers to --blind.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say whether training beat the voice it started from, on texts that no audition used; it may say no.

    \b
      voicewright runs compare runs/narrator
      voicewright runs compare runs/narrator --blind listening
      voicewright runs compare runs/narrator --blind listening --answers answers.json
    """
    if answers:
        _score(answers, blind, as_json)
        return
    if other is not None and step is not None:
        raise BadSetting("--against compares the best of both runs; leave --step out")
    run = _run(folder)
    with shown() as progress:
        found, place = _compared(context, run, step, other, sentences, progress)
    key = _make_blind(place, blind, abx) if blind is not None else None
    if as_json:
        print_json(to_dict(found) | {"page": str(place / "index.html"), "key": str(key) if key else None})
        return
    say(str(found))
    say(f"listen: {place / 'index.html'}")
    if key is not None and blind is not None:
        say(f"listening test: {blind / 'index.html'}; keep its key to yourself: {key}")


def _compared(
    context: typer.Context, run: "Run", step: int | None, other: Path | None, sentences: int, progress: "Progress"
) -> "tuple[Comparison, Path]":
    """The comparison, and its folder."""
    from voicewright.training.comparison import compare_runs

    training = studio_of(context).training
    checkpoint = _checkpoint(run, step) if step is not None else None
    if other is None:
        found = training.compare(run, checkpoint=checkpoint, sentences=sentences, progress=progress)
        return found, run.folder / "comparison"
    theirs = _run(other)
    place = run.folder / f"comparison-{theirs.folder.resolve().name}"
    auditor = training.auditor(run)
    return compare_runs(theirs, run, training.at, auditor, place, sentences=sentences, progress=progress), place


def _make_blind(place: Path, blind: Path, abx: bool) -> Path:
    from voicewright.training.blind import make_blind, pairs_of
    from voicewright.training.comparison import read_comparison

    found = read_comparison(place)
    return make_blind(pairs_of(place, found), blind, names=(found.a, found.b), kind="abx" if abx else "ab")


def _score(answers: list[Path], blind: Path | None, as_json: bool) -> None:
    from voicewright.training.blind import ENDING, score

    if blind is None:
        raise BadSetting("--answers needs the listening test that they belong to: --blind FOLDER")
    found = score(answers, blind.with_name(blind.name + ENDING))
    print_json(to_dict(found)) if as_json else say(found.sentence)


def merge(
    checkpoints: Annotated[
        list[Path],
        typer.Argument(metavar="CHECKPOINTS…", help="Two or more: runs (their best) or checkpoints' folders."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="RUN", help="A new run.", show_default=False)],
    weights: Annotated[
        list[float] | None, typer.Option("--weight", metavar="W", help="One for each, in order; equal by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Average checkpoints of one shape into a run of their own, which speaks, and can be trained from.

    \b
      voicewright runs merge runs/a runs/b --weight 0.7 --weight 0.3 -o runs/both
    """
    from voicewright.training.merge import KEPT
    from voicewright.training.merge import merge as merged

    folders = [_checkpoint_in(each) for each in checkpoints]
    run = merged(folders, weights or [1.0] * len(folders), out)
    (found,) = run.checkpoints()
    if as_json:
        print_json({"run": str(out), "checkpoint": str(found.folder), "parent": found.parent, **found.figures})
        return
    say(f"{out}: {found.parent}")
    if KEPT in found.figures:
        say(f"adapters of the same rank hold {found.figures[KEPT]:.1%} of the averaged change")
    say(f"hear it: voicewright runs audition {out}")


def export(
    context: typer.Context,
    folder: Folder,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="PATH", help="A file (voice) or a folder; by default the library."),
    ] = None,
    what: Annotated[
        str,
        typer.Option(
            "--format", metavar="NAME", help="voice, or one that the engine knows: upstream, onnx, checkpoint."
        ),
    ] = "voice",
    step: Step = None,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Name of the voice.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Write over what is there.")] = False,
    as_json: Json = False,
) -> None:
    """Take the voice out of a run: into the library, to a file, or in a format for other programs.

    \b
      voicewright runs export runs/narrator
      voicewright runs export runs/narrator --format upstream -o narrator-kokoro
    """
    from voicewright.training.exporting import VOICE
    from voicewright.training.exporting import export as exported
    from voicewright.voice.names import voice_name

    run, studio = _run(folder), studio_of(context)
    checkpoint = _checkpoint(run, step) if step else None
    chosen = step is not None
    voice = studio.training.at(run, checkpoint)[1] if chosen else studio.training.voice_of(run)
    voice = with_fields(voice, name=voice_name(name)) if name else voice
    if out is None and what == VOICE:
        paths = [studio.library.add(voice, replace=replace)]
    elif out is None:
        raise BadSetting(f"exporting as {what} needs a folder: -o FOLDER")
    else:
        paths = exported(studio.engines.get(run.plan.engine), voice, what, out, replace=replace)
    if as_json:
        print_json({"voice": voice.name, "format": what, "files": [str(path) for path in paths]})
        return
    for path in paths:
        say(str(path))


def _run(folder: Path) -> "Run":
    from voicewright.training.run import Run

    return Run.open(folder)


def _checkpoint(run: "Run", step: int) -> "Checkpoint":
    found = {each.step: each for each in run.checkpoints()}
    if step not in found:
        raise BadRun(
            f"{run.folder} has no checkpoint of step {step}; there are: {', '.join(map(str, found)) or 'none'}"
        )
    return found[step]


def _checkpoint_in(folder: Path) -> Path:
    """A checkpoint's folder, or that of a run's best."""
    from voicewright.training.choice import best as choose
    from voicewright.training.run import Run

    if not Run.holds(folder):
        return folder
    found = choose(Run.open(folder))
    if found.checkpoint is None:
        raise BadRun(f"{folder}: {found.reasons[0]} Name the checkpoint: {folder}/checkpoints/step-…")
    return found.checkpoint.folder
