"""What is written → what is said: numbers, dates, money, units, abbreviations, addresses and signs in words."""

import re

from voicewright.text import symbols
from voicewright.text.abbreviations import expand_abbreviations
from voicewright.text.dates import spoken_dates, spoken_decades, spoken_times, spoken_years
from voicewright.text.languages import is_english, resolve_language
from voicewright.text.numbers import decimal
from voicewright.text.quantities import spoken_codes, spoken_counts, spoken_money, spoken_units

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_KEPT_CAPITALS = frozenset(
    "USA UK FBI CIA NASA BBC CNN CEO CFO CTO DVD CD TV PC EU UN NATO HTML CSS PDF AI UFO DNA RNA HIV AIDS IBM HP "  # noqa: SIM905
    "BMW GPS LA DC PM ATM FAQ DIY PhD GDP NBA NFL MBA USB CPU GPU SMS UNESCO UNICEF OPEC ESA II III IV".split()
)
_DIGIT = re.compile(r"\d")


def normalize(text: str, language: str = "en-us") -> str:
    """The words to say for `text`, on one line, with only the punctuation that the engine knows.

    English: "Dr. Lee paid $3.50 on 5/6/2024" → "Doctor Lee paid three dollars and fifty cents on May sixth, twenty
    twenty-four". Other languages: numbers and the commonest signs. "" when nothing in it can be said.
    Never raises for any text; BadSetting for an unknown language. Its own output passes through unchanged.
    """
    language = resolve_language(language)
    text = symbols.plain_marks(symbols.tidy(text))
    text = _english(text, language) if is_english(language) else _other(text, language)
    return symbols.punctuated(text)


def _english(text: str, language: str) -> str:
    text = symbols.spoken_addresses(_calmed(text))
    if _DIGIT.search(text):
        text = spoken_dates(text, month_first=language == "en-us")
        text = spoken_codes(spoken_decades(text))
        text = spoken_times(text)
        text = spoken_money(text, language)
        text = spoken_units(text, language)
        text = expand_abbreviations(text, language)
        text = spoken_years(text)
        text = spoken_counts(text, language)
    else:
        text = expand_abbreviations(spoken_times(text), language)
    return symbols.spoken_signs(text)


def _calmed(text: str) -> str:
    """A SHOUTED SENTENCE in ordinary letters, so that its words are not spelled; well-known initialisms stay."""
    words = _WORD.findall(text)
    letters = "".join(words)
    capitals = sum(char.isupper() for char in letters)
    long_words = [word for word in words if len(word) > 1 and word.replace("'", "").isupper()]
    enough = len(long_words) >= (2 if "!" in text else 3)
    if not enough or capitals < 0.7 * len(letters):
        return text
    calm = _WORD.sub(
        lambda m: m[0] if m[0] in _KEPT_CAPITALS or m[0] == "I" or m[0].startswith("I'") else m[0].lower(), text
    )
    first = _WORD.search(calm)
    return calm if first is None else calm[: first.start()] + calm[first.start()].upper() + calm[first.start() + 1 :]


_FOREIGN_SIGNS = {
    "es": {
        "%": "por ciento",
        "&": "y",
        "@": "arroba",
        "+": "más",
        "=": "igual a",
        "€": "euros",
        "$": "dólares",
        "£": "libras",
    },
    "fr": {
        "%": "pour cent",
        "&": "et",
        "@": "arobase",
        "+": "plus",
        "=": "égale",
        "€": "euros",
        "$": "dollars",
        "£": "livres",
    },
    "it": {
        "%": "per cento",
        "&": "e",
        "@": "chiocciola",
        "+": "più",
        "=": "uguale a",
        "€": "euro",
        "$": "dollari",
        "£": "sterline",
    },
    "pt-br": {
        "%": "por cento",
        "&": "e",
        "@": "arroba",
        "+": "mais",
        "=": "igual a",
        "€": "euros",
        "$": "dólares",
        "£": "libras",
    },
}
_SIGN_BEFORE = re.compile(r"([$€£])\s?(\d[\d.,]*\d|\d)")
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:[. ]\d{3})+(?![\d])")
_FOREIGN_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")


def _other(text: str, language: str) -> str:
    """Numbers and signs of a language other than English. Hindi, Japanese and Chinese backends read digits
    themselves.
    """
    signs = _FOREIGN_SIGNS.get(language)
    if signs is None:
        return text
    text = _SIGN_BEFORE.sub(r"\2 \1", text)
    text = _THOUSANDS.sub(lambda m: re.sub(r"\D", "", m[0]), text)
    text = _FOREIGN_NUMBER.sub(lambda m: f" {decimal(m[0].replace(',', '.'), language)} ", text)
    return "".join(f" {signs[char]} " if char in signs else char for char in text)
