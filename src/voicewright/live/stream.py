"""`LiveStream`: a voice that changes block by block, always as late as it says.

t samples of what goes in · u samples of what comes out
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from voicewright.audio.clip import Clip, Samples
from voicewright.audio.edit import resample
from voicewright.audio.pitch import PitchTracker
from voicewright.engines.base import Converter
from voicewright.errors import BadDevice, BadSetting
from voicewright.live.gate import Gate
from voicewright.live.options import CHANGEABLE, LiveOptions
from voicewright.live.sola import Crossfader, Spans
from voicewright.live.transposing import Transposer

COARSEST_S = 0.05  # the time that is a whole number of samples at all rates; common rates have 2 to 10 ms


@dataclass(frozen=True, slots=True)
class Heard:
    """What the last block was like.

    Args:
        input_db, output_db: level before and after, in dB of full scale; -inf for silence.
        is_open: whether there was sound to convert.
        pitch_hz: the usual pitch in the window; 0 where there is no voice.
        transpose: semitones by which it was moved.
        clipped: samples that were too loud for the loudspeaker.
    """

    input_db: float = -math.inf
    output_db: float = -math.inf
    is_open: bool = False
    pitch_hz: float = 0.0
    transpose: float = 0.0
    clipped: int = 0


class LiveStream:
    """Turns blocks of one voice into blocks of another.

    Every block is converted with sound before and after it and joined to the one before; see `sola.Crossfader`.
    Windows are resampled as wholes, so changing the rate delays nothing. `process` is for one thread at a time;
    everything else may be called by any thread.

    Args:
        converter: the voice, ready to convert.
        tracker: finds the pitch in a window.
        options: how it begins; see `change`.
        input_rate, output_rate: samples per second of what goes in and of what comes out.

    Raises:
        BadSetting: a window is longer than the converter takes.
        BadDevice: rates that have too little in common.
    """

    def __init__(
        self, converter: Converter, tracker: PitchTracker, options: LiveOptions, *, input_rate: int, output_rate: int
    ) -> None:
        self._converter, self._tracker = converter, tracker
        self.options = options
        """What holds from the next block on."""
        self.input_rate, self.output_rate = input_rate, output_rate
        self._grid_hz = math.gcd(input_rate, output_rate, converter.rate)
        if self._grid_hz * COARSEST_S < 1:
            raise BadDevice(
                f"the rates {input_rate} Hz, {output_rate} Hz and {converter.rate} Hz do not fit together; set the "
                f"device to 44100 or 48000 Hz"
            )
        ahead, fade, search = (
            round(ms / 1000 * output_rate) for ms in (options.look_ahead_ms, options.crossfade_ms, options.search_ms)
        )
        history = self._on_grid((options.context_ms + options.overlap_ms) / 1000)
        kept = history * output_rate // self._grid_hz
        spans = Spans(max(0, kept - ahead - max(1, fade) - search), ahead, max(1, fade), search)
        self._seams = Crossfader(spans, history=history * input_rate // self._grid_hz)
        self._history_s = history / self._grid_hz
        self._gate = Gate(input_rate, self._history_s + self.longest_block_s, (ahead + fade) / output_rate)
        self._transposer = Transposer(converter.home_hz)
        self._gains_db = (options.input_gain_db, options.output_gain_db)
        self._blocks = 0
        self.heard = Heard()
        """What the last block was like."""
        if self.longest_block_s < COARSEST_S:
            raise BadSetting(
                f"{options.context_ms:g} ms of context and {options.overlap_ms:g} ms around a block are more than this "
                f"voice takes at once ({converter.longest_s:g} s); lower context_ms"
            )

    @property
    def delay_s(self) -> float:
        """From a sound's place in the blocks that go in to its place in those that come out; a block's length, which
        passes before it can go in, is not in it."""
        return self._seams.delay / self.output_rate

    @property
    def longest_block_s(self) -> float:
        """What can be processed at once."""
        return min(8.0, self._converter.longest_s - self._history_s)

    @property
    def transpose(self) -> float:
        """Semitones by which the pitch is moved now."""
        return self._transposer.semitones(self.options.transpose)

    @property
    def note(self) -> str:
        """What is to be said about an automatic transposition; "" for nothing."""
        return self._transposer.note if self.options.transpose == "auto" else ""

    def block_samples(self, seconds: float) -> int:
        """A block of about that length, in samples of what goes in, that is whole at every rate."""
        return max(1, self._on_grid(seconds)) * self.input_rate // self._grid_hz

    def change(self, **changes: Any) -> None:
        """Change options while it runs, from the next block on; "auto" as transposition listens anew.

        Raises:
            BadSetting: a value out of its range, or something that cannot be changed now.
        """
        if fixed := sorted(set(changes) - CHANGEABLE):
            raise BadSetting(f"{', '.join(fixed)} cannot be changed while it runs; {', '.join(sorted(CHANGEABLE))} can")
        if changes.get("transpose") == "auto":
            self._transposer = Transposer(self._converter.home_hz)
        self.options = replace(self.options, **changes)

    def process(self, block: Samples) -> Samples:
        """(t,) → (u,): as long in seconds as the block, `delay_s` late.

        Args:
            block: samples at `input_rate`; a multiple of `block_samples(0)`, no longer than `longest_block_s`.

        Raises:
            BadSetting: a block of another length. Whatever the converter raises.
        """
        grid = self.input_rate // self._grid_hz
        if not len(block) or len(block) % grid or len(block) > self.longest_block_s * self.input_rate:
            raise BadSetting(
                f"a block must be a multiple of {grid} samples up to {self.longest_block_s:.2f} s, got {len(block)}"
            )
        options = self.options
        count = len(block) // grid * (self.output_rate // self._grid_hz)
        was, self._gains_db = self._gains_db, (options.input_gain_db, options.output_gain_db)
        sound = _with_gain(block, was[0], options.input_gain_db)
        self._gate.feed(sound, options.gate_db, options.gate_hold_ms / 1000)
        self._found = Heard(is_open=self._gate.is_open)
        joined = self._seams.process(sound, count, lambda window: self._converted(window, count, options))
        made = joined.astype(np.float32)
        if not options.passthrough:
            made = _with_gain(made, was[1], options.output_gain_db)
        self.heard = replace(
            self._found,
            input_db=_level_db(sound),
            output_db=_level_db(made),
            transpose=self.transpose,
            clipped=int(np.count_nonzero(np.abs(made) > 1)),
        )
        return np.clip(made, -1, 1)

    def _converted(self, window: Samples, count: int, options: LiveOptions) -> Samples:
        """A window in the voice, at the output's rate, with the gate's silence."""
        clip, spans = Clip(window, self.input_rate), self._seams.spans
        self._blocks += 1
        if options.passthrough:
            return resample(clip, self.output_rate).samples
        gains = self._gate.gains(len(window), spans.history + count)
        due = gains[len(gains) - count - spans.longest_delay : len(gains) - spans.look_ahead]
        if not due.any():
            return np.zeros_like(gains)
        pitch = self._tracker.track(clip)
        until_s = clip.seconds - spans.look_ahead / self.output_rate
        self._transposer.hear(pitch, until_s - count / self.output_rate, until_s)
        moved = pitch.transposed(self._transposer.semitones(options.transpose))
        self._found = replace(self._found, pitch_hz=0.0 if math.isnan(pitch.median_hz) else pitch.median_hz)
        needed_s = (spans.context / self.output_rate, until_s)
        made = self._converter.convert(clip, moved, seed=options.seed + self._blocks, part_s=needed_s)
        wave: Samples = resample(made, self.output_rate).samples * gains
        return wave

    def _on_grid(self, seconds: float) -> int:
        """Steps of the grid that all rates share."""
        return math.ceil(seconds * self._grid_hz - 1e-9)


def _with_gain(sound: Samples, from_db: float, to_db: float) -> Samples:
    if from_db == to_db:
        return sound if to_db == 0 else (sound * 10 ** (to_db / 20)).astype(np.float32)
    return (sound * np.geomspace(10 ** (from_db / 20), 10 ** (to_db / 20), len(sound))).astype(np.float32)


def _level_db(sound: Samples) -> float:
    power = float(np.mean(np.square(sound, dtype=np.float64)))
    return 10 * math.log10(power) if power > 0 else -math.inf
