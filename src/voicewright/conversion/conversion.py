"""A recording of any length, said or sung again in another voice.

It is read twice: once to find its pitch and its silences, once to convert it slice by slice.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip, Samples
from voicewright.audio.edit import gain, resample
from voicewright.audio.files import SoundWriter, describe, read_blocks, read_clip, write_clip
from voicewright.audio.octaves import guarded
from voicewright.audio.pitch import Pitch, PitchTracker
from voicewright.audio.streaming import blocks_of
from voicewright.conversion.envelope import EnvelopeFollower
from voicewright.conversion.hearing import PitchListener
from voicewright.conversion.joining import Joiner, Passing, Place, fitted, places
from voicewright.conversion.mixing import mix
from voicewright.conversion.options import ConversionSettings
from voicewright.conversion.separation import Separator
from voicewright.conversion.slicing import Levels, Slice, plan
from voicewright.conversion.transpose import OCTAVE, OUTSIDE_SHARE, Transposition, share_outside, transposition
from voicewright.engines.base import Converter, Places
from voicewright.errors import BadClip, BadSetting
from voicewright.progress import Progress, silent

BLOCK_S = 10.0
GRID_S = 0.05  # by less than this a slice begins earlier, at a frame of the pitch curve
SHORTEST_S = 0.2
HEADROOM_DB = -6.0  # an engine may be a little over full scale where a separated voice is near it
FAINT_DB = -12.0  # heard as a room that is still there, too low for a second person in it
LITTLE_VOICE = 0.1
"""Less of the sound voiced than this is no speech or singing: even whispered speech has more in it by mistake."""

Source = Callable[[int], Iterator[Clip]]
"""A recording: its blocks at the rate that is asked for, from the beginning with every call."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the first pass found."""

    rate: int
    samples: int
    pitch: Pitch
    slices: tuple[Slice, ...]
    """All of the recording, the silences too; each begins where the one before ended."""
    transposed: Transposition
    heard_hz: float
    """The usual pitch of its sounds; NaN if there is no voice."""

    @property
    def seconds(self) -> float:
        return self.samples / self.rate

    @property
    def wished(self) -> Pitch:
        """The pitch that the result follows."""
        return self.pitch.transposed(self.transposed.semitones)


@dataclass(frozen=True, slots=True)
class Converted:
    """A recording that was converted."""

    seconds: float
    rate: int
    slices: tuple[Slice, ...]
    """The parts that were converted."""
    semitones: float
    """By how much the pitch was moved."""
    source_hz: float
    """The recording's usual pitch; NaN where no voice was found."""
    target_hz: float
    """The result's usual pitch, as it was wished for; NaN where no voice was found."""
    source: Pitch
    wished: Pitch
    warnings: tuple[str, ...]
    took_s: float
    clipped: int = 0
    """Samples of the file that were cut off at full scale."""

    @property
    def rtf(self) -> float:
        """Seconds of work for a second of sound; 0 for no sound."""
        return self.took_s / self.seconds if self.seconds else 0.0


