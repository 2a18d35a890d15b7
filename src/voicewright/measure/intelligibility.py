"""What words a recogniser hears, and how many of the asked ones are wrong."""

import math
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.errors import BadSetting, BadWeights, MissingWeights

RATE = 16_000
SYMBOLS = {"&": " and ", "@": " at ", "+": " plus ", "=": " equals ", "°": " degrees ", "’": "'", "‘": "'"}
BRACKETS = str.maketrans("()[]{}<>—–/_…", " " * 13)
SPELLINGS = {
    r"\b1/2\b": "one half",
    r"(?<=\w)-(?=\w)": " ",
    r"(?<!\w)-(?=\d)": "minus ",
    r"\ban? (?=(hundred|thousand|million|billion)\b)": "one ",
    r"\b([ap])\.\s?m\b\.?": r"\1m",
    r"\bok\b": "okay",
}
FUSED = 4
"""Words that one word may be written as, and the other way round ("in as much as", "inasmuch as")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word that was heard, when (seconds from the start of the clip), and how sure the recogniser is (0 to 1)."""

    text: str
    start_s: float
    end_s: float
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What was heard. `words` is () unless word times were asked for; `probability` is the mean over the tokens."""

    text: str
    words: tuple[Word, ...] = ()
    language: str = "en"
    probability: float = 0.0


class Recogniser(Protocol):
    """Hears words in a clip of any rate."""

    def transcribe(self, clip: Clip, *, beam: int = 1, word_times: bool = False) -> Transcript: ...


class WhisperRecogniser:
    """Whisper (Radford et al., 2022) on CTranslate2 by way of faster-whisper. Loaded on first use.

    It always hears 30 s at a time, so a short clip costs as much as a long one. It decodes greedily or with a beam,
    without sampling and without its own earlier output as a prompt: the same clip gives the same words.

    Args:
        folder: a CTranslate2 Whisper model (`model.bin`, `config.json`, `tokenizer.json`, `vocabulary.txt`).
        compute_type: "int8", "float32", …
        threads: CPU threads; 0 leaves it to OMP_NUM_THREADS.
        language: two-letter code; None hears which (multilingual models only).
        device: "cpu" or "cuda".

    Raises (on first use): MissingWeights, BadWeights.
    """

    def __init__(
        self,
        folder: Path,
        *,
        compute_type: str = "int8",
        threads: int = 1,
        language: str | None = "en",
        device: str = "cpu",
    ) -> None:
        self._folder, self._compute_type, self._threads, self._language = folder, compute_type, threads, language
        self._device = device
        self._loaded: Any = None

    def transcribe(self, clip: Clip, *, beam: int = 1, word_times: bool = False) -> Transcript:
        """The words of `clip`.

        Args:
            beam: 1 is fastest; 5 hears a little better.
            word_times: find each word's start and end; costs a second pass over the decoder.
        """
        if beam < 1:
            raise BadSetting(f"a beam is 1 or wider, got {beam}")
        if not clip.samples.any():
            return Transcript(text="", language=self._language or "")
        parts, about = self._model().transcribe(
            resample(clip, RATE).samples,
            language=self._language,
            beam_size=beam,
            temperature=0.0,
            condition_on_previous_text=False,
            word_timestamps=word_times,
            without_timestamps=not word_times and clip.seconds <= 30,
        )
        segments = list(parts)
        words = tuple(word for segment in segments for word in _whole_words(segment.words or ()))
        tokens = sum(len(segment.tokens) for segment in segments)
        log_probability = sum(segment.avg_logprob * len(segment.tokens) for segment in segments) / max(1, tokens)
        return Transcript(
            text=" ".join(segment.text.strip() for segment in segments).strip(),
            words=words,
            language=about.language,
            probability=math.exp(log_probability) if tokens else 0.0,
        )

    def _model(self) -> Any:
        if self._loaded is None:
            from faster_whisper import WhisperModel

            if not (self._folder / "model.bin").is_file():
                raise MissingWeights(f"no Whisper model in {self._folder}; see what is installed: voicewright weights")
            load = partial(
                WhisperModel,
                str(self._folder),
                device=self._device,
                compute_type=self._compute_type,
                cpu_threads=self._threads,
            )
            try:
                # In a thread of its own: CTranslate2 sets the number of OpenMP threads of whoever loads it, and all of
                # torch would run on one core from then on.
                with ThreadPoolExecutor(1) as loader:
                    self._loaded = loader.submit(load).result()
            except (RuntimeError, ValueError) as problem:
                raise BadWeights(f"the Whisper model in {self._folder} cannot be used: {problem}") from problem
        return self._loaded


def _whole_words(pieces: Sequence[Any]) -> list[Word]:
    """The words of a segment. Whisper's pieces "non" and "-stop" are one word: the second has no space before it."""
    words: list[Word] = []
    for piece in pieces:
        text, start_s, end_s, probability = piece.word.strip(), float(piece.start), float(piece.end), piece.probability
        if words and piece.word[:1] in "-.'’" and text[1:2].isalnum():
            last = words.pop()
            text, start_s, probability = last.text + text, last.start_s, min(last.probability, probability)
        words.append(Word(text=text, start_s=start_s, end_s=end_s, probability=float(probability)))
    return words


