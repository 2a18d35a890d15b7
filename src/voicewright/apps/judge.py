"""`voicewright measure` and `voicewright card`: what a sound file is like, and what it says of itself."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voicewright.apps.progress import shown
from voicewright.apps.session import Json, note, print_json, say, studio_of
from voicewright.errors import BadSetting
from voicewright.settings import to_dict

if TYPE_CHECKING:
    from voicewright.speech.card import AnyCard, CardCheck

MEASURE_HELP = """Measure a sound file: loudness, rate and pitch; likeness to a speaker; words wrong against a text.

\b
  voicewright measure out.wav
  voicewright measure out.wav --like rec1.wav --like rec2.m4a --text "Any text." --plot out.png
"""
CARD_HELP = """Show the card inside a file made by voicewright: what it is, whose voice, with which settings.

\b
  voicewright card out.wav
  voicewright card out.wav --extract-voice guest
  voicewright card out.wav --replay -o again.wav
"""


def measure(
    context: typer.Context,
    sound: Annotated[Path, typer.Argument(metavar="OUT", help="The sound file to measure.", show_default=False)],
    like: Annotated[
        list[Path] | None, typer.Option("--like", metavar="FILE", help="A recording of the speaker; may be repeated.")
    ] = None,
    text: Annotated[
        str, typer.Option("--text", metavar="TEXT", help="What is said in it, to count the words that are wrong.")
    ] = "",
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Write a picture (.png, .svg).")] = None,
    as_json: Json = False,
) -> None:
    with shown() as progress:
        report = studio_of(context).measure(sound, like=like or [], text=text, plot=plot, progress=progress)
    if as_json:
        print_json(report.to_dict())
    else:
        say(str(report))


def card(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A sound file.", show_default=False)],
    extract_voice: Annotated[
        str, typer.Option("--extract-voice", metavar="NAME", help="Keep the voice inside the card under this name.")
    ] = "",
    replay: Annotated[bool, typer.Option("--replay", help="Speak it again, sample for sample.")] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="OUT", help="Where the replay goes.")] = None,
    as_json: Json = False,
) -> None:
    studio = studio_of(context)
    if replay and out is None:
        raise BadSetting("--replay needs a place for the sound: -o OUT")
    checked = studio.cards.check(file)
    if as_json:
        print_json({"unchanged": checked.unchanged, "told": checked.told, "card": _plain(checked.card)})
    elif not (extract_voice or replay):
        say(_page(checked))
    if extract_voice:
        voice = studio.cards.extract_voice(file, extract_voice)
        note(f"{voice.name} is in the library")
    if out is not None:
        with shown() as progress:
            studio.cards.replay(file, out, progress=progress)
        note(str(out))


def _plain(card: "AnyCard | None") -> dict[str, Any] | None:
    if card is None:
        return None
    return to_dict(replace(card, voice_file="")) | {
        "text": getattr(card, "text", ""),
        "has_voice": bool(card.voice_file),
    }


def _page(checked: "CardCheck") -> str:
    card = checked.card
    if card is None:
        return checked.told
    voice = card.voice
    rows = {
        "what": "synthetic speech" if card.kind == "speech" else "a converted voice",
        "made with": f"{card.tool}, {card.created}",
        "voice": f"{voice.name} (licence {voice.licence or 'not stated'}; {voice.consent})",
        "engine": f"{voice.engine}, weights {voice.weights[:12]} (licence {voice.weights_licence or 'of the voice'})",
        **_made_from(card),
        "in it": "the voice itself" if card.voice_file else "no voice",
        "state": checked.told,
    }
    return "\n".join(f"{key + ':':10} {value}" for key, value in rows.items())


def _made_from(card: "AnyCard") -> dict[str, str]:
    from voicewright.speech.converted import ConvertedCard

    if isinstance(card, ConvertedCard):
        return {
            "source": f"{card.source} (SHA-256 {card.source_sha256[:12]})",
            "transposed": f"{card.transposed:+.1f} semitones",
        }
    scores = card.scores
    words = "not checked" if scores.words_wrong is None else f"{scores.words_wrong} of {scores.words} wrong"
    likeness = "not measured" if scores.similarity is None else f"{scores.similarity:.2f}"
    return {"text": card.text.strip(), "words": words, "likeness": likeness}
