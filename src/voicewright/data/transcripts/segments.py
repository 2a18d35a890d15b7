"""JSON in the style of Whisper: segments with start, end and text, or a mapping from recordings to them."""

import json
from collections.abc import Mapping
from typing import Any

from voicewright.data.transcripts.line import Line
from voicewright.data.utterance import TimedWord
from voicewright.errors import BadDataset


def read_segments(text: str, place: str) -> tuple[tuple[Line, ...], dict[str, tuple[Line, ...]]]:
    """(lines, table), one of them empty.

    Raises:
        BadDataset: not JSON, or no segments and no texts in it.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise BadDataset(f"{place}: not JSON ({problem})") from None
    if isinstance(found, list):
        return tuple(_line(each, f"{place}, segment {i}") for i, each in enumerate(found, start=1)), {}
    if not isinstance(found, dict):
        raise BadDataset(f"{place}: expected segments or recordings, found {type(found).__name__}")
    if isinstance(found.get("segments"), list) or isinstance(found.get("text"), str):
        return _recording(found, place), {}
    return (), {str(name): _recording(each, f"{place}, {name!r}") for name, each in found.items()}


def _recording(found: Any, place: str) -> tuple[Line, ...]:
    if isinstance(found, str):
        return (Line(text=found.strip(), place=place),)
    segments = found.get("segments") if isinstance(found, dict) else found
    if isinstance(segments, list) and segments:
        return tuple(_line(each, f"{place}, segment {i}") for i, each in enumerate(segments, start=1))
    if isinstance(found, dict) and isinstance(found.get("text"), str):
        return (_line(found, place),)
    raise BadDataset(f'{place}: neither "segments" nor "text"; expected what Whisper writes')


def _line(found: Any, place: str) -> Line:
    if not isinstance(found, dict) or not isinstance(found.get("text"), str):
        raise BadDataset(f'{place}: no "text"; expected what Whisper writes')
    words = found.get("words")
    try:
        return Line(
            text=found["text"].strip(),
            speaker=str(found.get("speaker") or ""),
            start_s=_time(found, "start"),
            end_s=_time(found, "end"),
            place=place,
            words=tuple(_word(word) for word in words) if isinstance(words, list) else (),
        )
    except (TypeError, ValueError, KeyError) as problem:
        raise BadDataset(f"{place}: a time or a word cannot be read ({problem})") from None


def _time(found: Mapping[str, Any], key: str) -> float | None:
    return None if found.get(key) is None else float(found[key])


def _word(found: Mapping[str, Any]) -> TimedWord:
    text = str(found["word"] if "word" in found else found["text"]).strip()
    return TimedWord(text=text, start_s=float(found["start"]), end_s=float(found["end"]))
