"""`Checker`: is this take what was asked for, in this voice, and whole?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from statistics import fmean
from typing import Protocol

import numpy as np

from voicewright.audio.clip import Clip
from voicewright.audio.edit import pad
from voicewright.errors import BadClip
from voicewright.measure.intelligibility import Recogniser, Transcript, word_errors
from voicewright.measure.naturalness import Marks
from voicewright.measure.similarity import VERIFIER, Embedding, SpeakerEncoder, similarity
from voicewright.measure.speed import syllables
from voicewright.speech.options import CheckOptions
from voicewright.speech.signal import duration_problems, sound_facts, sound_problems
from voicewright.text.piece import Piece
from voicewright.voice.voice import Voice

PAD_S = 0.5
"""Silence put around a short take before it is recognised: recognisers trained on long audio invent words for 0.4 s."""
SHORT_S = 1.0
SHORT_WORDS = 2
"""Texts this short are hard for a small recogniser; what it hears counts only when it is sure."""
SURE = 0.6
"""Mean token probability above which a recogniser is believed about a short text."""
LIKENESS_S = 1.5
"""Speaker encoders need about this much sound before their answer means anything: one window of GE2E is 1.6 s."""
USUAL_REACH = 0.85
"""What voices usually reach, by either speaker encoder: stands for a voice that was never measured, such as a blend."""
WIDE_BEAM = 5


class NaturalnessMeter(Protocol):
    """Predicts a listener's mark from 1 to 5."""

    def score(self, clip: Clip) -> Marks: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WordTime:
    """A word that was heard, and when; seconds from the start of its take."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeScores:
    """What was found about one take; None where it was not looked at or could not be told.

    `words_wrong` of `words` by the recogniser (None: not recognised, or too short a text to be sure), what it `heard`
    and how sure it was (0 to 1); `similarity` to the voice (cosine, mean over the encoders); `naturalness` (1 to 5);
    `unusable`: silent, or a duration that the text cannot have. `problems` says in words why the take fails; () passes.
    """

    words_wrong: int | None = None
    words: int = 0
    heard: str = ""
    sure: float | None = None
    similarity: float | None = None
    naturalness: float | None = None
    rate_syllables_s: float = 0.0
    tail_noise_db: float | None = None
    clipped: float = 0.0
    silence_share: float = 0.0
    unusable: bool = False
    problems: tuple[str, ...] = ()
    word_times: tuple[WordTime, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Checker:
    """Checks takes with what it is given; what is missing is not checked.

    `encoders` come in the order of their cost: "fast" uses the first one, "full" all. `naturalness` is for "full".

    Raises:
        ValueError: the verifier is among the encoders. It must stay out of all choosing, or it verifies nothing.
    """

    recogniser: Recogniser | None = None
    encoders: Sequence[SpeakerEncoder] = ()
    naturalness: NaturalnessMeter | None = None

    def __post_init__(self) -> None:
        if any(encoder.name == VERIFIER for encoder in self.encoders):
            raise ValueError(f"the verifier {VERIFIER!r} may not choose takes")

    def targets(self, voice: Voice) -> Mapping[str, Embedding]:
        """The voice's own embeddings by encoder name: its tensors `embedding.NAME`, else taken from its preview."""
        kept = {encoder.name: voice.tensors.get(f"embedding.{encoder.name}") for encoder in self.encoders}
        found = {name: embedding for name, embedding in kept.items() if embedding is not None}
        if voice.preview is not None:
            found |= {e.name: e.embed(voice.preview) for e in self.encoders if e.name not in found}
        return found

    def floor(self, voice: Voice, options: CheckOptions) -> float:
        """The least similarity of a take: a share of what the voice itself reached, or of what voices usually reach."""
        encoders = self.encoders if options.check == "full" else self.encoders[:1]
        reached = [voice.scores[encoder.name] for encoder in encoders if encoder.name in voice.scores]
        return options.min_similarity * (fmean(reached) if reached else USUAL_REACH)

    def score(
        self,
        piece: Piece,
        clip: Clip,
        targets: Mapping[str, Embedding],
        options: CheckOptions,
        *,
        usual_rate: float | None = None,
        floor: float = 0.0,
    ) -> TakeScores:
        """Scores of `clip` as a take of `piece`.

        `usual_rate` is the speaking rate of the other pieces (syllables a second), when enough are known; `floor` the
        least similarity to the voice.
        """
        full = options.check == "full"
        facts = sound_facts(clip)
        if facts.silent:
            return TakeScores(silence_share=1.0, unusable=True, problems=("it is silent",))
        transcript = self._transcribe(piece, clip, full)
        times = _times(transcript)
        if times:
            facts = sound_facts(clip, last_word_s=times[-1].end_s)
        wrong, words = _words(piece, transcript)
        alike = self._similarity(clip, targets, full) if facts.sound_s >= LIKENESS_S else None
        count = syllables(piece.spoken)
        impossible = duration_problems(facts, count)
        problems = impossible + sound_problems(facts, clip, count, usual_rate)
        if transcript and wrong and wrong > options.max_words_wrong * words:
            problems += (f"{wrong} of {words} words wrong, heard {transcript.text!r}",)
        if alike is not None and alike < floor:
            problems += (f"not like the voice (similarity {alike:.2f})",)
        return TakeScores(
            words_wrong=wrong,
            words=words,
            heard=transcript.text if transcript else "",
            sure=transcript.probability if transcript else None,
            similarity=alike,
            naturalness=self.naturalness.score(clip).overall if full and self.naturalness else None,
            rate_syllables_s=count / facts.sound_s,
            tail_noise_db=facts.tail_noise_db,
            clipped=facts.clipped,
            silence_share=facts.silence_share,
            unusable=bool(impossible),
            problems=problems,
            word_times=times,
        )

    def _transcribe(self, piece: Piece, clip: Clip, full: bool) -> Transcript | None:
        if self.recogniser is None:
            return None
        short = len(piece.spoken.split()) <= SHORT_WORDS or clip.seconds < SHORT_S
        if not short:
            return self.recogniser.transcribe(clip, beam=WIDE_BEAM if full else 1, word_times=True)
        heard = self.recogniser.transcribe(pad(clip, PAD_S, PAD_S), beam=WIDE_BEAM, word_times=True)
        return _earlier(heard, PAD_S, clip.seconds)

    def _similarity(self, clip: Clip, targets: Mapping[str, Embedding], full: bool) -> float | None:
        encoders = [encoder for encoder in self.encoders if encoder.name in targets][: None if full else 1]
        try:
            heard = [similarity(encoder.embed(clip), targets[encoder.name]) for encoder in encoders]
        except BadClip:  # a click is sound, but nobody's voice
            return None
        return float(np.mean(heard)) if heard else None


