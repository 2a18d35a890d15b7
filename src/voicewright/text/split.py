"""Long text → pieces that are spoken in one breath, with the silence between them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from voicewright.errors import BadSetting, BadText
from voicewright.text.languages import LANGUAGES, resolve_language
from voicewright.text.lexicon import Lexicon
from voicewright.text.normalize import normalize
from voicewright.text.phonemes import GIVEN, Phonemizer
from voicewright.text.piece import Piece
from voicewright.text.sentences import LONGEST_PAUSE_S, End, Span, cut, spans
from voicewright.text.tokens import MAX_TOKENS

MAX_CHARS = 220
"""Characters of spoken text in a piece: some 15 s of speech, and well below the network's limit."""

_SHORT_CHARS = 24
_PARAGRAPH = re.compile(r"\n[ \t\r]*\n\s*")
_SPELLED = re.compile(r"\b[A-Z]{2,}s?\b|\b[A-Za-z]\b|\b[^\W\d_aeiouyAEIOUY]+\b")
_PHONEMES_PER_CHAR = {"zh": 7.0, "ja": 5.0, "hi": 2.0}
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")


def split(
    text: str, *, language: str = "en-us", max_chars: int = MAX_CHARS, lexicon: Lexicon | None = None
) -> list[Piece]:
    """`text` in pieces: sentences, long ones cut at clauses, very short ones joined. Their texts, joined, are `text`.

    `[pause]`, `[pause 0.5s]` and `[pause 500ms]` are silence; `[word](/phonemes/)` is said as written.
    `max_chars` limits what is spoken in a piece (20 or more). The last piece has no pause unless the text asks for one.
    Raises BadText when nothing in `text` can be spoken or a marker makes no sense, BadSetting for `max_chars` or
    `language`.
    """
    pieces = list(iter_pieces([text], language=language, max_chars=max_chars, lexicon=lexicon))
    if not any(piece.spoken for piece in pieces):
        shown = text.strip()[:40]
        name = LANGUAGES[resolve_language(language)].title
        raise BadText(
            f"there is no word to speak in {shown!r}; write at least one word of {name}"
            if shown
            else "the text is empty; write at least one word"
        )
    return pieces


def iter_pieces(
    texts: Iterable[str], *, language: str = "en-us", max_chars: int = MAX_CHARS, lexicon: Lexicon | None = None
) -> Iterator[Piece]:
    """`split` for text that arrives bit by bit (the lines of a file, say): a paragraph's pieces come as soon as it
    ends.

    Raises as `split` does for markers and settings; text without words is one piece with nothing spoken.
    """
    language = resolve_language(language)
    if not 20 <= max_chars <= MAX_TOKENS:
        raise BadSetting(f"max_chars is {max_chars}; it must lie between 20 and {MAX_TOKENS}")
    splitter = _Splitter(language, max_chars, lexicon)
    waiting: Piece | None = None
    for piece in (piece for block in _blocks(texts) for piece in splitter.pieces(block)):
        if waiting is None:
            waiting = piece if piece.spoken else replace(piece, pause_s=splitter.asked_s)
        elif not piece.spoken:
            pause_s = max(waiting.pause_s, piece.pause_s) if waiting.spoken else splitter.asked_s
            waiting = replace(waiting, text=waiting.text + piece.text, pause_s=pause_s)
        elif waiting.spoken or waiting.pause_s:
            yield waiting
            waiting = piece
        else:
            waiting = replace(piece, text=waiting.text + piece.text)
    if waiting is not None:
        yield replace(waiting, pause_s=splitter.asked_s)


def _blocks(texts: Iterable[str]) -> Iterator[str]:
    """Whole paragraphs, each with the empty lines after it."""
    rest = ""
    for text in texts:
        rest += text
        while (gap := _PARAGRAPH.search(rest)) and gap.end() < len(rest):
            yield rest[: gap.end()]
            rest = rest[gap.end() :]
    if rest:
        yield rest


