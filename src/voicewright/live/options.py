"""How a voice is changed live. Needs nothing heavy, so that a command line can show it at once."""

import math
from dataclasses import dataclass
from typing import Literal

from voicewright.errors import BadSetting

Auto = Literal["auto"]

RANGES = {
    "block_ms": (10.0, 4000.0),
    "context_ms": (0.0, 4000.0),
    "look_ahead_ms": (0.0, 1000.0),
    "crossfade_ms": (2.0, 200.0),
    "search_ms": (0.0, 40.0),
    "gate_db": (-120.0, -10.0),
    "gate_hold_ms": (0.0, 5000.0),
    "transpose": (-36.0, 36.0),
    "input_gain_db": (-40.0, 40.0),
    "output_gain_db": (-40.0, 40.0),
}
"""The lowest and the highest value that make sense."""

CHANGEABLE = frozenset(
    {"transpose", "passthrough", "muted", "input_gain_db", "output_gain_db", "gate_db", "gate_hold_ms"}
)
"""What can be changed while it runs."""


@dataclass(frozen=True, kw_only=True)
class LiveOptions:
    """How a voice is changed live.

    Raises:
        BadSetting: a value outside its range, or not a number.
    """

    block_ms: float | Auto = "auto"
    """How much sound is converted at a time. Shorter is quicker to answer and costs more; auto: the shortest block
    that this machine converts in time (10 to 4000)."""
    context_ms: float = 1500.0
    """Sound before a block that is heard again with it. More sounds steadier and costs more; it delays nothing
    (0 to 4000)."""
    look_ahead_ms: float = 100.0
    """Sound after a block that is waited for. More gives clearer consonants and delays by as much (0 to 1000)."""
    crossfade_ms: float = 20.0
    """How long one block fades into the next (2 to 200)."""
    search_ms: float = 12.0
    """How far a block may be shifted so that its wave meets the one before: one period of a deep voice; 0 shifts
    nothing (0 to 40)."""
    gate_db: float = -55.0
    """Sound below this level, in dB of full scale, is silence and stays silence; -120 lets everything through
    (-120 to -10)."""
    gate_hold_ms: float = 300.0
    """How long the gate stays open after the last loud sound (0 to 5000)."""
    transpose: float | Auto = "auto"
    """Semitones by which the pitch is moved; auto: from your pitch in the first seconds to the voice's, then fixed
    (-36 to 36)."""
    pitch: str = "swift"
    """The pitch tracker."""
    passthrough: bool = False
    """Let your own voice through unchanged, as late as the other would be."""
    muted: bool = False
    """Start with the microphone muted."""
    input_gain_db: float = 0.0
    """Makes what the microphone hears louder or quieter, before everything else (-40 to 40)."""
    output_gain_db: float = 0.0
    """Makes what is played louder or quieter (-40 to 40)."""
    input: str = ""
    """The microphone: its number or a part of its name in `voicewright live --devices`; empty: the system's choice."""
    output: str = ""
    """The loudspeaker: its number or a part of its name; empty: the system's choice."""
    seed: int = 0
    """Same seed, same sound, same blocks, same machine: same result."""

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            _check(name, getattr(self, name), low, high)

    @property
    def overlap_ms(self) -> float:
        """What is heard of a block besides itself and its context."""
        return self.look_ahead_ms + self.crossfade_ms + self.search_ms


def number_or_auto(text: str, name: str) -> float | Auto:
    """What somebody typed for an option that is a number or "auto".

    Raises:
        BadSetting: neither of the two.
    """
    if text.strip().casefold() == "auto":
        return "auto"
    try:
        return float(text)
    except ValueError:
        raise BadSetting(f"{name} is a number or auto, got {text!r}") from None


def _check(name: str, value: float | str, low: float, high: float) -> None:
    may_be_auto = name in {"block_ms", "transpose"}
    if may_be_auto and value == "auto":
        return
    wanted = f"between {low:g} and {high:g}" + (", or auto" if may_be_auto else "")
    if isinstance(value, str | bool) or not math.isfinite(value):
        raise BadSetting(f"{name} must be a number {wanted}, got {value!r}")
    if not low <= value <= high:
        raise BadSetting(f"{name} must be {wanted}, got {value:g}")
