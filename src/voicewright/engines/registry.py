"""Which engines there are, and how to load one. A plugin comes in by the same door as ours: a string."""

from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from voicewright.errors import BadSetting

if TYPE_CHECKING:
    from voicewright.engines.base import Engine

GROUP = "voicewright.engines"
DEFAULT = "kokoro"
BUILT_IN = {
    "kokoro": "voicewright.engines.kokoro:load",
    "kokoro-tiny": "voicewright.engines.kokoro:tiny",
    "sovits": "voicewright.engines.sovits:load",
    "sovits-tiny": "voicewright.engines.sovits:tiny",
}
"""A name that ends in "-tiny" is an engine's small twin with random weights: for trying things, not for speech."""
RECIPE_GROUP = "voicewright.recipes"
BUILT_IN_RECIPES = {
    "kokoro": "voicewright.engines.kokoro.options:TuningOptions",
    "kokoro-tiny": "voicewright.engines.kokoro.options:TuningOptions",
    "sovits": "voicewright.engines.sovits.options:SovitsTrainingOptions",
    "sovits-tiny": "voicewright.engines.sovits.options:TinySovitsTrainingOptions",
}
CONVERSION_GROUP = "voicewright.conversions"
BUILT_IN_CONVERSIONS = {
    "kokoro": "voicewright.engines.kokoro.conversion_options:KokoroConvertOptions",
    "kokoro-tiny": "voicewright.engines.kokoro.conversion_options:KokoroConvertOptions",
    "sovits": "voicewright.engines.sovits.conversion_options:SovitsConvertOptions",
    "sovits-tiny": "voicewright.engines.sovits.conversion_options:SovitsConvertOptions",
}


def engines() -> dict[str, str]:
    """Where each engine is loaded from ("module:function"), by name. A plugin cannot take a built-in one's name."""
    return {entry.name: entry.value for entry in entry_points(group=GROUP)} | BUILT_IN


def load(name: str, store: Any, *, device: str = "cpu", precision: str = "auto") -> "Engine":
    """The engine called `name`, its weights in memory.

    Args:
        store: where it takes its weights from (`voicewright.weights.store.Store`).
        device: "cpu", "cuda", …
        precision: "auto" (what the processor is made for), "float32" or "bfloat16".

    Raises:
        BadSetting: there is no such engine.
        MissingWeights, BadWeights: its weights are not to be had, or are not the right ones.
    """
    table = engines()
    if name not in table:
        raise BadSetting(f"no engine {name!r}; installed: {', '.join(sorted(table))}")
    module, _, function = table[name].partition(":")
    engine: Engine = getattr(import_module(module), function)(store, device=device, precision=precision)
    return engine


def recipe_options(name: str) -> type:
    """The options class of how the engine called `name` learns. Loads nothing heavy.

    Raises:
        BadSetting: there is no such engine, or it does not learn.
    """
    return _options(name, RECIPE_GROUP, BUILT_IN_RECIPES, "be trained")


def convert_options(name: str) -> type:
    """The options class of how the engine called `name` converts recordings. Loads nothing heavy.

    Raises:
        BadSetting: there is no such engine, or it does not convert.
    """
    return _options(name, CONVERSION_GROUP, BUILT_IN_CONVERSIONS, "convert recordings")


def abilities(name: str) -> frozenset[str]:
    """What the engine called `name` can do: "clones" (makes voices from recordings), "speaks", "converts", "learns".

    The package of an engine says the first two in its `ABILITIES`, so that nothing heavy is loaded to know them; one
    that says nothing is of the type `Speaks`, which is both.

    Raises:
        BadSetting: there is no such engine.
    """
    table = engines()
    if name not in table:
        raise BadSetting(f"no engine {name!r}; installed: {', '.join(sorted(table))}")
    door = import_module(table[name].partition(":")[0])
    found = set(getattr(door, "ABILITIES", ("clones", "speaks")))
    for ability, group, built_in in (
        ("converts", CONVERSION_GROUP, BUILT_IN_CONVERSIONS),
        ("learns", RECIPE_GROUP, BUILT_IN_RECIPES),
    ):
        if name in built_in or any(entry.name == name for entry in entry_points(group=group)):
            found.add(ability)
    return frozenset(found)


def _options(name: str, group: str, built_in: dict[str, str], ability: str) -> type:
    table = {entry.name: entry.value for entry in entry_points(group=group)} | built_in
    if name not in table:
        raise BadSetting(f"no engine {name!r} can {ability}; these can: {', '.join(sorted(table))}")
    module, _, attribute = table[name].partition(":")
    options: type = getattr(import_module(module), attribute)
    return options