class _Splitter:
    """The settings of one split, the phonemizer that given phonemes need, and the silence asked for since the last
    word.
    """

    def __init__(self, language: str, max_chars: int, lexicon: Lexicon | None) -> None:
        self.language, self.max_chars, self.lexicon = language, max_chars, lexicon
        self.asked_s = 0.0
        self._phonemizer: Phonemizer | None = None

    def pieces(self, text: str) -> Iterator[Piece]:
        """The pieces of a stretch of text; markers and signs without a sound come as pieces with nothing spoken."""
        keep = [match.span() for match in GIVEN.finditer(text)]
        short: Piece | None = None
        for span in spans(text):
            for piece in self._fitting(text, span, keep):
                if short is not None and not (joined := self._joined(short, piece)):
                    yield short
                    short = None
                elif short is not None:
                    piece, short = joined or piece, None
                if 0 < len(piece.spoken) < _SHORT_CHARS and span.end is End.SENTENCE:
                    short = piece
                else:
                    yield piece
        if short is not None:
            yield short

    def _fitting(self, text: str, span: Span, keep: list[tuple[int, int]]) -> Iterator[Piece]:
        """The span as one piece, or cut until every part fits."""
        if span.end is End.PAUSE:
            self.asked_s = min(LONGEST_PAUSE_S, self.asked_s + span.pause_s)
            yield self._piece(text[span.start : span.stop], "", self.asked_s, None)
            return
        waiting = [span]
        while waiting:
            part = waiting.pop()
            written = text[part.start : part.stop]
            spoken, phonemes = self._spoken(written)
            if not self._fits(spoken, phonemes):
                place, end = cut(text, part.start, part.stop, keep)
                if part.start < place < part.stop:
                    waiting += [replace(part, start=place), Span(part.start, place, end)]
                    continue
                if phonemes is not None:
                    raise BadText(
                        f"more phonemes than fit in one piece ({MAX_TOKENS}): {written[:40]!r}…; give them word by word"
                    )
            if spoken:
                self.asked_s = 0.0
            yield self._piece(written, spoken, part.end.value, phonemes)

    def _piece(self, written: str, spoken: str, pause_s: float, phonemes: str | None) -> Piece:
        return Piece(text=written, spoken=spoken, pause_s=pause_s, language=self.language, phonemes=phonemes)

    def _fits(self, spoken: str, phonemes: str | None) -> bool:
        """Letters that are spelled take several phonemes each, so they count for more."""
        if phonemes is not None and len(phonemes) > MAX_TOKENS:
            return False
        spelled = sum(len(letters[0]) for letters in _SPELLED.finditer(spoken))
        likely = len(spoken) * _PHONEMES_PER_CHAR.get(self.language, 1.5) + 8 * spelled
        return len(spoken) <= self.max_chars and likely <= MAX_TOKENS

    def _spoken(self, written: str) -> tuple[str, str | None]:
        """The words to say, and their phonemes if the user gave some of them."""
        if self.lexicon is not None:
            written = self.lexicon.respell(written)
        given = list(GIVEN.finditer(written))
        marked = self._normalized_around(written, given) if given else normalize(written, self.language)
        if not self._speakable(marked):
            return "", None
        if self.lexicon is not None:
            marked = self.lexicon.mark_phonemes(marked)
        if "](/" not in marked:
            return marked, None
        if self._phonemizer is None:
            self._phonemizer = Phonemizer(self.language)
        return GIVEN.sub(lambda match: match["word"], marked), self._phonemizer(marked)

    def _speakable(self, words: str) -> bool:
        """Whether the language's phonemes could have a sound for any of it."""
        if self.language in _PHONEMES_PER_CHAR:
            return any(char.isalnum() for char in words)
        return bool(_LATIN.search(words))

    def _normalized_around(self, written: str, given: list[re.Match[str]]) -> str:
        """Normalised text in which the words with given phonemes still carry them."""
        marked, end = "", 0
        for match in given:
            marked += self._normalized_part(written[end : match.start()]) + match[0]
            end = match.end()
        return (marked + self._normalized_part(written[end:])).strip()

    def _normalized_part(self, written: str) -> str:
        if not written.strip():
            return " " if written else ""
        if written[0].isalnum():
            spoken = normalize(written, self.language)
        else:  # "'s voice" or ", then" after the word: a stand-in for it keeps the mark
            spoken = normalize("x" + written, self.language)[1:]
        return spoken + " " * written[-1].isspace()

    def _joined(self, short: Piece, following: Piece) -> Piece | None:
        """Two pieces as one, if both are spoken, belong together and fit; else None."""
        stop = "" if short.spoken[-1] in ";:,.!?—…”)" else "."
        spoken = f"{short.spoken}{stop} {following.spoken}"
        if not following.spoken or not self._fits(spoken, None):
            return None
        phonemes = None
        if short.phonemes is not None or following.phonemes is not None:
            self._phonemizer = self._phonemizer or Phonemizer(self.language)
            phonemes = " ".join(
                piece.phonemes if piece.phonemes is not None else self._phonemizer(piece.spoken)
                for piece in (short, following)
            )
            if len(phonemes) > MAX_TOKENS:
                return None
        return replace(following, text=short.text + following.text, spoken=spoken, phonemes=phonemes)
