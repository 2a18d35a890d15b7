"""`voicewright prepare`: recordings in, a dataset out."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voicewright.apps.progress import shown
from voicewright.apps.session import Json, flag, note, print_json, say, studio_of
from voicewright.data.options import PrepareOptions, SliceOptions, Task, TranscribeOptions
from voicewright.settings import load

if TYPE_CHECKING:
    from voicewright.data.datasets import Outcome
    from voicewright.data.summary import Amount, Summary

PREPARE_HELP = """Make a dataset from recordings: clips with text, cut at pauses, scored, marked where not to be used.

\b
  voicewright prepare interviews/ --speaker narrator -o datasets/narrator
  voicewright prepare episode.mp3 --transcript episode.txt -o datasets/narrator
  voicewright prepare songs/ --task convert --separate -o datasets/narrator-sings

A run that was interrupted goes on where it stopped when the same command is given again. More recordings can be added
to a dataset that is there; it remembers its options, and those that are given change them for all of it. Nothing is
deleted: report.html in the dataset shows what was dropped, and why.
"""


Recordings = Annotated[
    list[Path], typer.Argument(metavar="RECORDINGS", help="Sound files, and folders of them.", show_default=False)
]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The dataset's folder.", show_default=False)]
Transcript = Annotated[
    Path | None,
    typer.Option(
        "--transcript",
        metavar="FILE",
        help="What a human wrote down: text with speaker names, SRT, VTT, TextGrid, or a table name: text.",
    ),
]
Like = Annotated[Path | None, typer.Option("--like", metavar="FILE", help="A recording of only the wanted speaker.")]
Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="All options, thresholds too, from a YAML file.")
]
Workers = Annotated[int, typer.Option("--workers", metavar="N", help="Processes; 0: one for each core, four at most.")]
Cluster = Annotated[
    str, typer.Option("--cluster", metavar="ADDRESS", help="A Ray cluster that does the work (extra: cluster).")
]


def prepare(
    context: typer.Context,
    recordings: Recordings,
    out: Out = ...,  # type: ignore[assignment]
    transcript: Transcript = None,
    speaker: Annotated[str | None, flag(PrepareOptions, "speaker", "--speaker", metavar="NAME")] = None,
    like: Like = None,
    speakers: Annotated[int | None, flag(PrepareOptions, "speakers", "--speakers")] = None,
    task: Annotated[Task | None, flag(PrepareOptions, "task", "--task")] = None,
    engine: Annotated[str | None, flag(PrepareOptions, "engine", "--engine", metavar="NAME")] = None,
    diarizer: Annotated[str | None, flag(PrepareOptions, "diarizer", "--diarizer", metavar="KIND:PLACE")] = None,
    language: Annotated[str | None, flag(PrepareOptions, "language", "--language")] = None,
    separate: Annotated[bool | None, flag(PrepareOptions, "separate", "--separate/--no-separate")] = None,
    denoise: Annotated[bool | None, flag(PrepareOptions, "denoise", "--denoise/--no-denoise")] = None,
    rate: Annotated[int | None, flag(PrepareOptions, "rate", "--rate")] = None,
    model: Annotated[str | None, flag(TranscribeOptions, "model", "--model", metavar="NAME")] = None,
    beam: Annotated[int | None, flag(TranscribeOptions, "beam", "--beam")] = None,
    shortest: Annotated[float | None, flag(SliceOptions, "shortest_s", "--shortest", metavar="SECONDS")] = None,
    longest: Annotated[float | None, flag(SliceOptions, "longest_s", "--longest", metavar="SECONDS")] = None,
    config: Config = None,
    workers: Workers = 0,
    cluster: Cluster = "",
    as_json: Json = False,
) -> None:
    datasets = studio_of(context).datasets
    options = load(PrepareOptions, config) if config else datasets.options_of(out)
    options = replace(
        options,
        slices=changed(options.slices, shortest_s=shortest, longest_s=longest),
        transcribe=changed(options.transcribe, model=model, beam=beam),
    )
    options = changed(
        options,
        speaker=speaker,
        speakers=speakers,
        task=task,
        engine=engine,
        diarizer=diarizer,
        language=language,
        separate=separate,
        denoise=denoise,
        rate=rate,
    )
    with shown() as progress:
        made = datasets.prepare(
            recordings,
            out,
            options=options,
            transcript=transcript,
            like=like,
            workers=workers,
            cluster=cluster,
            progress=progress,
        )
    print_json(facts_of(made)) if as_json else report(made)
    if not made.summary.kept.utterances and not made.summary.dropped.utterances:
        note("voicewright: no clip came out of these recordings; mend what is said above, and give the command again")
        raise typer.Exit(2)


def changed(options: Any, **values: Any) -> Any:
    """The options with the values that were given; what is None stays as it is."""
    return replace(options, **{name: value for name, value in values.items() if value is not None})


def report(made: "Outcome") -> None:
    """What came out, where the text and the sound differ, and where to look."""
    for problem in (*made.findings.problems, *made.findings.disagreements):
        note(f"  {problem}")
    say("\n".join(told(made.summary)))
    say(f"{made.report}")


def told(summary: "Summary") -> Iterator[str]:
    """A dataset's figures, a line each."""
    yield f"kept: {_amount(summary.kept)}; {summary.gold_share:.0%} with human text"
    yield from (f"  {name}: {_amount(amount)}" for name, amount in summary.speakers.items())
    yield "  " + ", ".join(f"{name} {amount.utterances}" for name, amount in summary.splits.items())
    yield f"dropped: {_amount(summary.dropped)}"
    yield from (f"  {reason}: {_amount(amount)}" for reason, amount in summary.reasons.items())
    if summary.flags:
        yield "kept, but look at:"
        yield from (f"  {flag}: {_amount(amount)}" for flag, amount in summary.flags.items())


def _amount(amount: "Amount") -> str:
    minutes, seconds = divmod(round(amount.seconds), 60)
    clips = "clip" if amount.utterances == 1 else "clips"
    return f"{amount.utterances:,} {clips}, {minutes // 60}:{minutes % 60:02}:{seconds:02}"


def facts_of(made: "Outcome") -> dict[str, object]:
    """The outcome as plain data."""
    return {
        "dataset": str(made.folder),
        "report": str(made.report),
        "summary": asdict(made.summary),
        "problems": [asdict(each) for each in made.findings.problems],
        "disagreements": [asdict(each) for each in made.findings.disagreements],
    }
