"""`voicewright convert`: recordings and songs, said and sung again in another voice."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from voicewright.apps.make import voice_of
from voicewright.apps.progress import shown
from voicewright.apps.session import Json, flag, note, print_json, say, session_of
from voicewright.apps.training import values_of
from voicewright.conversion.options import ConversionSettings
from voicewright.engines.options import ConvertOptions
from voicewright.engines.registry import convert_options
from voicewright.errors import BadSetting
from voicewright.settings import from_dict
from voicewright.speech.options import Output

if TYPE_CHECKING:
    from voicewright.conversion.conversion import Converted
    from voicewright.conversion.folder import FolderReport

CONVERT_HELP = """Say or sing a recording again in another voice: any length, any format; or a whole folder.

\b
  voicewright convert talk.wav --voice narrator -o out.wav
  voicewright convert song.flac --voice narrator -o out.flac --transpose 0 --separate
  voicewright convert takes/ --voice narrator -o converted/

Words, timing and melody are the recording's; the sound is the voice's. No training is needed.
"""
Ending = Literal["wav", "flac", "ogg", "mp3"]


def convert(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A recording, or a folder.", show_default=False)],
    voice: Annotated[str, typer.Option("--voice", "-v", metavar="NAME", help="A voice's name, or a .voice file.")] = "",
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="OUT", help="The sound file, or the folder, to write.")
    ] = ...,  # type: ignore[assignment]
    transpose: Annotated[str | None, flag(ConversionSettings, "transpose", "--transpose", metavar="auto|N")] = None,
    pitch: Annotated[str | None, flag(ConversionSettings, "pitch", "--pitch", metavar="NAME")] = None,
    envelope: Annotated[float | None, flag(ConversionSettings, "envelope", "--envelope")] = None,
    separate: Annotated[bool, flag(ConversionSettings, "separate", "--separate")] = False,
    seed: Annotated[int | None, flag(ConvertOptions, "seed", "--seed")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any other setting, of conversion or of the voice's engine."),
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw the pitch curves (.png).")] = None,
    card: Annotated[bool, flag(Output, "card", "--card/--no-card")] = True,
    embed_voice: Annotated[bool, flag(Output, "embed_voice", "--embed-voice")] = False,
    ending: Annotated[Ending, typer.Option("--format", help="Of a folder's files.")] = "wav",
    again: Annotated[bool, typer.Option("--again", help="Of a folder: also what was converted before.")] = False,
    engine: Annotated[
        str | None, typer.Option("--engine", metavar="RUN", help="A training run's folder: its voice, as it is now.")
    ] = None,
    as_json: Json = False,
) -> None:
    session = session_of(context)
    session.engine = engine or session.engine
    chosen = session.studio.voice(voice_of(voice))
    given = {"transpose": semitones(transpose), "pitch": pitch, "envelope": envelope, "separate": separate or None}
    wished, own = parted(values_of(settings or []), chosen.engine)
    wished |= {name: value for name, value in given.items() if value is not None}
    own |= {"seed": seed} if seed is not None else {}
    ready = session.studio.converting(
        chosen,
        settings=from_dict(ConversionSettings, wished, where="convert"),
        options=from_dict(convert_options(chosen.engine), own, where=f"the engine {chosen.engine}"),
        output=Output(card=card, embed_voice=embed_voice),
    )
    with shown() as progress:
        if source.is_dir():
            report = ready.folder(source, out, ending=f".{ending}", again=again, progress=progress)
        else:
            converted = ready.file(source, out, progress=progress)
    if source.is_dir():
        _report(report, as_json=as_json)
        return
    if plot is not None:
        from voicewright.conversion.picture import draw_curves

        draw_curves({"recording": converted.source, "wished": converted.wished}, plot, title=source.name)
    print_json(facts_of(converted, out)) if as_json else _tell(converted, out)


def semitones(text: str | None) -> float | str | None:
    """A transposition as it was typed: "auto", or a number. Raises BadSetting: neither."""
    if text is None or text == "auto":
        return text
    try:
        return float(text)
    except ValueError:
        raise BadSetting(f"--transpose {text!r}: expected auto or a number of semitones") from None


def parted(values: dict[str, Any], engine: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings by name: those of conversion, and those of the voice's engine."""
    general = {field.name for field in fields(ConversionSettings)}
    own = {field.name for field in fields(convert_options(engine))}
    both = {name: value for name, value in values.items() if name in own - general}
    return {name: value for name, value in values.items() if name not in both}, both


def facts_of(converted: "Converted", out: Path) -> dict[str, Any]:
    """What was done, as plain data."""
    return {
        "out": str(out),
        "seconds": converted.seconds,
        "rate": converted.rate,
        "slices": [{"start_s": piece.start_s, "end_s": piece.end_s} for piece in converted.slices],
        "semitones": converted.semitones,
        "source_hz": converted.source_hz,
        "target_hz": converted.target_hz,
        "warnings": list(converted.warnings),
        "rtf": converted.rtf,
    }


def _tell(converted: "Converted", out: Path) -> None:
    for warning in converted.warnings:
        note(warning)
    pitch = f"{converted.source_hz:.0f} Hz to {converted.target_hz:.0f} Hz ({converted.semitones:+.1f} semitones)"
    voiced = converted.source_hz == converted.source_hz
    told = [f"{converted.seconds:.1f} s", f"{len(converted.slices)} slices", pitch if voiced else "no pitch found"]
    say(f"{out}  ({', '.join([*told, f'RTF {converted.rtf:.2f}'])})")


def _report(report: "FolderReport", *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "done": _names(report.done),
                "skipped": _names(report.skipped),
                "failed": {str(path): why for path, why in report.failed.items()},
                "ignored": _names(report.ignored),
            }
        )
    else:
        for path, why in report.failed.items():
            note(f"{path}: {why}")
        counts = {"converted": report.done, "there already": report.skipped, "failed": report.failed}
        say(", ".join(f"{len(found)} {name}" for name, found in counts.items() if found) or "no recordings found")
    if report.failed:
        raise typer.Exit(2)


def _names(paths: Sequence[Path]) -> list[str]:
    return [str(path) for path in paths]
