"""Devices are chosen by what people call them, opened at their own rates, and missed with a sentence."""

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from simulated import Fake, FlatPitch

from voicewright.errors import BadDevice, MissingExtra
from voicewright.live.devices import Device, DeviceCard, chosen, devices, mixed
from voicewright.live.options import LiveOptions
from voicewright.live.session import LiveSession

KNOWN = [
    {"name": name, "hostapi": 0, "max_input_channels": heard, "max_output_channels": 2, "default_samplerate": rate}
    for name, heard, rate in [("HDA Intel: ALC257", 2, 48000.0), ("USB Headset", 1, 44100.0), ("Monitor", 0, 48000.0)]
]


class FakeStream:
    """What PortAudio would do, when it is told to."""

    latency: Any = 0.02

    def __init__(self, **settings: Any) -> None:
        self.settings, self.started, self.closed = settings, False, False

    def start(self) -> None:
        self.started = True

    def close(self) -> None:
        self.closed = True


class Both(FakeStream):
    latency = (0.01, 0.03)


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A stand-in for the package sounddevice."""
    opened: list[FakeStream] = []

    def of(kind: type[FakeStream]) -> Any:
        def make(**settings: Any) -> FakeStream:
            opened.append(kind(**settings))
            return opened[-1]

        return make

    fake = SimpleNamespace(
        PortAudioError=type("PortAudioError", (Exception,), {}),
        default=SimpleNamespace(device=(0, 2)),
        query_devices=lambda: KNOWN,
        query_hostapis=lambda: [{"name": "ALSA"}],
        Stream=of(Both),
        InputStream=of(FakeStream),
        OutputStream=of(FakeStream),
        opened=opened,
    )
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


def test_devices_are_listed_with_what_they_can(sound: SimpleNamespace) -> None:
    found = devices()
    assert [each.name for each in found] == [each["name"] for each in KNOWN]
    assert found[1].rate == 44_100
    assert found[0].is_default_input
    assert found[2].is_default_output


@pytest.mark.parametrize(
    ("wish", "is_input", "number"),
    [("", True, 0), ("", False, 2), ("1", True, 1), ("headset", True, 1), ("usb", False, 1), ("MONITOR", False, 2)],
)
def test_a_device_is_chosen_by_number_or_by_a_part_of_its_name(
    sound: SimpleNamespace, wish: str, is_input: bool, number: int
) -> None:
    assert chosen(wish, devices(), is_input=is_input).number == number


@pytest.mark.parametrize("wish", ["2", "monitor", "99", "piano"])
def test_what_is_no_microphone_is_told_with_those_there_are(sound: SimpleNamespace, wish: str) -> None:
    with pytest.raises(BadDevice, match=r"no microphone .*USB Headset"):
        chosen(wish, devices(), is_input=True)


def test_a_name_that_fits_several_is_asked_about(sound: SimpleNamespace) -> None:
    with pytest.raises(BadDevice, match="several"):
        chosen("e", devices(), is_input=True)
    with pytest.raises(BadDevice, match="has no microphone"):
        chosen("", [], is_input=True)


def test_one_name_in_several_sound_systems_is_one_device() -> None:
    def device(number: int, system: str, *, default: bool) -> Device:
        return Device(number, "Headset", system, 1, 2, 48_000, default, default)

    known = [device(0, "MME", default=False), device(1, "WASAPI", default=True)]
    assert chosen("headset", known, is_input=True).number == 1


def test_two_devices_with_two_rates_are_opened_each_at_its_own(sound: SimpleNamespace) -> None:
    found = devices()
    card = DeviceCard(found[1], found[2])
    assert (card.input_rate, card.output_rate) == (44_100, 48_000)
    with LiveSession(Fake(), FlatPitch(), LiveOptions(block_ms=100), card) as session:
        heard, played = sound.opened
        assert heard.settings["samplerate"] == 44_100
        assert played.settings["samplerate"] == 48_000
        assert session.status().delay_ms >= 40
        assert heard.settings["callback"](np.zeros((441, 1), np.float32), 441, None, None) is None
        out = np.ones((480, 2), np.float32)
        played.settings["callback"](out, 480, None, "underflow")
        assert not out.any()
        assert card.gaps == 1
    assert heard.closed
    assert played.closed


def test_one_rate_is_one_stream_and_every_channel_plays(sound: SimpleNamespace) -> None:
    found = devices()
    card = DeviceCard(found[0], found[2])
    taken: list[np.ndarray] = []
    card.start(taken.append, lambda count: np.full(count, 0.5, np.float32))
    (both,) = sound.opened
    out = np.zeros((480, 2), np.float32)
    both.settings["callback"](np.tile([[0.2, 0.4]], (480, 1)), out, 480, None, None)
    assert np.allclose(taken[0], 0.3)
    assert np.allclose(out, 0.5)
    assert card.latency_s == pytest.approx(0.04)
    card.stop()


def test_a_device_that_vanishes_ends_the_session_with_a_sentence(sound: SimpleNamespace) -> None:
    found = devices()
    card = DeviceCard(found[0], found[2])
    session = LiveSession(Fake(), FlatPitch(), LiveOptions(block_ms=100), card)

    def meter(status: object) -> None:
        sound.opened[0].settings["finished_callback"]()

    with pytest.raises(BadDevice, match="unplugged"):
        session.run(meter=meter, every_s=0.01)


def test_a_device_that_cannot_be_opened_is_told(sound: SimpleNamespace) -> None:
    def refuse(**settings: Any) -> None:
        raise sound.PortAudioError("Device unavailable")

    sound.Stream = refuse
    found = devices()
    session = LiveSession(Fake(), FlatPitch(), LiveOptions(block_ms=100), DeviceCard(found[0], found[2]))
    with pytest.raises(BadDevice, match="Device unavailable"):
        session.run()


def test_what_is_not_a_number_is_silence() -> None:
    heard = np.array([[np.nan, 0.0], [1.0, 0.0], [np.inf, 1.0]])
    assert mixed(heard).tolist() == [0.0, 0.5, 0.0]


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(MissingExtra, match=r"voicewright\[live\]"):
        devices()


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise OSError("PortAudio library not found")

    monkeypatch.setattr("voicewright.live.devices.import_module", refuse)
    with pytest.raises(BadDevice, match="libportaudio2"):
        devices()
