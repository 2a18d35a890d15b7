"""Jobs that hear recordings: to convert them, to measure them, to write down what is said."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from voicewright.audio.files import read_blocks
from voicewright.audio.pitch import Pitch
from voicewright.conversion.options import ConversionSettings
from voicewright.engines.registry import convert_options
from voicewright.errors import MissingWeights, VoicewrightError
from voicewright.jobs.cloning import recordings
from voicewright.jobs.places import Places, refuse_places
from voicewright.jobs.plain import plain
from voicewright.jobs.queue import Work
from voicewright.jobs.speaking import voice_for
from voicewright.settings import from_dict

if TYPE_CHECKING:
    from voicewright.conversion.conversion import Converted
    from voicewright.studio import Studio

CURVE_POINTS = 1000
HEARD_S = 28.0
"""What a recogniser hears at once: a little less than its window of 30 s."""


def convert(studio: "Studio", places: Places, work: Work) -> Mapping[str, Any]:
    """Recordings in another voice, each into a file of its own. One that cannot be converted stops no other."""
    request = work.request
    voice = voice_for(studio, places, request)
    refuse_places(request.get("settings") or {}, "settings")
    refuse_places(request.get("options") or {}, "options")
    ready = studio.converting(
        voice,
        settings=from_dict(ConversionSettings, request.get("settings") or {}, where="settings"),
        options=from_dict(convert_options(voice.engine), request.get("options") or {}, where="options"),
    )
    items, failed = [], {}
    problem: VoicewrightError | None = None
    for source in recordings(work):
        out = work.out / f"{source.stem}.{request.get('format', 'wav')}"
        try:
            converted = ready.file(source, out, progress=work.progress)
        except VoicewrightError as trouble:
            problem, failed[source.name] = trouble, str(trouble)
        else:
            items.append({"name": source.name, "file": out.name, **_told(converted)})
    if problem is not None and not items:
        raise problem
    return {"items": items, "failed": failed}


def measure(studio: "Studio", places: Places, work: Work) -> Mapping[str, Any]:
    """What a sound is like, and how like others."""
    sound, *like = recordings(work)
    report = studio.measure(
        sound,
        like=like,
        text=work.request.get("text", ""),
        language=work.request.get("language", "en-us"),
        progress=work.progress,
    )
    return {**plain(report.to_dict()), "lines": report.lines()}


def transcribe(studio: "Studio", places: Places, work: Work) -> Mapping[str, Any]:
    """What is said in a recording, with the times of its words."""
    (source,) = recordings(work)
    language = work.request.get("language") or "en"
    recogniser = studio.meters.recogniser(language, better=True)
    if recogniser is None:
        raise MissingWeights(f"no recogniser on this machine hears {language!r}; voicewright weights pull whisper-base")
    segments, at_s = [], 0.0
    for clip in read_blocks(source, rate=16_000, block_s=HEARD_S):
        work.progress("hearing", at_s, 0)
        heard = recogniser.transcribe(clip, beam=5, word_times=True)
        if heard.text.strip():
            words = [{"word": w.text.strip(), "start": w.start_s + at_s, "end": w.end_s + at_s} for w in heard.words]
            segments.append({"start": at_s, "end": at_s + clip.seconds, "text": heard.text.strip(), "words": words})
        at_s += clip.seconds
    text = " ".join(str(each["text"]) for each in segments)
    return {"text": text, "language": language, "duration": at_s, "segments": plain(segments)}


def _told(converted: "Converted") -> dict[str, Any]:
    return {
        "seconds": converted.seconds,
        "rate": converted.rate,
        "slices": [{"start_s": piece.start_s, "end_s": piece.end_s} for piece in converted.slices],
        "semitones": plain(converted.semitones),
        "source_hz": plain(converted.source_hz),
        "target_hz": plain(converted.target_hz),
        "warnings": list(converted.warnings),
        "rtf": converted.rtf,
        "curves": {"source": _curve(converted.source), "wished": _curve(converted.wished)},
    }


def _curve(pitch: Pitch) -> dict[str, list[Any]]:
    """A pitch curve with few enough points for any screen."""
    count = len(pitch.f0_hz)
    at = sorted({round(i) for i in np.linspace(0, count - 1, CURVE_POINTS)}) if count else []
    hz = [float(pitch.f0_hz[i]) for i in at]
    return {
        "times_s": [round(float(i) * pitch.hop_s, 4) for i in at],
        "hz": [round(value, 2) if value > 0 else None for value in hz],
    }
