"""`voicewright dataset …`: look at datasets, check, correct, share out, and move them."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voicewright.apps.preparing import Workers, changed, facts_of, report, told
from voicewright.apps.progress import shown
from voicewright.apps.session import Json, flag, note, print_json, say, studio_of, table
from voicewright.data.options import SplitOptions
from voicewright.errors import BadSetting

if TYPE_CHECKING:
    from voicewright.data.edits import Edit
    from voicewright.data.utterance import Utterance

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at datasets, check, correct and move them.")

Folder = Annotated[Path, typer.Argument(metavar="DATASET", help="The dataset's folder.", show_default=False)]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="A new folder.", show_default=False)]


@app.command()
def show(
    context: typer.Context,
    folder: Folder,
    dropped: Annotated[bool, typer.Option("--dropped", help="List the dropped utterances, and why.")] = False,
    flagged: Annotated[bool, typer.Option("--flagged", help="List what is kept and should be looked at.")] = False,
    every: Annotated[bool, typer.Option("--all", help="List every utterance.")] = False,
    as_json: Json = False,
) -> None:
    """A dataset in figures, and its utterances.

    \b
      voicewright dataset show datasets/narrator --dropped
    """
    dataset = studio_of(context).datasets.open(folder)
    listed = [
        each
        for each in dataset.utterances()
        if every or (dropped and each.dropped) or (flagged and each.flags and each.kept)
    ]
    summary = dataset.summary()
    if as_json:
        print_json({"summary": asdict(summary), "utterances": [asdict(each) for each in listed]})
        return
    say("\n".join(told(summary)))
    if listed:
        say(table(("id", "seconds", "text", "why"), [_row(each) for each in listed]))
    for orphan in dataset.orphans():
        note(f"  edit {orphan.line.number} finds its utterance no more: {orphan.why}")


def _row(utterance: "Utterance") -> tuple[str, str, str, str]:
    why = utterance.dropped or "; ".join(utterance.flags)
    return utterance.id, f"{utterance.seconds:.1f}", utterance.text[:60], why


@app.command()
def check(context: typer.Context, folder: Folder, workers: Workers = 0, as_json: Json = False) -> None:
    """Compare every clip with the manifest, score what is new or changed, judge all, write report.html anew."""
    with shown() as progress:
        outcome = studio_of(context).datasets.check(folder, workers=workers, progress=progress)
    print_json(facts_of(outcome)) if as_json else report(outcome)


@app.command()
def split(
    context: typer.Context,
    folder: Folder,
    validation: Annotated[float | None, flag(SplitOptions, "validation", "--validation")] = None,
    test: Annotated[float | None, flag(SplitOptions, "test", "--test")] = None,
    seed: Annotated[int | None, flag(SplitOptions, "seed", "--seed")] = None,
    as_json: Json = False,
) -> None:
    """Share the utterances out between training, validation and test; what humans assigned stays."""
    datasets = studio_of(context).datasets
    options = changed(datasets.options_of(folder).split, validation=validation, test=test, seed=seed)
    outcome = datasets.split(folder, options)
    print_json(facts_of(outcome)) if as_json else report(outcome)


@app.command()
def edit(
    context: typer.Context,
    folder: Folder,
    utterance: Annotated[str, typer.Argument(metavar="ID", help="Which utterance.", show_default=False)],
    text: Annotated[str | None, typer.Option("--text", metavar="TEXT", help="What is really said.")] = None,
    speaker: Annotated[str | None, typer.Option("--speaker", metavar="NAME", help="Who really speaks.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Use it, whatever the rules say.")] = False,
    drop: Annotated[str | None, typer.Option("--drop", metavar="REASON", help="Do not use it.")] = None,
    split_at: Annotated[float | None, typer.Option("--split-at", metavar="SECONDS", help="Make it two.")] = None,
    merge_with: Annotated[str | None, typer.Option("--merge-with", metavar="ID", help="Join the next to it.")] = None,
    as_json: Json = False,
) -> None:
    """Correct an utterance. Corrections are a log beside the dataset: they survive when it is prepared again.

    \b
      voicewright dataset edit datasets/narrator rec1-00004200 --text "What is really said."
    """
    dataset = studio_of(context).datasets.open(folder)
    edits = _edits(
        {each.id: each for each in dataset.utterances()},
        utterance,
        text=text,
        speaker=speaker,
        keep=keep,
        drop=drop,
        split_at=split_at,
        merge_with=merge_with,
    )
    _changed(dataset.edit(*edits), as_json)
    if not as_json:
        say(f"then: voicewright dataset check {folder}")


def _changed(utterances: "list[Utterance]", as_json: bool) -> None:
    """What is new or different now."""
    if as_json:
        print_json([asdict(each) for each in utterances])
        return
    for each in utterances:
        say(f"{each.id}: {each.dropped or 'kept'}; {each.speaker}: {each.text}")


def _edits(
    utterances: "dict[str, Utterance]",
    name: str,
    *,
    text: str | None,
    speaker: str | None,
    keep: bool,
    drop: str | None,
    split_at: float | None,
    merge_with: str | None,
) -> "list[Edit]":
    from voicewright.data.edits import Anchor, Drop, Keep, Merge, SetSpeaker, SetText, SplitAt

    def anchor(wanted: str) -> Anchor:
        if wanted not in utterances:
            raise BadSetting(f"no utterance {wanted!r}; list them: voicewright dataset show DATASET --all")
        return Anchor.of(utterances[wanted])

    if keep and drop is not None:
        raise BadSetting("--keep and --drop contradict each other; say one of them")
    at = anchor(name)
    edits: list[Edit] = []
    if text is not None:
        edits.append(SetText(at=at, text=text))
    if speaker is not None:
        edits.append(SetSpeaker(at=at, speaker=speaker))
    if keep:
        edits.append(Keep(at=at))
    if drop is not None:
        edits.append(Drop(at=at, reason=drop))
    if split_at is not None:
        edits.append(SplitAt(at=at, at_s=split_at))
    if merge_with is not None:
        edits.append(Merge(at=at, next=anchor(merge_with)))
    if not edits:
        raise BadSetting("say what is to be corrected: --text, --speaker, --keep, --drop, --split-at or --merge-with")
    return edits


@app.command()
def undo(
    context: typer.Context,
    folder: Folder,
    number: Annotated[int | None, typer.Argument(metavar="N", help="Which edit; the last one by default.")] = None,
    as_json: Json = False,
) -> None:
    """Take a correction back."""
    _changed(studio_of(context).datasets.open(folder).undo(number), as_json)


@app.command()
def export(
    context: typer.Context,
    folder: Folder,
    out: Out = ...,  # type: ignore[assignment]
    format_name: Annotated[str, typer.Option("--format", metavar="NAME", help="One of those below.")] = "ljspeech",
    rate: Annotated[int, typer.Option("--rate", metavar="HZ", help="0: what the format wants.")] = 0,
    dropped: Annotated[bool, typer.Option("--dropped", help="The dropped utterances too.")] = False,
    as_json: Json = False,
) -> None:
    """Write a dataset as another program keeps it.

    Formats: huggingface, libritts, ljspeech, sovits, tortoise, valle, voicewright, whisper-json.
    """
    from voicewright.data.formats.base import ExportOptions

    with shown() as progress:
        options = ExportOptions(rate=rate, dropped=dropped)
        done = studio_of(context).datasets.export(folder, format_name, out, options, progress=progress)
    if as_json:
        print_json(asdict(done))
        return
    for problem in done.problems:
        note(f"  {problem}")
    say(f"{done.folder}  ({done.utterances} clips, {done.seconds:.0f} s)")


@app.command("import")
def take_over(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="What another program keeps.", show_default=False)],
    out: Out = ...,  # type: ignore[assignment]
    format_name: Annotated[str, typer.Option("--format", metavar="NAME", help="Found out by default.")] = "",
    speaker: Annotated[str, typer.Option("--speaker", metavar="NAME", help="Where it is not said.")] = "speaker",
    language: Annotated[str, typer.Option("--language", metavar="CODE", help="The same.")] = "en-us",
    gold: Annotated[bool, typer.Option("--gold", help="The texts were written by humans.")] = False,
    as_json: Json = False,
) -> None:
    """Make a dataset from the folders of LJSpeech, so-vits, ai-voice-cloning, LibriTTS, Hugging Face or VALL-E."""
    from voicewright.data.formats.base import ImportOptions

    options = ImportOptions(speaker=speaker, language=language, gold=gold)
    with shown() as progress:
        outcome = studio_of(context).datasets.take_over(
            folder, out, format_name=format_name, options=options, progress=progress
        )
    if as_json:
        print_json(facts_of(outcome))
        return
    report(outcome)
    say(f"to score the clips: voicewright dataset check {out}")


@app.command()
def merge(
    context: typer.Context,
    folders: Annotated[list[Path], typer.Argument(metavar="DATASETS", help="Two or more.", show_default=False)],
    out: Out = ...,  # type: ignore[assignment]
    as_json: Json = False,
) -> None:
    """One new dataset from several."""
    with shown() as progress:
        outcome = studio_of(context).datasets.merge(folders, out, progress=progress)
    print_json(facts_of(outcome)) if as_json else report(outcome)
