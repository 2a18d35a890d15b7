"""The default engine: Kokoro-82M, cloned by style inversion."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voicewright.engines.kokoro.engine import KokoroEngine

ABILITIES = ("clones", "speaks")
"""See `voicewright.engines.registry.abilities`."""


def load(store: Any, *, device: str = "cpu", precision: str = "auto") -> "KokoroEngine":
    """The engine with its weights in memory; see `voicewright.engines.registry.load`."""
    from voicewright.engines.kokoro.engine import KokoroEngine

    return KokoroEngine(store, device=device, precision=precision)


def tiny(store: Any, *, device: str = "cpu", precision: str = "auto") -> "KokoroEngine":
    """Its tiny twin with random weights: to try the machinery, not to speak. `store` serves for encoders and meters."""
    from voicewright.engines.kokoro.engine import KokoroEngine, tiny_parts

    return KokoroEngine(store, device=device, precision=precision, parts=tiny_parts())
