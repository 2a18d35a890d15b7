"""The JSON header of a `.voice` file: strict in both directions."""

import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from voicewright.errors import BadVoice
from voicewright.voice.consent import Consent
from voicewright.voice.names import voice_name
from voicewright.voice.voice import Source, Voice

VOICE_FORMAT = 1
"""The version that is written, and the only one that is read."""
KEYS = frozenset(
    {
        "format",
        "name",
        "engine",
        "weights",
        "language",
        "created",
        "sources",
        "consent",
        "licence",
        "scores",
        "settings",
        "preview_rate",
        "digest",
    }
)
MAX_TEXT = 10_000
MAX_SOURCES = 10_000
MAX_DEPTH = 16
MAX_SETTINGS_BYTES = 100_000
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]{0,127}")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*")
CREATED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|\+00:00))?")
SHA256 = re.compile(r"[0-9a-f]{64}")


def header_of(voice: Voice) -> dict[str, Any]:
    """`voice` without its tensors, as plain JSON (no digest, no preview rate).

    Raises:
        BadVoice: a field that the file could not hold; the message names it.
    """
    header: dict[str, Any] = {
        "format": VOICE_FORMAT,
        "name": voice.name,
        "engine": voice.engine,
        "weights": voice.weights,
        "language": voice.language,
        "created": voice.created,
        "sources": [{"sha256": s.sha256, "seconds": float(s.seconds), "name": s.name} for s in voice.sources],
        "consent": voice.consent.statement,
        "licence": voice.licence,
        "scores": {key: float(value) for key, value in voice.scores.items()},
        "settings": dict(voice.settings),
        "preview_rate": voice.preview.rate if voice.preview else 0,
        "digest": "0" * 64,
    }
    check_header(header, f"voice {voice.name!r}")
    return header


def header_text(header: Mapping[str, Any]) -> str:
    """The one spelling of a header, so that its digest is well defined."""
    return json.dumps(header, ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":"))


def parse_header(text: str, where: str) -> dict[str, Any]:
    """The checked header in `text`. Raises BadVoice, beginning with `where`."""
    header = strict_json(text, where)
    if not isinstance(header, dict):
        raise BadVoice(f"{where}: its header is not a table")
    version = header.get("format")
    if type(version) is not int or version != VOICE_FORMAT:
        raise BadVoice(
            f"{where}: it has the format {str(version)[:40]!r} and this version reads format {VOICE_FORMAT} only; "
            "update voicewright, or export the voice again with a version that writes it"
        )
    check_header(header, where)
    return header


def voice_fields(header: Mapping[str, Any]) -> dict[str, Any]:
    """A checked header's part of the arguments of `Voice`."""
    return {
        **{key: header[key] for key in ("name", "engine", "weights", "language", "created", "licence")},
        "sources": tuple(Source(**source) for source in header["sources"]),
        "consent": Consent(header["consent"]),
        "scores": {key: float(value) for key, value in header["scores"].items()},
        "settings": header["settings"],
    }


def strict_json(text: str, where: str) -> Any:
    """Parsed JSON: no repeated keys, no NaN, no deep nesting. Raises BadVoice."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) != len(pairs):
            raise ValueError("a key occurs twice")
        return table

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not a number of JSON")

    try:
        return json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    except (ValueError, RecursionError) as problem:
        raise BadVoice(f"{where}: its header cannot be read ({str(problem)[:120]}); the file is damaged") from problem


def check_header(header: Mapping[str, Any], where: str) -> None:
    """Raise BadVoice unless every field is there, is known, and holds what it may hold."""
    for key in sorted(header.keys() - KEYS):
        near = get_close_matches(key, KEYS, n=1)
        hint = f", did you mean {near[0]!r}?" if near else ""
        raise BadVoice(f"{where}: unknown field {_short(key)} in its header{hint}")
    for key in sorted(KEYS - header.keys()):
        raise BadVoice(f"{where}: its header lacks the field {key!r}; the file is damaged")
    for key, fits in _checks().items():
        if not fits(header[key]):
            raise BadVoice(f"{where}: its field {key!r} cannot be {_short(header[key])}")
    try:
        composed = voice_name(header["name"]) == header["name"]
    except BadVoice as problem:
        raise BadVoice(f"{where}: {problem}") from problem
    if not composed:
        raise BadVoice(f"{where}: its name is not in Unicode's composed form (NFC)")


def _checks() -> dict[str, Callable[[Any], bool]]:
    """What each field may hold, besides `name`'s own validator."""
    return {
        "format": lambda v: type(v) is int,
        "name": lambda v: isinstance(v, str),
        "engine": lambda v: _matches(IDENTIFIER, v),
        "weights": lambda v: _matches(IDENTIFIER, v),
        "language": lambda v: _matches(LANGUAGE, v),
        "created": lambda v: _matches(CREATED, v),
        "sources": lambda v: isinstance(v, list) and len(v) <= MAX_SOURCES and all(map(_is_source, v)),
        "consent": _is_text,
        "licence": _is_text,
        "scores": lambda v: isinstance(v, dict) and all(_is_text(k) and _is_number(x) for k, x in v.items()),
        "settings": _is_settings,
        "preview_rate": lambda v: type(v) is int and (v == 0 or 8_000 <= v <= 192_000),
        "digest": lambda v: _matches(SHA256, v),
    }


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_text(value: object) -> bool:
    """Text that can be shown on a terminal without surprises: no control, direction-changing or half characters."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        return False
    return all(c in "\n\t\u200c\u200d" or unicodedata.category(c) not in ("Cc", "Cf", "Cs") for c in value)


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) if isinstance(value, float) else abs(value) < 2**53


def _is_source(value: object) -> bool:
    if not isinstance(value, dict) or value.keys() != {"sha256", "seconds", "name"}:
        return False
    name, seconds = value["name"], value["seconds"]
    if not (_matches(SHA256, value["sha256"]) and _is_number(seconds) and seconds >= 0):
        return False
    return _is_text(name) and len(name) <= 255 and not any(c in name for c in "/\\\n\t")


def _is_settings(value: object) -> bool:
    if not isinstance(value, dict) or not _is_json(value, MAX_DEPTH):
        return False
    return len(header_text(value)) <= MAX_SETTINGS_BYTES


def _is_json(value: object, depth: int) -> bool:
    if value is None or isinstance(value, bool) or _is_number(value) or _is_text(value):
        return True
    if depth == 0 or not isinstance(value, (list, dict)):
        return False
    if isinstance(value, list):
        return all(_is_json(item, depth - 1) for item in value)
    return all(_is_text(key) and _is_json(item, depth - 1) for key, item in value.items())


def _short(value: object) -> str:
    shown = ascii(value)
    return shown if len(shown) <= 80 else shown[:77] + "…"
