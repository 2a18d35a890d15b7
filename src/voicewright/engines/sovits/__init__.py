"""Singing and speech conversion of the so-vits-svc family (4.0, its fork, 4.1): VITS over content features."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voicewright.engines.sovits.engine import SovitsEngine

ABILITIES: tuple[str, ...] = ()
"""See `voicewright.engines.registry.abilities`: its voices are trained, and convert what somebody says or sings."""


def load(store: Any, *, device: str = "cpu", precision: str = "auto") -> "SovitsEngine":
    """The engine; see `voicewright.engines.registry.load`. Networks come with the voices."""
    from voicewright.engines.sovits.engine import SovitsEngine

    return SovitsEngine(store, device=device, precision=precision)


def tiny(store: Any, *, device: str = "cpu", precision: str = "auto") -> "SovitsEngine":
    """The engine for tiny voices with random weights (`twin.tiny_voice`): to try the machinery, not to sing."""
    from voicewright.engines.sovits.engine import SovitsEngine

    return SovitsEngine(store, device=device, precision=precision, name="sovits-tiny")
