"""`voicewright live`: a microphone that speaks in another voice."""

import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voicewright.apps.make import voice_of
from voicewright.apps.session import Json, flag, given, note, on_terminal, print_json, say, session_of, table
from voicewright.errors import BadSetting, VoicewrightError
from voicewright.live.options import LiveOptions, number_or_auto

if TYPE_CHECKING:
    from voicewright.live.card import SoundCard
    from voicewright.live.session import LiveSession, LiveStatus

LIVE_HELP = """Speak in another voice while you speak: microphone in, voice out.

\b
  voicewright live --devices
  voicewright live --voice narrator
  voicewright live --voice narrator --input talk.wav --output out.wav

With a sound file as the input the same happens from file to file, to try it. While it runs, type and press Enter:
nothing mutes and unmutes, p lets your own voice through, a number transposes, q ends. Use headphones.
"""


def live(
    context: typer.Context,
    voice: Annotated[str, typer.Option("--voice", "-v", metavar="NAME", help="A voice's name, or a .voice file.")] = "",
    microphone: Annotated[str | None, flag(LiveOptions, "input", "--input", metavar="NAME|FILE")] = None,
    loudspeaker: Annotated[str | None, flag(LiveOptions, "output", "--output", metavar="NAME|FILE")] = None,
    transpose: Annotated[str, flag(LiveOptions, "transpose", "--transpose", metavar="auto|N")] = "auto",
    block_ms: Annotated[str, flag(LiveOptions, "block_ms", "--block-ms", metavar="auto|N")] = "auto",
    context_ms: Annotated[float | None, flag(LiveOptions, "context_ms", "--context-ms")] = None,
    look_ahead_ms: Annotated[float | None, flag(LiveOptions, "look_ahead_ms", "--look-ahead-ms")] = None,
    crossfade_ms: Annotated[float | None, flag(LiveOptions, "crossfade_ms", "--crossfade-ms")] = None,
    gate_db: Annotated[float | None, flag(LiveOptions, "gate_db", "--gate-db")] = None,
    pitch: Annotated[str | None, flag(LiveOptions, "pitch", "--pitch", metavar="NAME")] = None,
    passthrough: Annotated[bool, flag(LiveOptions, "passthrough", "--passthrough")] = False,
    muted: Annotated[bool, flag(LiveOptions, "muted", "--muted")] = False,
    realtime: Annotated[
        bool, typer.Option("--realtime/--no-realtime", help="From file to file: as a microphone does it, or faster.")
    ] = True,
    listed: Annotated[bool, typer.Option("--devices", help="Show microphones and loudspeakers and leave.")] = False,
    engine: Annotated[
        str | None, typer.Option("--engine", metavar="RUN", help="A training run's folder: its voice, as it is now.")
    ] = None,
    as_json: Json = False,
) -> None:
    if listed:
        _devices(as_json=as_json)
        return
    options = given(
        LiveOptions,
        transpose=number_or_auto(transpose, "--transpose"),
        block_ms=number_or_auto(block_ms, "--block-ms"),
        context_ms=context_ms,
        look_ahead_ms=look_ahead_ms,
        crossfade_ms=crossfade_ms,
        gate_db=gate_db,
        pitch=pitch,
        passthrough=passthrough,
        muted=muted,
        input=microphone,
        output=loudspeaker,
    )
    session = session_of(context)
    session.engine = engine or session.engine
    running = session.studio.live(
        card_of(options, realtime=realtime), voice=voice_of(voice), options=options, tell=note
    )
    if on_terminal():
        threading.Thread(target=_obey, args=(running,), daemon=True).start()
    status = running.run(meter=_meter if on_terminal() else None)
    print_json(status.as_dict()) if as_json else say(summary(status))


def card_of(options: LiveOptions, *, realtime: bool) -> "SoundCard":
    """Microphone and loudspeaker as the options name them: two files, or two devices.

    Raises: BadSetting: a file and a device. BadDevice, MissingExtra: see `live.devices`.
    """
    from voicewright.live.card import FileCard

    if options.input and Path(options.input).is_file():
        if not Path(options.output).suffix:
            raise BadSetting("from a file the sound goes to a file: --output OUT.wav")
        return FileCard(Path(options.input), Path(options.output), realtime=realtime)
    from voicewright.live.devices import DeviceCard, chosen, devices

    known = devices()
    return DeviceCard(chosen(options.input, known, is_input=True), chosen(options.output, known, is_input=False))


def summary(status: "LiveStatus") -> str:
    """How it went, in a line."""
    counts = status.counts
    return (
        f"{status.seconds:.1f} s, {status.block_ms:.0f} ms at a time, delay {status.delay_ms:.0f} ms "
        f"({status.algorithmic_ms:.0f} ms of it on any machine), load {status.load:.0%}, "
        f"{counts.dropouts} dropouts, {counts.overruns} overruns"
    )


def _meter(status: "LiveStatus") -> None:
    heard = status.heard
    state = "muted" if status.options.muted else "open" if heard.is_open else "quiet"
    line = f"{heard.input_db:6.1f} dB in  {heard.output_db:6.1f} dB out  {state:6} {summary(status)}"
    print(f"\r{line[:150]:150}", end="", file=sys.stderr, flush=True)


def _obey(running: "LiveSession") -> None:
    """Do what is typed, line by line."""
    for line in sys.stdin:
        wish = line.strip().casefold()
        try:
            options = running.status().options
            if wish == "q":
                running.stop()
                return
            if wish == "p":
                running.change(passthrough=not options.passthrough)
            elif wish:
                running.change(transpose=number_or_auto(wish, "what you typed"))
            else:
                running.change(muted=not options.muted)
        except VoicewrightError as problem:
            note(str(problem))


def _devices(*, as_json: bool) -> None:
    from voicewright.live.devices import devices

    known = devices()
    if as_json:
        print_json({"devices": [asdict(device) for device in known]})
        return
    rows = [
        (
            str(device.number),
            device.name,
            device.system,
            f"{device.inputs}{'*' if device.is_default_input else ''}",
            f"{device.outputs}{'*' if device.is_default_output else ''}",
            f"{device.rate} Hz",
        )
        for device in known
    ]
    say(table(("NUMBER", "NAME", "SYSTEM", "INPUTS", "OUTPUTS", "RATE"), rows))