class Conversion:
    """Converts recordings with one voice and one group of settings.

    Args:
        converter: the voice, ready.
        tracker: finds the pitch, as `settings.pitch` says.
        settings: how; the defaults suit speech and singing.
        seed: same seed, same machine: same samples.
        separator: takes the voice out of music, for `settings.separate`.

    Raises:
        BadSetting: a separator is needed and not given, or the engine takes less at once than it wants to hear.
    """

    def __init__(
        self,
        converter: Converter,
        tracker: PitchTracker,
        settings: ConversionSettings | None = None,
        *,
        seed: int = 0,
        separator: Separator | None = None,
    ) -> None:
        self.settings = settings or ConversionSettings()
        self._converter, self._tracker, self._seed, self._separator = converter, tracker, seed, separator
        if self.settings.separate and separator is None:
            raise BadSetting("to take the voice out of music a separator is needed; give one, or set separate to false")
        slices = self.settings.slices
        room_s = converter.longest_s - 2 * converter.context_s - slices.crossfade_ms / 1000 - GRID_S
        self._longest_s = min(slices.longest_s, room_s)
        if self._longest_s < SHORTEST_S:
            raise BadSetting(
                f"this engine takes {converter.longest_s:g} s at once and wants to hear {converter.context_s:g} s on "
                f"each side; with a cross-fade of {slices.crossfade_ms:g} ms nothing is left to convert: shorten it"
            )

    def convert(self, source: Path, target: Path, *, bits: int = 16, progress: Progress = silent) -> Converted:
        """Convert a recording into a file, which appears whole or not at all.

        A recording with several channels is converted as their mean, and the result says so. With `separate` the music
        is mixed with the converted voice again, at the higher of the two rates; else the rate is the voice's.

        Args:
            source: of any length and format.
            target: .wav .flac .ogg .opus .mp3; its folder is there.
            bits: per sample, for wav and flac.
            progress: called with "separating", "listening" or "converting", and seconds done and in all.

        Raises:
            BadClip: the recording cannot be read, the file cannot be written, or it is the recording.
        """
        if target.exists() and target.samefile(source):
            raise BadClip(f"{target} is the recording itself; give the result another name")
        began, info = time.perf_counter(), describe(source)
        told = [f"the mean of its {info.channels} channels was converted"] if info.channels > 1 else []
        if self.settings.separate:
            return self._with_music(
                source, SoundWriter(target, max(info.rate, self._converter.rate), bits=bits), told, progress
            )
        with SoundWriter(target, self._converter.rate, bits=bits) as writer:
            heard = self.listen(source, progress)
            for clip in self.stream(source, heard, progress):
                writer.write(clip)
        converted = self._told(heard, time.perf_counter() - began)
        return replace(converted, warnings=(*told, *converted.warnings), clipped=writer.clipped)

    def convert_clip(self, clip: Clip, progress: Progress = silent) -> tuple[Clip, Converted]:
        """A clip in the voice, and what was done. Raises BadClip: see `convert`."""
        if self.settings.separate:
            with TemporaryDirectory() as folder:
                source, made = (Path(folder) / name for name in ("source.wav", "made.wav"))
                write_clip(source, clip, bits=32)
                converted = self.convert(source, made, bits=32, progress=progress)
                return read_clip(made), converted
        began = time.perf_counter()
        heard = self.listen(clip, progress)
        parts = [part.samples for part in self.stream(clip, heard, progress)]
        whole = Clip(np.concatenate([np.zeros(0, np.float32), *parts]), heard.rate)
        return whole, self._told(heard, time.perf_counter() - began)

    def listen(self, source: Path | Clip | Source, progress: Progress = silent, *, step: int = 1) -> Heard:
        """The first pass: a recording's pitch, its slices, and by how much it is transposed.

        Args:
            step: semitones that an automatic transposition is a multiple of.

        Raises:
            BadClip: the recording cannot be read.
        """
        rate, (blocks, seconds) = self._converter.rate, _opened(source)
        levels, listener, count = Levels(rate), PitchListener(self._tracker, rate), 0
        for block in blocks(rate):
            levels.feed(block.samples)
            listener.feed(block.samples)
            count += len(block)
            progress("listening", count / rate, max(seconds, count / rate))
        nothing = np.zeros(0, np.float32)
        levels.feed(nothing, last=True)
        listener.feed(nothing, last=True)
        pitch = guarded(listener.pitch) if self.settings.octave_guard else listener.pitch
        slices = plan(levels.levels_db, levels.frame_s, count / rate, self.settings.slices, longest_s=self._longest_s)
        sounding = pitch.f0_hz[_within(slices, pitch)]
        heard_hz = float(np.median(sounding[sounding > 0])) if (sounding > 0).any() else float("nan")
        moved = transposition(self.settings.transpose, heard_hz, self._converter.home_hz, step=step)
        return Heard(rate, count, pitch, tuple(slices), moved, heard_hz)

    def stream(self, source: Path | Clip | Source, heard: Heard, progress: Progress = silent) -> Iterator[Clip]:
        """The second pass: the recording in the voice, as clips that follow each other, `heard.samples` in all.

        Raises:
            BadClip: the recording cannot be read, or is not the one that was heard.
        """
        if not heard.samples:
            return
        rate = heard.rate
        edges = [round(part.start_s * rate) for part in heard.slices] + [heard.samples]
        parts = [part for part, left, right in zip(heard.slices, edges, edges[1:], strict=False) if right > left]
        spots = places(sorted(set(edges)), round(self.settings.slices.crossfade_ms / 1000 * rate))
        back = round((self._converter.context_s + GRID_S) * rate)
        passing = Passing(_opened(source)[0](rate), back)
        joiner, share, wished = Joiner(), self.settings.envelope, heard.wished
        follower = EnvelopeFollower(rate, share) if share else None
        for part, place in zip(parts, spots, strict=True):
            made = self._spoken(passing, place, wished, heard.samples) if part.voiced else self._quiet(passing, place)
            ready = joiner.add(made, place)
            if follower:
                last = place.last == heard.samples
                ready = follower.feed(passing.take(place.first, place.first + len(ready)), ready, last=last)
            yield Clip(ready, rate)
            progress("converting", place.last / rate, heard.seconds)

    def _spoken(self, passing: Passing, place: Place, wished: Pitch, total: int) -> Samples:
        """A slice in the voice. It is heard with what lies around it, from a frame of the pitch curve on."""
        rate, around = self._converter.rate, round(self._converter.context_s * self._converter.rate)
        frame = int(max(0, place.first - around) / rate / wished.hop_s)
        first, last = min(place.first, round(frame * wished.hop_s * rate)), min(total, place.last + around)
        clip = Clip(passing.take(first, last), rate)
        converter = self._converter
        placed = converter.placed(first / rate) if isinstance(converter, Places) else converter
        made = placed.convert(clip, wished.between(first / rate, last / rate), seed=self._seed)
        return fitted(made, len(clip), rate)[place.first - first : place.last - first]

    def _quiet(self, passing: Passing, place: Place) -> Samples:
        """What is heard between slices."""
        match self.settings.slices.between:
            case "silence":
                return np.zeros(len(place), np.float32)
            case "source":
                return passing.take(place.first, place.last)
            case "faint":
                return passing.take(place.first, place.last) * np.float32(10 ** (FAINT_DB / 20))

    def _with_music(self, source: Path, writer: SoundWriter, told: list[str], progress: Progress) -> Converted:
        """Convert the voice only, and mix it with all that is not the voice."""
        began, seconds = time.perf_counter(), describe(source).seconds
        with TemporaryDirectory() as folder:
            vocals, rest, after = (Path(folder) / f"{name}.flac" for name in ("vocals", "rest", "after"))
            progress("separating", 0.0, seconds)
            cast(Separator, self._separator).separate(source, vocals, rest)
            heard = self.listen(vocals, progress, step=OCTAVE)  # another interval would not fit the music
            with SoundWriter(after, heard.rate, bits=24) as part:
                for clip in self.stream(vocals, heard, progress):
                    part.write(gain(clip, HEADROOM_DB))  # mixing finds the level anew
            with writer:
                mixed = mix(vocals, after, rest, writer, vocals_db=self.settings.vocals_db)
        if mixed.whole_db < -0.05:
            told.append(f"the mix was made {-mixed.whole_db:.1f} dB softer, so that it does not clip")
        converted = self._told(heard, time.perf_counter() - began)
        return replace(converted, rate=writer.rate, warnings=(*told, *converted.warnings), clipped=writer.clipped)

    def _told(self, heard: Heard, took_s: float) -> Converted:
        sounding = tuple(part for part in heard.slices if part.voiced)
        wished, semitones = heard.wished, heard.transposed.semitones
        return Converted(
            seconds=heard.seconds,
            rate=heard.rate,
            slices=sounding,
            semitones=semitones,
            source_hz=heard.heard_hz,
            target_hz=heard.heard_hz * 2 ** (semitones / OCTAVE),
            source=heard.pitch,
            wished=wished,
            warnings=tuple(filter(None, (heard.transposed.note, *self._remarks(heard, wished)))),
            took_s=took_s,
        )

    def _remarks(self, heard: Heard, wished: Pitch) -> Iterator[str]:
        """What whoever hears the result would wonder about."""
        voiced = heard.pitch.voiced[_within(heard.slices, heard.pitch)]
        if not len(voiced):
            yield "it is silent throughout: there was nothing to convert"
        elif voiced.mean() < LITTLE_VOICE:
            yield f"hardly any voice was found ({100 * voiced.mean():.0f} % of the sound); is this speech or singing?"
        low_hz, high_hz = self.settings.pitch_low_hz, self.settings.pitch_high_hz
        outside = share_outside(wished, low_hz, high_hz)
        if outside > OUTSIDE_SHARE:
            yield (
                f"{100 * outside:.0f} % of the notes lie outside {low_hz:g} to {high_hz:g} Hz after transposing by "
                f"{heard.transposed.semitones:+g} semitones; another transposition will sound better"
            )


def _opened(source: Path | Clip | Source) -> tuple[Source, float]:
    """A recording of any kind, and how long it is in seconds (0: unknown)."""
    if isinstance(source, Path):
        return (lambda rate: read_blocks(source, rate=rate, block_s=BLOCK_S)), describe(source).seconds
    if isinstance(source, Clip):
        return (lambda rate: blocks_of(resample(source, rate), BLOCK_S)), source.seconds
    return source, 0.0


def _within(slices: Iterable[Slice], pitch: Pitch) -> NDArray[np.bool_]:
    """(f,) which frames lie in slices that are converted."""
    inside = np.zeros(len(pitch.f0_hz), bool)
    for part in slices:
        if part.voiced:
            inside[int(part.start_s / pitch.hop_s) : int(part.end_s / pitch.hop_s) + 1] = True
    return inside