def _words(piece: Piece, transcript: Transcript | None) -> tuple[int | None, int]:
    """Words wrong and words asked; wrong is None when nothing was recognised or a short text leaves it open."""
    if transcript is None:
        return None, 0
    errors = word_errors(piece.spoken, transcript.text, language=piece.language)
    open_question = errors.wrong > 0 and errors.words <= SHORT_WORDS and not _believed(piece, transcript)
    return (None if open_question else errors.wrong), errors.words


def _believed(piece: Piece, transcript: Transcript) -> bool:
    """Whether to trust a recogniser that hears a very short text wrong: it is sure, and it heard something unlike it.

    "Hi" heard as "High" is a spelling, not a fault of the speech.
    """
    alike = SequenceMatcher(None, _letters(piece.spoken), _letters(transcript.text)).ratio()
    return transcript.probability >= SURE and alike < 0.5


def _times(transcript: Transcript | None) -> tuple[WordTime, ...]:
    words = transcript.words if transcript else ()
    return tuple(WordTime(text=word.text, start_s=word.start_s, end_s=word.end_s) for word in words)


def _earlier(transcript: Transcript, by_s: float, length_s: float) -> Transcript:
    """Word times of a padded clip as times of the clip."""

    def moved(time_s: float) -> float:
        return min(max(time_s - by_s, 0.0), length_s)

    words = (replace(word, start_s=moved(word.start_s), end_s=moved(word.end_s)) for word in transcript.words)
    return replace(transcript, words=tuple(words))


def _letters(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())
