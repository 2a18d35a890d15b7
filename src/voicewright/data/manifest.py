"""`manifest.jsonl`: one utterance a line, the truth about a dataset. Written whole or not at all."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from voicewright.data.utterance import Utterance
from voicewright.errors import BadDataset, BadSetting
from voicewright.settings import from_dict

NAME = "manifest.jsonl"
DECIMALS = 4
"""A tenth of a millisecond; more digits say nothing and differ from machine to machine."""


def write_manifest(path: Path, utterances: Iterable[Utterance]) -> None:
    """Write the lines, replacing the file at once: a crash leaves the old one or the new one."""
    write_lines(path, (to_plain(utterance) for utterance in utterances))


def read_manifest(path: Path) -> Iterator[Utterance]:
    """The utterances of a manifest, line by line.

    Raises:
        BadDataset: no such file, or a line that is not an utterance; the message names the line.
    """
    for number, line in enumerate(read_lines(path), start=1):
        try:
            yield from_dict(Utterance, line, where=f"{path}, line {number}")
        except BadSetting as problem:
            raise BadDataset(str(problem)) from None


def write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Write plain data as JSON lines, the file as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with part.open("w", encoding="utf-8", newline="\n") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON lines file.

    Raises:
        BadDataset: no such file, or a line that is not a JSON object.
    """
    if not path.is_file():
        raise BadDataset(f"{path}: there is no such file; is this the folder of a dataset?")
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                found = json.loads(line)
            except ValueError as problem:
                raise BadDataset(f"{path}, line {number}: not JSON ({problem})") from None
            if not isinstance(found, dict):
                raise BadDataset(f"{path}, line {number}: expected an object, found {type(found).__name__}")
            yield found


def to_plain(value: Any) -> Any:
    """Dataclasses as dictionaries without what equals its default, numbers rounded to `DECIMALS`."""
    if is_dataclass(value) and not isinstance(value, type):
        held = ((name, default, getattr(value, name)) for name, default in _fields(type(value)))
        return {name: to_plain(each) for name, default, each in held if each != default}
    if isinstance(value, float):
        return round(value, DECIMALS)
    if isinstance(value, dict):
        return {key: to_plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(each) for each in value]
    return value


@cache
def _fields(cls: type) -> tuple[tuple[str, Any], ...]:
    """Names and defaults, looked up once: a manifest has thousands of lines. MISSING equals nothing."""
    return tuple(
        (field.name, field.default if field.default_factory is MISSING else field.default_factory())
        for field in fields(cls)
    )
