"""From pieces to speech: one path for a file, for a live stream, and for a job that is taken up again."""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from voicewright.audio.clip import Clip
from voicewright.audio.edit import join
from voicewright.audio.files import SoundWriter
from voicewright.engines.base import Speaks
from voicewright.errors import BadText
from voicewright.measure.speed import syllables
from voicewright.progress import Progress, silent
from voicewright.speech.checks import Checker
from voicewright.speech.joins import LEAD_S, REMEMBERED, TAIL_S, Leveller, trimmed
from voicewright.speech.journal import Journal
from voicewright.speech.options import SpeechSettings
from voicewright.speech.signal import RATE_SYLLABLES, sound_span
from voicewright.speech.speech import Speech, SpokenPiece, VoiceFacts, overall
from voicewright.speech.takes import Attempt, Take, TakeSetting, speak_piece, speak_with
from voicewright.text.piece import Piece
from voicewright.voice.voice import Voice

ENOUGH_RATES = 5
"""Pieces after which the usual speaking rate is known."""


class Narration:
    """A text being spoken. Iterate over it for the sound; then ask for its `speech`.

    Each clip that it yields is one piece with the pause before it; joined without gaps they are the whole. Nothing but
    the piece in hand is kept, so an hour of speech needs no more memory than a minute.

    Args:
        checker: checks the takes as `settings.check` says; None checks nothing.
        journal: keeps finished pieces on disk; those that it holds already are not spoken again.
        kept: one setting for each piece, to speak exactly those takes again without checks.

    Raises:
        BadText: no piece has anything to say.
    """

    def __init__(
        self,
        engine: Speaks,
        voice: Voice,
        pieces: Sequence[Piece],
        settings: SpeechSettings,
        *,
        checker: Checker | None = None,
        journal: Journal | None = None,
        kept: Sequence[TakeSetting] | None = None,
        progress: Progress = silent,
    ) -> None:
        if not any(piece.spoken for piece in pieces):
            raise BadText("there is nothing to say in this text; give it at least one word")
        if kept is not None and len(kept) != len(pieces):
            raise ValueError(f"{len(kept)} settings for {len(pieces)} pieces")
        self.engine, self.voice, self.pieces, self.settings = engine, voice, tuple(pieces), settings
        self.journal = journal
        self._checker, self._kept, self._progress = checker, kept, progress
        self._parts: list[SpokenPiece] = []
        self._samples = 0
        self._first_audio_s = 0.0

    @property
    def rate(self) -> int:
        """Samples per second of what it yields."""
        return self.engine.rate

    def __iter__(self) -> Iterator[Clip]:
        self._parts, self._samples, self._first_audio_s = [], 0, 0.0
        started = time.perf_counter()
        leveller = Leveller(self.settings.join)
        lead, tail = round(LEAD_S * self.rate), round(TAIL_S * self.rate)
        letters, total = 0, sum(len(piece.text) for piece in self.pieces)
        owed = 0  # samples of silence still due before the next speech
        for index, (piece, (clip, take)) in enumerate(zip(self.pieces, self._takes(), strict=True)):
            sound = leveller.level(trimmed(clip))
            pause = round(piece.pause_s * self.rate)
            owed += 0 if piece.spoken else pause
            gap = max(0, owed - lead) if len(sound) or not piece.spoken else 0
            start = self._samples + (gap if piece.spoken else max(0, gap - pause))
            self._samples += gap + len(sound)
            self._parts.append(self._part(piece, start, sound_span(clip)[0], take))
            owed = pause - tail if len(sound) else owed - gap + (pause if piece.spoken else 0)
            if gap + len(sound):
                self._first_audio_s = self._first_audio_s or time.perf_counter() - started
                yield Clip(np.concatenate([np.zeros(gap, np.float32), sound.samples]), self.rate)
            letters += len(piece.text)
            self._progress(f"speaking piece {index + 1} of {len(self.pieces)}", letters, total)

    def speech(self, sound: Clip | Path) -> Speech:
        """The result, once every clip was taken; `sound` is where they went."""
        if len(self._parts) != len(self.pieces):
            raise RuntimeError(f"only {len(self._parts)} of {len(self.pieces)} pieces were taken")
        seconds = self._samples / self.rate
        return Speech(
            sound=sound,
            seconds=seconds,
            parts=tuple(self._parts),
            settings=self.settings,
            voice=VoiceFacts.of(self.voice, self.engine),
            scores=overall(self._parts, seconds=seconds, first_audio_s=self._first_audio_s),
        )

    def _part(self, piece: Piece, start: int, sound_start: int, take: Take) -> SpokenPiece:
        return SpokenPiece(
            piece=piece,
            start_s=start / self.rate,
            end_s=self._samples / self.rate,
            take_start_s=start / self.rate + LEAD_S - sound_start / self.rate,
            take=take,
        )

    def _takes(self) -> Iterator[tuple[Clip, Take]]:
        rates: deque[float] = deque(maxlen=REMEMBERED)
        check, used = self.settings.check, 0
        for index, piece in enumerate(self.pieces):
            found = self.journal.find(index) if self.journal else None
            if found is None:
                usual = median(rates) if len(rates) >= ENOUGH_RATES else None
                spare = check.retries + int(check.retry_share * index) - used
                found = self._spoken(index, piece, usual, spare)
                if self.journal:
                    self.journal.keep(index, *found)
            take = found[1]
            used += take.retries
            if take.scores and take.passed and syllables(piece.spoken) >= RATE_SYLLABLES:
                rates.append(take.scores.rate_syllables_s)
            yield found

    def _spoken(self, index: int, piece: Piece, usual_rate: float | None, spare: int) -> tuple[Clip, Take]:
        options = self.settings.speak
        setting = self._kept[index] if self._kept else TakeSetting(seed=options.seed, speed=options.speed)
        if not piece.spoken or self._kept:
            started = time.perf_counter()
            silence = Clip.silence(0.0, self.rate)
            clip = speak_with(self.engine, piece, self.voice, options, setting) if piece.spoken else silence
            made_s = time.perf_counter() - started
            attempt = Attempt(setting=setting, why="as given", scores=None, made_s=made_s, checked_s=0.0)
            return clip, Take(attempts=(attempt,), kept=0)
        return speak_piece(
            self.engine,
            piece,
            self.voice,
            options,
            self._checker,
            self.settings.check,
            usual_rate=usual_rate,
            spare_retries=spare,
        )


def assemble(narration: Narration, out: Path | None = None) -> Speech:
    """Speak it all: into the file `out` (its ending decides the format), or into memory.

    The file appears under its name only when it is complete, and the journal is cleared only after that. Whatever stops
    the work before, an error or the keyboard, passes through; the journal then holds every finished piece.

    Raises:
        BadClip: an ending that cannot be written, no such folder, or the disk is full.
        BadJob: the journal cannot be written.
    """
    if out is None:
        sound: Clip | Path = join(narration)
    else:
        with SoundWriter(out, narration.rate) as writer:
            for clip in narration:
                writer.write(clip)
        sound = out
    if narration.journal:
        narration.journal.finish()
    return narration.speech(sound)
