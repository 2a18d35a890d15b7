"""Numbers in words. English is spelled out here; other languages go through num2words (LGPL, used as a library)."""

import re
from functools import lru_cache

from voicewright.text.languages import LANGUAGES, is_english

_UNDER_20 = (  # noqa: SIM905
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905
_SCALES = (  # noqa: SIM905
    " thousand million billion trillion quadrillion quintillion sextillion septillion octillion nonillion decillion"
).split(" ")
_ODD_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
_LARGEST = 1000 ** len(_SCALES)


def cardinal(number: int, language: str = "en-us") -> str:
    """1234 → "one thousand two hundred thirty-four" (British: "… hundred and thirty-four"). Huge numbers: digit by
    digit.
    """
    if not is_english(language):
        return _foreign(str(number), language)
    if abs(number) >= _LARGEST:
        return digits(str(number))
    if number < 0:
        return "minus " + cardinal(-number, language)
    british = language == "en-gb"
    groups: list[str] = []
    scale, rest = 0, number
    while rest or not groups:
        rest, group = divmod(rest, 1000)
        if group or number == 0:
            late_and = "and " if british and scale == 0 and rest and group < 100 else ""
            groups.insert(0, f"{late_and}{_under_1000(group, ' and ' if british else ' ')} {_SCALES[scale]}".strip())
        elif scale == 0:
            groups.append("")
        scale += 1
    return " ".join(filter(None, groups))


def _under_1000(number: int, joint: str) -> str:
    hundreds, rest = divmod(number, 100)
    if hundreds and rest:
        return f"{_UNDER_20[hundreds]} hundred{joint}{_under_100(rest)}"
    return f"{_UNDER_20[hundreds]} hundred" if hundreds else _under_100(rest)


def _under_100(number: int) -> str:
    if number < 20:
        return _UNDER_20[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens] + (f"-{_UNDER_20[ones]}" if ones else "")


def ordinal(number: int, language: str = "en-us") -> str:
    """21 → "twenty-first". English only."""
    words = cardinal(number, language)
    head, last = re.fullmatch(r"(.*?)([a-z]+)", words, re.DOTALL).groups()  # type: ignore[union-attr]
    if last in _ODD_ORDINALS:
        return head + _ODD_ORDINALS[last]
    return head + (last[:-1] + "ieth" if last.endswith("y") else last + "th")


def year(number: int) -> str:
    """1984 → "nineteen eighty-four", 1905 → "nineteen oh five", 2007 → "two thousand seven". English only."""
    century, rest = divmod(number, 100)
    if not 1000 < number < 10_000 or number % 1000 < 10:
        return cardinal(number)
    if not rest:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def digits(text: str) -> str:
    """ "007" → "zero zero seven". Anything that is no digit is left out. English only."""
    return " ".join(_UNDER_20[int(char)] for char in text if char in "0123456789")


def decimal(text: str, language: str = "en-us") -> str:
    """ "3.14" → "three point one four"; "007" → digit by digit; commas between thousands are left out."""
    text = text.replace(",", "")
    if not is_english(language):
        return _foreign_decimal(text, language)
    whole, point, part = text.partition(".")
    if (len(whole) > 1 and whole.startswith("0")) or len(whole) > len(str(_LARGEST)):
        words = digits(whole)
    else:
        words = cardinal(int(whole), language) if whole else ""
    return f"{words} point {digits(part)}".strip() if point and part else words


def plural(word: str) -> str:
    """ "twenty" → "twenties", "six" → "sixes". English number words only."""
    if word.endswith("y"):
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("x", "s")) else "s")


_POINT = {"es": "coma", "fr": "virgule", "it": "virgola", "pt-br": "vírgula"}


def _foreign_decimal(text: str, language: str) -> str:
    whole, point, part = text.partition(".")
    spoken = _foreign(whole, language) if whole else ""
    if not (point and part):
        return spoken
    zeros = part[: len(part) - len(part.lstrip("0"))] if len(part) < 4 else part
    read = [*zeros, part[len(zeros) :]]
    return " ".join(
        filter(None, [spoken, _POINT.get(language, "."), *(_foreign(group, language) for group in read if group)])
    )


@lru_cache(maxsize=4096)
def _foreign(text: str, language: str) -> str:
    """Digits as they stand where num2words does not know the language or refuses the number."""
    name = LANGUAGES[language].numbers
    if not name or len(text) > 30:
        return text
    from num2words import num2words

    try:
        words = num2words(int(text), lang=name)
    except (NotImplementedError, OverflowError, ValueError, ArithmeticError, IndexError, KeyError, TypeError):
        return text
    return re.sub(r"\s+", " ", str(words)).strip()
