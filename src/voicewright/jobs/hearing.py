"""Jobs that hear recordings: to convert them, to measure them, to write down what is said."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voicewright.audio.clip import Clip
from voicewright.audio.edit import join
from voicewright.audio.files import describe, read_blocks
from voicewright.audio.pitch import Pitch
from voicewright.conversion.options import ConversionSettings
from voicewright.engines.registry import convert_options
from voicewright.errors import MissingWeights, VoicewrightError
from voicewright.jobs.cloning import recordings
from voicewright.jobs.places import Places, refuse_places
from voicewright.jobs.plain import plain
from voicewright.jobs.speaking import voice_for
from voicewright.jobs.work import Work
from voicewright.measure.intelligibility import Transcript, Word
from voicewright.settings import from_dict
from voicewright.speech.subtitles import LINE_LETTERS, LINES

if TYPE_CHECKING:
    from voicewright.conversion.conversion import Converted
    from voicewright.studio import Studio

CURVE_POINTS = 1000
RATE = 16_000
HEARD_S, LEAST_S = 28.0, 18.0
"""What a recogniser hears of a long recording at once: at most a little less than its window of 30 s."""
QUIET_S = 0.2
"""A recording is cut in the middle of the quietest stretch of this."""
SENTENCE_END, PAUSE_S, LEAST_LETTERS = ".?!…。？！", 0.6, 12
"""A segment ends with a sentence, and in a pause; not after "Mr."."""


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
    language, times = work.request.get("language") or "", bool(work.request.get("times", True))
    recogniser = studio.meters.recogniser(language, better=True)
    if recogniser is None:
        raise MissingWeights(f"no recogniser on this machine hears {language!r}; voicewright weights pull whisper-base")
    seconds, segments, at_s = describe(source).seconds, [], 0.0
    for clip in stretches(source):
        work.progress("hearing", at_s, max(seconds, at_s + clip.seconds))
        heard = recogniser.transcribe(clip, beam=5, word_times=times)
        language = language or heard.language
        segments += segments_of(heard, at_s, clip.seconds)
        at_s += clip.seconds
    text = " ".join(str(each["text"]) for each in segments)
    return {"text": text, "language": language, "duration": at_s, "segments": plain(segments)}


def stretches(source: Path) -> Iterator[Clip]:
    """A recording in parts that a recogniser hears at once, cut where it is quietest."""
    held = Clip.silence(0.0, RATE)
    for clip in read_blocks(source, rate=RATE, block_s=HEARD_S):
        held = join([held, clip])
        while held.seconds > HEARD_S:
            cut_s = LEAST_S + quietest_s(held.between(LEAST_S, HEARD_S))
            yield held.between(0, cut_s)
            held = held.between(cut_s, held.seconds)
    if len(held):
        yield held


def quietest_s(clip: Clip) -> float:
    """Where in the clip its quietest `QUIET_S` have their middle."""
    size = round(QUIET_S * clip.rate)
    power = np.concatenate([[0.0], np.cumsum(clip.samples.astype(np.float64) ** 2)])
    return float(np.argmin(power[size:] - power[:-size]) + size / 2) / clip.rate


def segments_of(heard: Transcript, at_s: float, seconds: float) -> list[dict[str, Any]]:
    """Sentences, each no longer than two lines of a subtitle; all in one where the words have no times."""
    if not heard.text.strip():
        return []
    if not heard.words:
        return [{"start": at_s, "end": at_s + seconds, "text": heard.text.strip(), "words": []}]
    rows: list[list[Word]] = [[]]
    for word in heard.words:
        if rows[-1] and _ended(rows[-1], word):
            rows.append([])
        rows[-1].append(word)
    return [
        {
            "start": row[0].start_s + at_s,
            "end": row[-1].end_s + at_s,
            "text": _text(row),
            "words": [{"word": w.text.strip(), "start": w.start_s + at_s, "end": w.end_s + at_s} for w in row],
        }
        for row in rows
    ]


def _ended(row: Sequence[Word], following: Word) -> bool:
    text = _text(row)
    sentence = text[-1] in SENTENCE_END and len(text) >= LEAST_LETTERS
    long = len(text) + 1 + len(following.text.strip()) > LINE_LETTERS * LINES
    return sentence or long or following.start_s - row[-1].end_s > PAUSE_S


def _text(row: Sequence[Word]) -> str:
    return " ".join(word.text.strip() for word in row)


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
