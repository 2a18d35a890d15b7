"""`export`: a voice out of a run, as a file of ours, or in a format of its engine's for other programs."""

from pathlib import Path

from voicewright.engines.base import Engine, Exports
from voicewright.errors import BadSetting
from voicewright.voice.file import write_voice
from voicewright.voice.names import SUFFIX
from voicewright.voice.voice import Voice

VOICE = "voice"


def formats(engine: Engine) -> dict[str, str]:
    """What a voice of `engine` can be exported as: name → what it is, in a few words."""
    ours = {VOICE: "a .voice file of this program, with all that was learned in it"}
    return ours | (dict(engine.formats) if isinstance(engine, Exports) else {})


def export(engine: Engine, voice: Voice, what: str, out: Path, *, replace: bool = False) -> list[Path]:
    """Write `voice` to `out` as `what`: "voice", or one of the engine's own formats; the files that were written.

    Args:
        out: a file for "voice" (…/NAME.voice), a folder for the engine's formats.
        replace: write over what is there.

    Raises:
        BadSetting: the engine has no such format, or `out` is taken. WrongVoice, StaleVoice, BadVoice: the voice does
        not fit. MissingExtra: a package that the format needs.
    """
    known = formats(engine)
    if what not in known:
        told = "; ".join(f"{name} ({words})" for name, words in known.items())
        raise BadSetting(f"the engine {engine.name!r} exports no {what!r}; it exports: {told}")
    taken = any(out.iterdir()) if out.is_dir() else out.exists()
    if taken and not replace:
        raise BadSetting(f"{out} is there already; name another place, or replace it (--replace)")
    if what == VOICE:
        path = out / f"{voice.name}{SUFFIX}" if out.is_dir() else out
        write_voice(voice, path)
        return [path]
    if not isinstance(engine, Exports):
        raise TypeError(f"{engine.name} lists formats and cannot export")
    return engine.export(voice, what, out)
