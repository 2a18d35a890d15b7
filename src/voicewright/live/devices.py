"""Microphones and loudspeakers, by the optional package sounddevice (PortAudio)."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Samples
from voicewright.errors import BadDevice, MissingExtra
from voicewright.live.card import PERIOD_S, Capture, Playback


@dataclass(frozen=True, slots=True)
class Device:
    """A sound device of this machine.

    Args:
        number: by which it can be chosen.
        name: as the system has it; a part of it is enough to choose it.
        system: the sound system that it belongs to (ALSA, Core Audio, WASAPI, …): one device may be in several.
        inputs, outputs: channels; 0 where it has none.
        rate: samples per second that it likes best.
        is_default_input, is_default_output: whether the system chooses it.
    """

    number: int
    name: str
    system: str
    inputs: int
    outputs: int
    rate: int
    is_default_input: bool
    is_default_output: bool


def devices() -> list[Device]:
    """All sound devices that this machine has now; possibly none.

    Raises:
        MissingExtra: sounddevice is not installed. BadDevice: the library PortAudio is not there, or does not work.
    """
    sound = _sounddevice()
    try:
        default_input, default_output = sound.default.device
        systems = sound.query_hostapis()
        found = list(sound.query_devices())
    except sound.PortAudioError as problem:
        raise BadDevice(
            f"the sound devices cannot be listed ({problem}); is another program holding them?"
        ) from problem
    return [
        Device(
            number=number,
            name=str(entry["name"]),
            system=str(systems[entry["hostapi"]]["name"]),
            inputs=int(entry["max_input_channels"]),
            outputs=int(entry["max_output_channels"]),
            rate=round(entry["default_samplerate"]),
            is_default_input=number == default_input,
            is_default_output=number == default_output,
        )
        for number, entry in enumerate(found)
    ]


def chosen(wish: str, known: Sequence[Device], *, is_input: bool) -> Device:
    """The device that somebody means.

    Args:
        wish: its number or a part of its name, in any case; empty: the system's choice, or the only one there is.

    Raises:
        BadDevice: there is none, there are several, or it cannot do that.
    """
    kind = "microphone" if is_input else "loudspeaker"
    able = [each for each in known if (each.inputs if is_input else each.outputs)]
    if not able:
        raise BadDevice(f"this machine has no {kind}; plug one in, or try with files instead")
    if not wish:
        usual = [each for each in able if (each.is_default_input if is_input else each.is_default_output)]
        return (usual or able)[0]
    if wish.strip().isdecimal():
        fits = [each for each in able if each.number == int(wish)]
    else:
        wanted = wish.strip().casefold()
        fits = [each for each in able if each.name.casefold() == wanted]
        fits = fits or [each for each in able if wanted in each.name.casefold()]
    names = ", ".join(f"{each.number} ({each.name}, {each.system})" for each in fits or able)
    if len(fits) > 1 and len({each.name for each in fits}) == 1:
        return next((each for each in fits if each.is_default_input or each.is_default_output), fits[0])
    if len(fits) != 1:
        problem = f"{wish!r} is several {kind}s; say which by its number" if fits else f"there is no {kind} {wish!r}"
        raise BadDevice(f"{problem}. There are: {names}")
    return fits[0]


class DeviceCard:
    """A microphone and a loudspeaker of this machine, each at the rate that it likes best.

    Several channels of a microphone are mixed to one; every channel of a loudspeaker plays the same.

    Args:
        microphone, loudspeaker: of `devices`.

    Raises:
        MissingExtra, BadDevice: as `devices`.
    """

    waits = False
    period_s = PERIOD_S

    def __init__(self, microphone: Device, loudspeaker: Device) -> None:
        self._sound = _sounddevice()
        self._microphone, self._loudspeaker = microphone, loudspeaker
        self.input_rate, self.output_rate = microphone.rate, loudspeaker.rate
        self.name = f"{microphone.name} → {loudspeaker.name}"
        self.latency_s = 0.0
        self.gaps = 0
        """Times at which the system itself lost sound before or after us."""
        self._streams: list[Any] = []
        self._capture: Capture | None = None
        self._playback: Playback | None = None
        self._ended = threading.Event()
        self._asked = False

    @property
    def finished(self) -> bool:
        return self._ended.is_set()

    def start(self, capture: Capture, playback: Playback) -> None:
        """Begin. Raises BadDevice: the devices cannot be opened."""
        self._capture, self._playback = capture, playback
        try:
            self._streams = self._opened()
            for stream in self._streams:
                stream.start()
            self.latency_s = sum(
                sum(each) if isinstance(each, tuple) else each for each in (s.latency for s in self._streams)
            )
        except (self._sound.PortAudioError, ValueError) as problem:
            self._close()
            raise BadDevice(
                f"{self.name} cannot be opened ({problem}); choose other devices, close programs that hold them, or "
                f"set both to one rate in the system's settings"
            ) from problem

    def stop(self) -> None:
        """Stop. Raises BadDevice: a device stopped by itself before."""
        lost = self._ended.is_set() and not self._asked
        self._asked = True
        self._close()
        if lost:
            raise BadDevice(f"{self.name} stopped by itself; was a device unplugged?")

    def _opened(self) -> list[Any]:
        """One stream for both where they share a rate, which is quicker; two otherwise."""
        sides = (self._microphone, self._loudspeaker)
        numbers = tuple(each.number for each in sides)
        channels = (min(2, self._microphone.inputs), min(2, self._loudspeaker.outputs))
        same = {"dtype": "float32", "latency": "low", "finished_callback": self._ended.set}
        if self.input_rate == self.output_rate and self._microphone.system == self._loudspeaker.system:
            period = round(PERIOD_S * self.input_rate)
            both = self._sound.Stream(
                device=numbers,
                channels=channels,
                samplerate=self.input_rate,
                blocksize=period,
                callback=self._both,
                **same,
            )
            return [both]
        heard, played = (
            kind(
                device=numbers[side],
                channels=channels[side],
                samplerate=sides[side].rate,
                blocksize=round(PERIOD_S * sides[side].rate),
                callback=callback,
                **same,
            )
            for side, (kind, callback) in enumerate(
                [(self._sound.InputStream, self._hear), (self._sound.OutputStream, self._play)]
            )
        )
        return [heard, played]

    def _both(self, heard: NDArray[Any], out: NDArray[Any], frames: int, time: Any, status: Any) -> None:
        self._hear(heard, frames, time, status)
        self._play(out, frames, time, None)

    def _hear(self, heard: NDArray[Any], frames: int, time: Any, status: Any) -> None:
        self.gaps += bool(status)
        if self._capture is not None:
            self._capture(mixed(heard))

    def _play(self, out: NDArray[Any], frames: int, time: Any, status: Any) -> None:
        self.gaps += bool(status)
        if self._playback is not None:
            out[:] = self._playback(frames)[:, None]

    def _close(self) -> None:
        for stream in self._streams:
            stream.close()
        self._streams = []


def mixed(heard: NDArray[Any]) -> Samples:
    """(t, channels) → (t,) the mean of the channels; what is not a number becomes silence."""
    mono: Samples = np.nan_to_num(heard.mean(axis=1), nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)
    return mono


def _sounddevice() -> Any:
    try:
        return import_module("sounddevice")
    except ModuleNotFoundError as problem:
        raise MissingExtra("sounddevice", needed_for="a live voice with a microphone", extra="live") from problem
    except OSError as problem:
        raise BadDevice(
            f"the sound library PortAudio is not on this machine ({problem}); install it (Debian and Ubuntu: apt "
            f"install libportaudio2), or try with files instead"
        ) from problem
