"""Option objects as JSON schemas, from which forms make themselves: the same texts and defaults as everywhere."""

import dataclasses
from collections.abc import Mapping
from typing import Any, cast, get_type_hints

from pydantic import TypeAdapter

from voicewright.conversion.options import ConversionSettings
from voicewright.data.options import PrepareOptions
from voicewright.engines import registry
from voicewright.engines.options import EnrollOptions
from voicewright.errors import BadSetting, UnknownName
from voicewright.home import HomeSettings
from voicewright.jobs.places import PLACES
from voicewright.live.options import RANGES, LiveOptions
from voicewright.settings import describe, to_dict
from voicewright.speech.options import SpeechSettings
from voicewright.training.options import TrainingPlan

GROUPS: Mapping[str, type] = {
    "speech": SpeechSettings,
    "enroll": EnrollOptions,
    "conversion": ConversionSettings,
    "live": LiveOptions,
    "prepare": PrepareOptions,
    "plan": TrainingPlan,
    "home": HomeSettings,
}
HIDDEN = {"plan": {"recipe", "processes"}}
"""Fields that no form shows, besides those that name a place on the server."""
CONVERTERS_PLACES = {"content"}


def groups() -> dict[str, type]:
    """Every options class that has a form, by its group's name."""
    found = dict(GROUPS)
    for name in registry.engines():
        for prefix, options in (("convert", registry.convert_options), ("recipe", registry.recipe_options)):
            try:
                found[f"{prefix}.{name}"] = options(name)
            except BadSetting:
                continue
    return found


def schema(group: str) -> dict[str, Any]:
    """The JSON schema of a group. Raises UnknownName."""
    known = groups()
    if group not in known:
        raise UnknownName(f"no group of options is called {group!r}; there are: {', '.join(known)}")
    made = _schema(known[group])
    beside = CONVERTERS_PLACES if group.startswith("convert.") else set()
    for name in PLACES | HIDDEN.get(group, set()) | beside:
        made["properties"].pop(name, None)
    for name, (low, high) in RANGES.items() if group == "live" else ():
        made["properties"][name] |= {"minimum": low, "maximum": high}
    return {"$id": group, **made}


def _schema(cls: type) -> dict[str, Any]:
    plain = TypeAdapter(cls).json_schema()
    definitions = plain.get("$defs", {})
    texts, hints = describe(cls), get_type_hints(cls)
    properties = {}
    for field in dataclasses.fields(cast(Any, cls)):
        kind = hints[field.name]
        if dataclasses.is_dataclass(kind):
            made = _schema(cast(type, kind))
        else:
            made = dict(_inlined(plain["properties"][field.name], definitions))
        made |= {"title": field.name, "description": texts.get(field.name, made.get("description", ""))}
        if (default := _default(field)) is not dataclasses.MISSING:
            made["default"] = default
        properties[field.name] = made
    return {
        "type": "object",
        "title": cls.__name__,
        "description": (cls.__doc__ or "").strip().split("\n\n")[0],
        "additionalProperties": False,
        "properties": properties,
    }


def _inlined(part: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(part, list):
        return [_inlined(each, definitions) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        found = definitions[part["$ref"].rpartition("/")[2]]
        part = {**found, **{name: value for name, value in part.items() if name != "$ref"}}
    return {name: _inlined(value, definitions) for name, value in part.items()}


def _default(field: "dataclasses.Field[Any]") -> Any:
    if field.default is not dataclasses.MISSING:
        value = field.default
    elif field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    else:
        return dataclasses.MISSING
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_dict(value)
    return list(value) if isinstance(value, tuple) else value
