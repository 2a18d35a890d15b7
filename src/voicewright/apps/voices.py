"""`voicewright voices`: the library."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voicewright.apps.session import Json, note, on_terminal, print_json, say, studio_of, table
from voicewright.errors import BadSetting

if TYPE_CHECKING:
    from voicewright.voice.voice import Voice

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="List, show, rename, remove and move voices.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="The voice's name.", show_default=False)]
Replace = Annotated[bool, typer.Option("--replace", help="Replace what is there already.")]


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """Show every voice in the library, one line each."""
    found = studio_of(context).library.list()
    if as_json:
        print_json({"voices": [asdict(voice) for voice in found]})
    elif not found:
        note("no voices yet; make one: voicewright clone NAME FILES…")
    else:
        head = ("NAME", "ENGINE", "LANGUAGE", "MADE", "FROM", "CONSENT")
        say(table(head, [_row(voice) for voice in found]))


def _row(voice: Any) -> tuple[str, ...]:
    if voice.damaged:
        return voice.name, "damaged:", voice.damaged, "", "", ""
    made, seconds = voice.created[:10], f"{voice.seconds:.1f} s"
    return voice.name, voice.engine, voice.language, made, seconds, _short(voice.consent, 40)


def _short(text: str, length: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"


@app.command()
def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show what is known of one voice: what it was made from, with whose consent, and what it reached."""
    voice = studio_of(context).library.open(name)
    facts = facts_of(voice)
    if as_json:
        print_json(facts)
        return
    for key, value in facts.items():
        if isinstance(value, dict):
            value = ", ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in value.items())
        elif isinstance(value, list):
            value = ", ".join(f"{s['name'] or s['sha256'][:12]} ({s['seconds']:.1f} s)" for s in value)
        say(f"{key + ':':10} {value if value not in ('', None) else '–'}")


def facts_of(voice: "Voice") -> dict[str, Any]:
    """A voice without its tensors and its preview's sound, as plain data."""
    return {
        "name": voice.name,
        "engine": voice.engine,
        "weights": voice.weights,
        "language": voice.language,
        "created": voice.created,
        "sources": [asdict(source) for source in voice.sources],
        "consent": str(voice.consent),
        "licence": voice.licence,
        "scores": dict(voice.scores),
        "settings": dict(voice.settings),
        "preview_s": round(voice.preview.seconds, 2) if voice.preview else 0.0,
    }


@app.command()
def rename(
    context: typer.Context,
    name: Name,
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.", show_default=False)],
) -> None:
    """Give a voice another name."""
    say(str(studio_of(context).library.rename(name, new)))


@app.command()
def remove(
    context: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a voice. Asks first on a terminal; without one it does not ask."""
    library = studio_of(context).library
    if not yes and on_terminal() and not typer.confirm(f"Delete the voice {name!r}?", err=True):
        raise typer.Exit(1)
    library.remove(name)
    note(f"removed {name}")


@app.command()
def blend(
    context: typer.Context,
    voices: Annotated[
        list[str],
        typer.Argument(metavar="VOICE", help="Two voices or more, of one engine.", show_default=False),
    ],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What the new voice is called.")],
    weight: Annotated[
        list[float] | None,
        typer.Option("--weight", metavar="SHARE", help="A share for each voice, together 1; none: equal shares."),
    ] = None,
    replace: Replace = False,
) -> None:
    """Make a voice between voices. It carries the recordings' names and the consent of all of them."""
    say(studio_of(context).blend(name, voices, weight or (), replace=replace).name)


@app.command()
def export(
    context: typer.Context,
    name: Name,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="OUT", help="File or folder to write to.")] = Path(),
    replace: Replace = False,
) -> None:
    """Write a voice to a file that another machine can import."""
    say(str(studio_of(context).library.export(name, out, replace=replace)))


@app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .voice file, or a checkpoint: G_*.pth.", show_default=False)
    ],
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Keep it under another name.")] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="A checkpoint's config.json; else that beside it."),
    ] = None,
    speaker: Annotated[
        str | None, typer.Option("--speaker", metavar="NAME", help="Of a checkpoint: only this speaker.")
    ] = None,
    consent: Annotated[
        str, typer.Option("--consent", metavar="TEXT", help="Of a checkpoint: who agreed, in your words.")
    ] = "",
    home_hz: Annotated[
        float, typer.Option("--home-hz", metavar="HZ", help="Of a checkpoint: the speaker's usual pitch.")
    ] = 0.0,
    like: Annotated[
        list[Path] | None,
        typer.Option("--like", metavar="FILE", help="A recording of the speaker, to measure it; once for each."),
    ] = None,
    replace: Replace = False,
) -> None:
    """Take a voice from a file into the library: ours, or the voices of a so-vits-svc checkpoint.

    A checkpoint is read as data; nothing in it is run. It does not tell how high its speaker sings, which convert
    needs to choose a transposition by itself: say so with --home-hz, or have it measured with --like.
    """
    imports = studio_of(context).imports
    if home_hz and like:
        raise BadSetting("--home-hz and --like both say how high the speaker is; give one of them")
    if file.suffix == ".voice":
        if home_hz or like:
            raise BadSetting(f"{file} brings its usual pitch; --home-hz and --like are for checkpoints")
        say(imports.voice_file(file, name, replace=replace).name)
        return
    home_hz = imports.usual_pitch_hz(like) if like else home_hz
    for voice in imports.checkpoint(
        file, config, name=name, speaker=speaker, home_hz=home_hz, consent=consent, replace=replace
    ):
        say(voice.name)
    note(
        f"its usual pitch is {home_hz:.0f} Hz"
        if home_hz
        else "its usual pitch is not known, so convert leaves the pitch where it is unless --transpose says otherwise; "
        "import it again with --replace and a recording of the speaker (--like), or with --home-hz"
    )
