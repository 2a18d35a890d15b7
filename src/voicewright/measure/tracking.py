"""`tracker_named`: a pitch tracker with its network from the store."""

from pathlib import Path

from voicewright.audio.pitch import HIGH_HZ, LOW_HZ, NEED_MODEL, PitchTracker, find_tracker
from voicewright.audio.rmvpe import WHERE
from voicewright.errors import BadSetting, BadWeights
from voicewright.weights.store import Store

SETS = {"swift": "swift-f0", "crepe": "crepe-full", "crepe-tiny": "crepe-tiny"}
"""The weight set of each tracker that has one."""


def tracker_named(name: str, store: Store, *, low_hz: float = LOW_HZ, high_hz: float = HIGH_HZ) -> PitchTracker:
    """The tracker of that name, such as "swift"; "NAME:FILE" takes its network from a file of yours ("rmvpe:FILE").

    Raises:
        BadSetting: an unknown name, an impossible range, or a tracker whose network only you can give.
        MissingWeights, BadWeights: its network is not on this machine and cannot be fetched, or is another one.
        MissingExtra: its package is not installed.
    """
    method, given, file = name.partition(":")
    if given and not file:
        raise BadSetting(f"{name!r} names no file; write {method}:FILE")
    if file:
        if not Path(file).expanduser().is_file():
            raise BadWeights(f"the pitch tracker {method!r} cannot be loaded: there is no file {file}")
        return find_tracker(method, Path(file).expanduser(), low_hz=low_hz, high_hz=high_hz)
    if method == "rmvpe":
        raise BadSetting(f"the pitch tracker 'rmvpe' comes without its network: {WHERE}")
    model = store.file(SETS[method]) if method in NEED_MODEL else None
    return find_tracker(method, model, low_hz=low_hz, high_hz=high_hz)
