"""`voicewright clone` and `voicewright speak`: what everybody comes for."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voicewright.apps.progress import shown
from voicewright.apps.session import Json, flag, given, note, print_json, say, session_of, studio_of
from voicewright.apps.voices import facts_of
from voicewright.engines.options import EnrollOptions, Preset, SpeakOptions
from voicewright.errors import BadText
from voicewright.settings import to_dict
from voicewright.speech.options import Check, CheckOptions, Output, SpeechSettings, Subtitles

if TYPE_CHECKING:
    from voicewright.speech.speech import Speech
    from voicewright.voice.cloned import Cloned

CLONE_HELP = """Make a voice from recordings of one speaker: ten seconds or more, any format, any number of files.

\b
  voicewright clone narrator rec1.wav rec2.m4a --consent "I am the speaker"
  voicewright clone guest interview.mp3 --speaker 2 --preset best

Says what was used, what was left out and why, and how good the voice is likely to be.
"""
SPEAK_HELP = """Speak a text, or a file of text, in a voice.

\b
  voicewright speak "Any text." --voice narrator -o out.wav
  voicewright speak --file book.txt --voice narrator -o book.flac --subtitles srt
  echo "From a pipe." | voicewright speak --file - --voice narrator -o out.wav

The ending of OUT says the format: wav, flac, ogg or mp3. A run that was interrupted goes on where it stopped when the
same command is given again.
"""


def clone(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The voice's name.", show_default=False)],
    recordings: Annotated[
        list[Path], typer.Argument(metavar="FILES", help="Recordings of the speaker.", show_default=False)
    ],
    preset: Annotated[Preset | None, flag(EnrollOptions, "preset", "--preset")] = None,
    consent: Annotated[
        str, typer.Option("--consent", metavar="TEXT", help="Who agreed to this voice being made, in your words.")
    ] = "",
    speaker: Annotated[
        str | None,
        typer.Option(
            "--speaker", metavar="N|FILE", help="With several speakers: which one, by number or by a recording."
        ),
    ] = None,
    licence: Annotated[str, typer.Option("--licence", metavar="TEXT", help="The voice's licence, kept with it.")] = "",
    language: Annotated[str | None, flag(EnrollOptions, "language", "--language")] = None,
    seed: Annotated[int | None, flag(EnrollOptions, "seed", "--seed")] = None,
    engine: Annotated[
        str | None, typer.Option("--engine", metavar="NAME", help="The engine that the voice is made for.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a voice of that name.")] = False,
    as_json: Json = False,
) -> None:
    session = session_of(context)
    session.engine = engine or session.engine
    with shown() as progress:
        cloned = session.studio.clone(
            name,
            recordings,
            options=given(EnrollOptions, preset=preset, language=language, seed=seed),
            consent=consent,
            speaker=int(speaker) if speaker and speaker.isdecimal() else Path(speaker) if speaker else None,
            licence=licence,
            replace=replace,
            progress=progress,
        )
    if as_json:
        print_json(_cloned(cloned))
        return
    say(clone_report(cloned))


def clone_report(cloned: "Cloned") -> str:
    """What was used and why, how good the voice is likely to be, what it reached, and where it is."""
    reference, voice = cloned.reference, cloned.voice
    lines = [f"  {f'{f.where}: ' if f.where else ''}{f.sentence}" for f in reference.findings]
    lines += [f"recordings: {reference.forecast.grade}; {reference.seconds_used:.1f} s used"]
    if voice.scores:
        lines += ["reached: " + ", ".join(f"{name} {value:.2f}" for name, value in sorted(voice.scores.items()))]
    lines += [f"consent: {voice.consent}"]
    took = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in cloned.taken_s.items())
    return "\n".join([*lines, f"{cloned.path}  ({took})"])


def _cloned(cloned: "Cloned") -> dict[str, object]:
    reference = cloned.reference
    return {
        "voice": facts_of(cloned.voice),
        "path": str(cloned.path),
        "reference": {
            "seconds_used": reference.seconds_used,
            "speakers": reference.speakers,
            "language": reference.language,
            "grade": reference.forecast.grade,
            "reasons": list(reference.forecast.reasons),
            "quality": asdict(reference.quality),
            "findings": [asdict(finding) for finding in reference.findings],
        },
        "taken_s": cloned.taken_s,
    }


def speak(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to say.", show_default=False)] = "",
    file: Annotated[
        str, typer.Option("--file", "-f", metavar="FILE", help="Read the text from a file; - is standard input.")
    ] = "",
    voice: Annotated[str, typer.Option("--voice", "-v", metavar="NAME", help="A voice's name, or a .voice file.")] = "",
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="OUT", help="The sound file to write.", show_default=False)
    ] = ...,  # type: ignore[assignment]
    speed: Annotated[float | None, flag(SpeakOptions, "speed", "--speed")] = None,
    seed: Annotated[int | None, flag(SpeakOptions, "seed", "--seed")] = None,
    check: Annotated[Check | None, flag(CheckOptions, "check", "--check")] = None,
    takes: Annotated[int | None, flag(CheckOptions, "takes", "--takes")] = None,
    retries: Annotated[int | None, flag(CheckOptions, "retries", "--retries")] = None,
    subtitles: Annotated[Subtitles | None, flag(Output, "subtitles", "--subtitles")] = None,
    lexicon: Annotated[Path | None, flag(Output, "lexicon", "--lexicon", metavar="FILE")] = None,
    card: Annotated[bool, flag(Output, "card", "--card/--no-card")] = True,
    embed_voice: Annotated[bool, flag(Output, "embed_voice", "--embed-voice")] = False,
    engine: Annotated[
        str | None, typer.Option("--engine", metavar="RUN", help="A training run's folder: speak as it learned to.")
    ] = None,
    as_json: Json = False,
) -> None:
    session = session_of(context)
    session.engine = engine or session.engine
    settings = SpeechSettings(
        speak=given(SpeakOptions, speed=speed, seed=seed),
        check=given(CheckOptions, check=check, takes=takes, retries=retries),
    )
    output = Output(subtitles=subtitles, lexicon=lexicon, card=card, embed_voice=embed_voice)
    words = _text(text, file)
    with shown() as progress:
        speech = studio_of(context).speak(
            words, voice=voice_of(voice), out=out, settings=settings, output=output, progress=progress
        )
    if as_json:
        print_json(_spoken(speech, out))
    else:
        _report(speech, out)


def _text(text: str, file: str) -> str:
    if bool(text) == bool(file):
        raise BadText('say what to speak: either a text ("Any text.") or --file FILE, not both')
    if not file:
        return text
    data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise BadText(f"{file}: it is not UTF-8 text (byte {problem.start}); save it as UTF-8") from problem


def voice_of(name: str) -> str | Path:
    """A voice as it was typed: a name, or a file that ends in .voice."""
    return Path(name) if name.casefold().endswith(".voice") else name


def _report(speech: "Speech", out: Path) -> None:
    scores = speech.scores
    for part in speech.parts:
        if not part.take.passed or part.take.retries:
            note(f"{clock(part.start_s)}  {_short(part.text)}: {part.take}")
    told = [f"{speech.seconds:.1f} s", f"RTF {scores.rtf:.2f}"]
    if scores.words_wrong is not None:
        told.append(f"{scores.words_wrong} of {scores.words} words wrong")
    elif speech.settings.check.check != "off":
        told.append("words not checked: nothing here hears this language")
    if scores.similarity is not None:
        told.append(f"likeness {scores.similarity:.2f}")
    if scores.retries:
        told.append(f"{scores.retries} retries")
    if speech.settings.check.check != "off":
        told.append(f"checks took {scores.check_share:.0%} of the time")
    if scores.failed:
        told.append(f"{scores.failed} of {len(speech.parts)} pieces kept a problem")
    say(f"{out}  ({', '.join(told)})")


def clock(seconds: float) -> str:
    """A place in a recording: minutes and seconds."""
    return f"{int(seconds // 60)}:{seconds % 60:04.1f}"


def _short(text: str, length: int = 50) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"


def _spoken(speech: "Speech", out: Path) -> dict[str, object]:
    return {
        "out": str(out),
        "seconds": speech.seconds,
        "voice": asdict(speech.voice),
        "settings": to_dict(speech.settings),
        "scores": asdict(speech.scores),
        "pieces": [
            {
                "text": part.text,
                "spoken": part.spoken,
                "start_s": part.start_s,
                "end_s": part.end_s,
                "passed": part.take.passed,
                "told": str(part.take),
            }
            for part in speech.parts
        ],
    }
