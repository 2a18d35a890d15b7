"""Words → phonemes: one backend for each language, and phonemes that the user wrote."""

import re
import unicodedata
from collections.abc import Callable

from voicewright.errors import BadText
from voicewright.text.languages import is_english, resolve_language
from voicewright.text.tokens import VOCABULARY, known_symbols, unknown_symbols

Backend = Callable[[str], str]

GIVEN = re.compile(r"\[(?P<word>[^\[\]]+)\]\(/(?P<phonemes>[^/()\[\]]*)/\)")
"""`[word](/phonemes/)`: how a user (or a lexicon) says a word's phonemes within a text, as misaki writes it."""


class Phonemizer:
    """The phonemes of one language. Keep one for as long as there is text: it remembers words, and loads once.

    Raises MissingExtra when the language needs a package that is not installed, BadSetting for an unknown language.
    """

    def __init__(self, language: str = "en-us") -> None:
        self.language = resolve_language(language)
        self._backend = _backend(self.language)

    def __call__(self, text: str) -> str:
        """The phonemes of normalised `text`, in the engine's symbols; `[word](/phonemes/)` is taken as written.

        Signs that have no sound are left out. Raises BadText when phonemes written by the user hold unknown symbols.
        """
        for given in GIVEN.finditer(text):
            check_phonemes(given["phonemes"], f"{given['word']!r} in the text")
        if is_english(self.language):
            phonemes = self._backend(text)
        else:
            phonemes, end = "", 0
            for given in GIVEN.finditer(text):
                phonemes += self._spaced(text[end : given.start()]) + given["phonemes"]
                end = given.end()
            phonemes = (phonemes + self._spaced(text[end:])).strip()
        return "".join(symbol for symbol in unicodedata.normalize("NFD", phonemes) if symbol in VOCABULARY)

    def _spaced(self, text: str) -> str:
        """The backend's phonemes, with the spaces that stood at both ends."""
        if not text.strip():
            return text and " "
        return " " * text[0].isspace() + self._backend(text).strip() + " " * text[-1].isspace()


def phonemize(text: str, language: str = "en-us") -> str:
    """The phonemes of normalised `text`, in Kokoro's symbols. For more than a few sentences keep a `Phonemizer`."""
    return Phonemizer(language)(text)


def check_phonemes(phonemes: str, where: str) -> str:
    """`phonemes` if the engine knows every symbol and there is one; raises BadText that names the others and
    `where`.
    """
    if unknown := unknown_symbols(phonemes):
        raise BadText(f"{where}: no such phoneme symbols: {' '.join(unknown)}; known are {known_symbols()}")
    if not phonemes.strip():
        raise BadText(f"{where}: no phonemes between the slashes; write them like [Kokoro](/kˈOkəɹO/)")
    return phonemes


def _backend(language: str) -> Backend:
    if is_english(language):
        from voicewright.text.english import EnglishPhonemes

        return EnglishPhonemes(language)
    if language in ("es", "fr", "it"):
        from voicewright.text.word_lists import ListedPhonemes

        return ListedPhonemes(language)
    if language == "ja":
        from voicewright.text.japanese import japanese_phonemes

        return japanese_phonemes()
    if language == "zh":
        from voicewright.text.chinese import chinese_phonemes

        return chinese_phonemes()
    from voicewright.text.espeak import espeak_phonemes

    return espeak_phonemes(language)
