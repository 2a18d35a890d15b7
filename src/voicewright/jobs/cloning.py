"""Jobs that make voices."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voicewright.engines.options import EnrollOptions
from voicewright.engines.registry import abilities, engines
from voicewright.errors import BadSetting
from voicewright.jobs.places import Places
from voicewright.jobs.plain import plain
from voicewright.jobs.work import Work
from voicewright.settings import from_dict
from voicewright.voice.reference import Reference
from voicewright.voice.reference import examine as examined
from voicewright.voice.voice import Voice

if TYPE_CHECKING:
    from voicewright.studio import Studio


def examine(studio: "Studio", places: Places, work: Work) -> Mapping[str, Any]:
    """What recordings are like, and how good a voice of them is likely to be; nothing is kept."""
    options = from_dict(EnrollOptions, work.request.get("options") or {}, where="options")
    reference = examined(
        recordings(work),
        tools=studio.meters.reference_tools(options),
        wanted_speaker=work.request.get("speaker"),
        progress=work.progress,
    )
    return reference_told(reference)


def clone(studio: "Studio", places: Places, work: Work) -> Mapping[str, Any]:
    """A voice made of recordings, kept in the library."""
    request = work.request
    cloned = with_engine(studio, request.get("engine", "")).clone(
        request["name"],
        recordings(work),
        options=from_dict(EnrollOptions, request.get("options") or {}, where="options"),
        consent=request.get("consent", ""),
        speaker=request.get("speaker"),
        licence=request.get("licence", ""),
        replace=bool(request.get("replace", False)),
        progress=work.progress,
    )
    return {
        "voice": voice_told(cloned.voice),
        "reference": reference_told(cloned.reference),
        "taken_s": plain(cloned.taken_s),
    }


def take_checkpoint(studio: "Studio", places: Places, work: Work) -> Mapping[str, Any]:
    """The voices of somebody's checkpoint, in the library. It is read as data; nothing in it is run."""
    request, like = work.request, recordings(work)
    checkpoint = work.files_in / request["_checkpoint"]
    work.progress("reading the checkpoint", 0, 0)
    voices = studio.imports.checkpoint(
        checkpoint,
        work.files_in / request["_config"],
        name=request.get("name") or None,
        speaker=request.get("speaker") or None,
        home_hz=studio.imports.usual_pitch_hz(like) if like else request.get("home_hz", 0.0),
        consent=request.get("consent", ""),
        replace=bool(request.get("replace", False)),
    )
    checkpoint.unlink()  # half a gigabyte that nobody needs again
    return {"voices": [voice_told(voice) for voice in voices]}


def with_engine(studio: "Studio", engine: str) -> "Studio":
    """A studio that makes voices for another engine; what is loaded is shared. Raises BadSetting: no such engine, or
    it needs training for that."""
    from voicewright.studio import Studio

    if not engine:
        return studio
    if "clones" not in abilities(engine):
        able = ", ".join(name for name in sorted(engines()) if "clones" in abilities(name))
        raise BadSetting(f"the engine {engine!r} makes no voices from recordings alone; these do: {able}")
    other = Studio(studio.home, engine=engine)
    vars(other).update({name: getattr(studio, name) for name in ("settings", "store", "engines", "meters", "library")})
    return other


def recordings(work: Work) -> list[Path]:
    """The sound files that came with the request, in their order."""
    return [work.files_in / name for name in work.request["_files"]]


def reference_told(reference: Reference) -> dict[str, Any]:
    """A reference as plain data."""
    return {
        "seconds_used": reference.seconds_used,
        "speakers": reference.speakers,
        "language": reference.language,
        "pitch_hz": plain(reference.pitch_hz),
        "grade": reference.forecast.grade,
        "reasons": list(reference.forecast.reasons),
        "quality": plain(reference.quality),
        "findings": plain(reference.findings),
    }


def voice_told(voice: Voice) -> dict[str, Any]:
    """A voice without its tensors and its preview's sound, as plain data."""
    return {
        "name": voice.name,
        "engine": voice.engine,
        "weights": voice.weights,
        "language": voice.language,
        "created": voice.created,
        "sources": plain(voice.sources),
        "consent": str(voice.consent),
        "licence": voice.licence,
        "scores": plain(voice.scores),
        "settings": plain(voice.settings),
        "preview_s": round(voice.preview.seconds, 2) if voice.preview else 0.0,
    }
