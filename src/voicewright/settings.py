"""Option objects ⇄ dictionaries ⇄ JSON and YAML files, and the help text that their fields carry.

An options class is a frozen dataclass whose fields are followed by a docstring each. That text is written once and
shown wherever the option is: in the command line's help, in the documentation, in a page's tooltip.
"""

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_type_hints

from voicewright.errors import BadSetting

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")


def to_dict(options: Any) -> dict[str, Any]:
    """Plain data (dictionaries, lists, text, numbers) that `from_dict` makes into equal options."""
    return cast(dict[str, Any], json.loads(json.dumps(asdict(options), default=str)))


def from_dict(cls: type[T], given: Mapping[str, Any], *, where: str = "settings") -> T:
    """Options of class `cls` from plain data; what is not given keeps its default.

    Types are strict: "3" is not a number. `where` names the source in messages.

    Raises:
        BadSetting: an unknown name (the nearest known one is suggested), a wrong type, or a value out of range.
    """
    _refuse_unknown(cls, given, where)
    from pydantic import ValidationError

    try:
        return cast(T, _reader(cast(type, cls)).validate_json(json.dumps(dict(given), default=str), strict=True))
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        message = str(first["msg"]).removeprefix("Value error, ")
        raise BadSetting(f"{where}: {name + ': ' if name else ''}{message}") from None


@cache
def _reader(cls: type) -> "TypeAdapter[Any]":
    """Made once for each class: a manifest has thousands of lines."""
    from pydantic import TypeAdapter

    return TypeAdapter(cls)


_hints = cache(get_type_hints)


def _refuse_unknown(cls: type, given: Mapping[str, Any], where: str) -> None:
    hints = _hints(cls)
    known = [field.name for field in fields(cls)]
    for key, value in given.items():
        if key not in known:
            near = get_close_matches(str(key), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            raise BadSetting(f"{where}: unknown setting {key!r}; {hint}")
        if is_dataclass(hints[key]) and isinstance(value, Mapping):
            _refuse_unknown(cast(type, hints[key]), value, f"{where}: {key}")


def load(cls: type[T], path: Path) -> T:
    """Options of class `cls` from a file: JSON if its name ends so, YAML otherwise. An empty file means the defaults.

    Raises:
        BadSetting: as `from_dict`; also when the file is not JSON or YAML, or not one mapping.
    """
    try:
        text = path.read_text("utf-8")
        given = json.loads(text) if path.suffix == ".json" else _yaml(text)
    except ValueError as problem:
        raise BadSetting(f"{path}: cannot be read: {problem}") from None
    if not isinstance(given, dict):
        raise BadSetting(f"{path}: expected names and values, found {type(given).__name__}")
    return from_dict(cls, given, where=str(path))


def _yaml(text: str) -> Any:
    import yaml

    try:
        reader = _with_plain_exponents(yaml.SafeLoader)(text)
        try:
            given = reader.get_single_data()
        finally:
            reader.dispose()
    except yaml.YAMLError as problem:
        raise ValueError(str(problem).replace("\n", " ")) from None
    return {} if given is None else given


def _with_plain_exponents(base: type[Any]) -> type[Any]:
    """PyYAML's safe reader or writer, to which 1e-4 is a number as in YAML 1.2; to YAML 1.1 it is text."""
    plain = type(f"Plain{base.__name__}", (base,), {})
    pattern = re.compile(r"[-+]?\d+(?:\.\d*)?[eE][-+]?\d+")
    plain.add_implicit_resolver("tag:yaml.org,2002:float", pattern, list("-+0123456789"))  # type: ignore[attr-defined]
    return plain


def save(options: Any, path: Path) -> None:
    """Write options to a file that `load` reads: JSON if its name ends so, YAML with the help as comments otherwise."""
    given = to_dict(options)
    if path.suffix == ".json":
        path.write_text(json.dumps(given, indent=2) + "\n", "utf-8")
        return
    import yaml

    texts, writer = describe(type(options)), _with_plain_exponents(yaml.SafeDumper)
    lines = []
    for name, value in given.items():
        lines += [f"# {line}" for line in textwrap.wrap(texts.get(name, ""), 100)]
        lines += [yaml.dump({name: value}, Dumper=writer, sort_keys=False, allow_unicode=True).rstrip()]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def describe(cls: type) -> dict[str, str]:
    """The docstring below each field of a dataclass, by the field's name; inherited fields included."""
    found: dict[str, str] = {}
    for owner in reversed(cls.__mro__):
        if is_dataclass(owner):
            found |= _own_docs(owner)
    return found


@cache
def _own_docs(cls: type) -> dict[str, str]:
    node = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    if not isinstance(node, ast.ClassDef):
        raise TypeError(f"{cls} is not a class")
    found = {}
    for field, text in zip(node.body, node.body[1:], strict=False):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                found[name] = inspect.cleandoc(words).replace("\n", " ")
    return found
