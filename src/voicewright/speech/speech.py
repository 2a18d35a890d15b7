"""`Speech`: a finished result. Sound, text, timings, the settings that made it, and its scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from voicewright.audio.clip import Clip
from voicewright.audio.files import read_clip
from voicewright.engines.base import Engine
from voicewright.speech.options import SpeechSettings
from voicewright.speech.takes import Take, rank
from voicewright.text.piece import Piece
from voicewright.voice.consent import NOT_STATED
from voicewright.voice.voice import Voice


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenPiece:
    """A piece of the text and where it is in the sound, seconds from the start; a pause-only piece spans its pause.

    `take_start_s` is where the take's own beginning lies in the whole; it is before `start_s` by what was trimmed.
    """

    piece: Piece
    start_s: float
    end_s: float
    take_start_s: float
    take: Take

    @property
    def text(self) -> str:
        return self.piece.text

    @property
    def spoken(self) -> str:
        return self.piece.spoken

    def placed(self, take_s: float) -> float:
        """A time of the take, in the whole."""
        return min(max(self.take_start_s + take_s, self.start_s), self.end_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceFacts:
    """Whose voice it is, what spoke it, under which licences; `consent` is the statement's id or NOT_STATED."""

    name: str
    engine: str
    weights: str
    licence: str = ""
    weights_licence: str = ""
    consent: str = NOT_STATED

    @classmethod
    def of(cls, voice: Voice, engine: Engine) -> "VoiceFacts":
        return cls(
            name=voice.name,
            engine=engine.name,
            weights=engine.weights,
            licence=voice.licence,
            weights_licence=engine.licence,
            consent=voice.consent.id or NOT_STATED,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechScores:
    """What the checks found over all pieces, and what it cost. None: not measured.

    `words_wrong` of `words` in the pieces that could be recognised, `unsure` pieces too short to tell, `failed` pieces
    that kept a problem, `worst` the index of the worst piece, `retries` in all. `made_s` and `check_s` are seconds of
    work, `check_share` the checks' part of both; `rtf` is all work over the seconds of sound; `first_audio_s` the wait
    for the first sound.
    """

    words_wrong: int | None
    words: int
    unsure: int
    similarity: float | None
    naturalness: float | None
    failed: int
    worst: int | None
    retries: int
    made_s: float
    check_s: float
    check_share: float
    rtf: float
    first_audio_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """A text, spoken.

    `sound` is the file it was written to, or the clip itself; `clip` reads it when asked. The texts of `parts`, joined,
    are `text`.
    """

    sound: Clip | Path
    seconds: float
    parts: tuple[SpokenPiece, ...]
    settings: SpeechSettings
    voice: VoiceFacts
    scores: SpeechScores

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts)

    @property
    def clip(self) -> Clip:
        """The whole sound in memory (an hour at 24 kHz takes 350 MB)."""
        return self.sound if isinstance(self.sound, Clip) else read_clip(self.sound)


def overall(parts: Sequence[SpokenPiece], *, seconds: float, first_audio_s: float) -> SpeechScores:
    """The scores of the whole from those of its pieces; a number is None when no piece has it."""
    scores = [part.take.scores for part in parts]
    told = [s for s in scores if s is not None and s.words_wrong is not None]
    likeness = [s.similarity for s in scores if s is not None and s.similarity is not None]
    natural = [s.naturalness for s in scores if s is not None and s.naturalness is not None]
    checked = [i for i, s in enumerate(scores) if s is not None]
    made_s = sum(part.take.made_s for part in parts)
    check_s = sum(part.take.checked_s for part in parts) if checked else 0.0
    return SpeechScores(
        words_wrong=sum(s.words_wrong or 0 for s in told) if told else None,
        words=sum(s.words for s in told),
        unsure=len([s for s in scores if s is not None and s.words and s.words_wrong is None]),
        similarity=sum(likeness) / len(likeness) if likeness else None,
        naturalness=sum(natural) / len(natural) if natural else None,
        failed=sum(not part.take.passed for part in parts),
        worst=max(checked, key=lambda i: (rank(scores[i]), -i)) if checked else None,
        retries=sum(part.take.retries for part in parts),
        made_s=made_s,
        check_s=check_s,
        check_share=check_s / (made_s + check_s) if checked else 0.0,
        rtf=(made_s + check_s) / seconds if seconds else 0.0,
        first_audio_s=first_audio_s,
    )