@dataclass(frozen=True, slots=True, kw_only=True)
class WordErrors:
    """How what was heard differs from what was asked, both normalised.

    `words` is the number of asked words, `cer` the character error rate without spaces (0 is perfect, it may pass 1).
    """

    words: int
    substituted: int
    deleted: int
    inserted: int
    cer: float

    @property
    def wrong(self) -> int:
        """Words substituted, left out or added."""
        return self.substituted + self.deleted + self.inserted

    @property
    def rate(self) -> float:
        """Word error rate: `wrong` by asked words; an empty text with words heard counts each of them."""
        return self.wrong / max(1, self.words)


def word_errors(asked: str, heard: str, *, language: str = "en") -> WordErrors:
    """Compare two texts as a listener would: not by how they are written.

    Case, punctuation, numbers (digits or words), money, ordinals, British and American spelling, contractions,
    hyphens, titles (Mr, Dr), filled pauses (um, hmm), and one word or several ("every day", "everyday") make no
    difference. Method: the English normaliser of Whisper's evaluation (Radford et al., 2022, appendix C) and
    Levenshtein alignment; other languages: case, accents and punctuation only.
    """
    import jiwer

    said, got = (text.split() for text in normalise(asked, heard, language=language))
    if not said:
        return WordErrors(words=0, substituted=0, deleted=0, inserted=len(got), cer=float(len("".join(got)) > 0))
    if not got:
        return WordErrors(words=len(said), substituted=0, deleted=len(said), inserted=0, cer=1.0)
    counts = [0, 0, 0]
    for region_said, region_got in _differing(said, got):
        counts = [a + b for a, b in zip(counts, _region_errors(region_said, region_got), strict=True)]
    substituted, deleted, inserted = counts
    cer = float(jiwer.cer("".join(said), "".join(got)))
    return WordErrors(words=len(said), substituted=substituted, deleted=deleted, inserted=inserted, cer=cer)


def normalise(*texts: str, language: str = "en") -> tuple[str, ...]:
    """Texts as `word_errors` compares them: lower case, digits for numbers, no punctuation."""
    if language.split("-")[0] == "en":
        from whisper_normalizer.english import EnglishTextNormalizer

        english = EnglishTextNormalizer()
        return tuple(_digits(english(_plain(text))) for text in texts)
    from whisper_normalizer.basic import BasicTextNormalizer

    basic = BasicTextNormalizer(remove_diacritics=True)
    return tuple(basic(text.translate(BRACKETS).replace("-", " ")) for text in texts)


def _plain(text: str) -> str:
    """English with symbols as words, nothing in brackets (the normaliser would drop it), and no hyphens."""
    for symbol, words in SYMBOLS.items():
        text = text.replace(symbol, words)
    for pattern, words in SPELLINGS.items():
        text = re.sub(pattern, words, text, flags=re.IGNORECASE)
    return text.translate(BRACKETS)


def _digits(text: str) -> str:
    """The normaliser leaves "one" as a word before other digits, but not as a part of "one two"."""
    return re.sub(r"\bone(?= \d)", "1", text)


def _differing(said: Sequence[str], got: Sequence[str]) -> list[tuple[list[str], list[str]]]:
    """Runs of words that the alignment does not pair, each as (asked, heard)."""
    import jiwer

    regions: list[tuple[list[str], list[str]]] = []
    fresh = True
    for chunk in jiwer.process_words(" ".join(said), " ".join(got)).alignments[0]:
        if chunk.type == "equal":
            fresh = True
            continue
        if fresh:
            regions.append(([], []))
            fresh = False
        regions[-1][0].extend(said[chunk.ref_start_idx : chunk.ref_end_idx])
        regions[-1][1].extend(got[chunk.hyp_start_idx : chunk.hyp_end_idx])
    return regions


def _region_errors(said: Sequence[str], got: Sequence[str]) -> tuple[int, int, int]:
    """Fewest (substituted, deleted, inserted) between two runs, where words written together cost nothing."""
    best: dict[tuple[int, int], tuple[int, int, int]] = {(0, 0): (0, 0, 0)}
    for i in range(len(said) + 1):
        for j in range(len(got) + 1):
            ways = []
            if i and j:
                s, d, n = best[i - 1, j - 1]
                ways.append((s + 1, d, n))
            if i:
                s, d, n = best[i - 1, j]
                ways.append((s, d + 1, n))
            if j:
                s, d, n = best[i, j - 1]
                ways.append((s, d, n + 1))
            ways += [
                best[i - a, j - b]
                for a in range(1, min(i, FUSED) + 1)
                for b in range(1, min(j, FUSED) + 1)
                if "".join(said[i - a : i]) == "".join(got[j - b : j])
            ]
            if ways:
                best[i, j] = min(ways, key=lambda way: (sum(way), way))
    return best[len(said), len(got)]
