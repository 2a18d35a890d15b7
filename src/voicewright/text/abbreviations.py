"""English abbreviations, initials, roman numerals: what they stand for, and which of their dots end no sentence."""

import re

from voicewright.text.numbers import cardinal, ordinal
from voicewright.text.symbols import ends_sentence

TITLES = {
    "Mr": "Mister", "Mrs": "Missus", "Ms": "Ms", "Dr": "Doctor", "Prof": "Professor", "Rev": "Reverend",
    "Gen": "General",
    "Col": "Colonel", "Capt": "Captain", "Lt": "Lieutenant", "Sgt": "Sergeant", "Cpl": "Corporal", "Maj": "Major",
    "Cmdr": "Commander", "Adm": "Admiral", "Gov": "Governor", "Sen": "Senator", "Rep": "Representative",
    "Pres": "President", "Hon": "Honourable", "Fr": "Father", "Mme": "Madame", "Mlle": "Mademoiselle",
    "Messrs": "Messrs",
    "Mt": "Mount", "Ft": "Fort", "St": "Saint",
}  # fmt: skip
"""Said before a name, with or without their dot: a dot after one never ends a sentence."""

BEFORE_NUMBERS = {
    "no": "number", "nos": "numbers", "p": "page", "pp": "pages", "vol": "volume", "ch": "chapter", "fig": "figure",
    "figs": "figures", "eq": "equation", "sec": "section", "pt": "part", "ext": "extension",
    "op": "opus", "ca": "circa", "c": "circa", "vv": "verses", "v": "verse", "approx": "approximately",
    "tel": "telephone",
    "jan": "January", "feb": "February", "mar": "March", "apr": "April", "jun": "June", "jul": "July", "aug": "August",
    "sept": "September", "sep": "September", "oct": "October", "nov": "November", "dec": "December",
}  # fmt: skip
"""Abbreviations only in front of a number."""

ANYWHERE = {
    "etc": "et cetera", "vs": "versus", "approx": "approximately", "dept": "department", "govt": "government",
    "inc": "Incorporated", "ltd": "Limited", "corp": "Corporation", "bros": "Brothers", "jr": "Junior", "sr": "Senior",
    "ave": "Avenue", "blvd": "Boulevard", "rd": "Road", "hwy": "Highway", "cf": "compare", "al": "al",
    "misc": "miscellaneous",
    "assn": "Association", "univ": "University", "esp": "especially", "incl": "including", "excl": "excluding",
    "max": "maximum", "min": "minimum", "temp": "temperature", "tbsp": "tablespoon", "tsp": "teaspoon",
    "mon": "Monday", "tue": "Tuesday", "tues": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "thur": "Thursday",
    "thurs": "Thursday", "fri": "Friday", "jan": "January", "feb": "February", "apr": "April", "aug": "August",
    "sept": "September", "oct": "October", "nov": "November", "dec": "December", "est": "established", "co": "Company",
}  # fmt: skip
"""Abbreviations when they carry their dot."""

SENTENCE_OPENERS = frozenset(
    "the a an he she it they we i you this that these those there in on at but and so then when if what who how why "  # noqa: SIM905
    "where as for his her its my our your their no yes however after before while since although".split()
)
"""Words that more often start a sentence than follow an initial."""

_DOT_ONLY_AFTER_CAPITAL = frozenset(
    ("co", "mon", "wed", "fri", "thu", "tue", "jan", "oct", "nov", "dec", "feb", "apr", "aug")
)
_LATIN = (
    (re.compile(r"\be\.\s?g\.?(?=[\s,])", re.IGNORECASE), "for example"),
    (re.compile(r"\bi\.\s?e\.?(?=[\s,])", re.IGNORECASE), "that is"),
)
_TITLE = re.compile(rf"\b(?:({'|'.join(TITLES)})\.\s*|(Mr|Mrs|Ms|Dr|Prof|St|Mt)\s+)(?=[A-Z])")
_STREET = re.compile(r"(?<=[a-z] )(?:(St)|(Dr))(?:\.(?=\s*(?:$|[,;]|\w))|(?=\s*(?:$|[,;])))(?!\.?\s*[A-Z])")
_STREET_NUMBERED = re.compile(r"(?P<head>\b\d+ (?:[A-Z][\w'-]+ ){1,2})(?P<kind>St|Dr)\b\.?")
_NUMBERED = re.compile(rf"\b({'|'.join(BEFORE_NUMBERS)})\.\s?(?=\d)", re.IGNORECASE)
_DOTTED = re.compile(rf"\b({'|'.join(ANYWHERE)})\.", re.IGNORECASE)
_INITIALISM = re.compile(r"\b((?:[A-Za-z]\.){1,}[A-Za-z])\b(\.)?|\bPh\.?\s?D\b(\.)?")
_INITIALS = re.compile(
    r"(?:(?<=^)|(?<=[A-Z]\.)|(?<=[A-Z]\. ))\b([A-HJ-Z])\.\s?(?=[A-Z][a-z.])"
    rf"|\b([A-Z])\.\s?(?=[A-Z]\.)|\b([A-Z][a-z]+ [A-Z])\.(?= (?!(?i:{'|'.join(SENTENCE_OPENERS)})\b)[A-Z][a-z])"
)

_REGNAL = (
    "Henry|Louis|Elizabeth|George|Edward|William|Charles|James|Richard|Paul|Benedict|Pius|Napoleon|Nicholas|Alexander|"
    "Catherine|Frederick|Philip|Ferdinand|Leo|Gregory|Innocent|Urban|Clement|Ivan|Peter|Wilhelm|Friedrich|Otto|Ramses|"
    "Ramesses|Ptolemy|Darius|Cyrus|Xerxes|Mary|John|Francis|Joseph|Leopold|Christian|Gustav|Haakon|Harald|Olaf|Umberto|"
    "Alfonso|Carlos|Felipe|Juan|Pedro|Constantine|Justinian|Mehmed|Murad|Selim"
)
_NUMBERED_THINGS = (
    "Chapter|Part|Volume|Book|Act|Scene|Section|Article|Phase|Type|Class|Level|Appendix|Title|Episode|Season|Stage|"
    "World War|War|Super Bowl|Vatican|Division|Grade|Round|Canto|Schedule|Table|Figure|Mark|Apollo|Saturn|Schedule"
)
_ROMAN = r"(?=[IVXLC])(?:C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
_REGNAL_ROMAN = re.compile(rf"\b({_REGNAL})(,?) (?!I\b(?! of\b|[,;:.)'”]|$))({_ROMAN})\b(?!-\w)")
_THING_ROMAN = re.compile(rf"\b((?i:{_NUMBERED_THINGS})s?) ({_ROMAN})\b(?!')")
_NAME_ROMAN = re.compile(r"\b([A-Z][a-z]+) (II|III|IV|VI{1,3}|IX|XI{1,3}|XIV|XVI{0,3}|XIX|XX)\b(?!['-])")
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}


def expand_abbreviations(text: str, language: str = "en-us") -> str:
    """Abbreviations in words: "Dr. Smith, 5 Elm St." → "Doctor Smith, 5 Elm Street." A sentence's last dot stays."""
    text = _roman(text)
    if "." in text:
        for pattern, words in _LATIN:
            text = pattern.sub(words, text)
        text = _NUMBERED.sub(lambda m: BEFORE_NUMBERS[m[1].lower()] + " ", text)
    text = _STREET_NUMBERED.sub(lambda m: m["head"] + _street(m["kind"]) + _stop(m, m[0].endswith(".")), text)
    text = _STREET.sub(lambda m: _street(m[1] or m[2]) + _stop(m, m[0].endswith(".")), text)
    text = _TITLE.sub(lambda m: TITLES[m[1] or m[2]] + " ", text)
    if "." in text:
        text = _DOTTED.sub(_dotted, text)
        text = _INITIALISM.sub(_initialism, text)
        text = _INITIALS.sub(lambda m: m[3] or f"{m[1] or m[2]} ", text)
    return text


def _street(kind: str) -> str:
    return {"St": "Street", "Dr": "Drive"}[kind]


def _stop(match: re.Match[str], dotted: bool) -> str:
    return "." if dotted and ends_sentence(match) else ""


def _dotted(match: re.Match[str]) -> str:
    key = match[1].lower()
    if key in _DOT_ONLY_AFTER_CAPITAL and not match[1][0].isupper():
        return match[0]
    ends = ends_sentence(match)
    if ends and key in ("min", "max", "temp", "al", "est", "wed", "fri", "mon", "thu", "ave", "rd", "inc"):
        return (ANYWHERE[key] if match[1][0].isupper() else match[1]) + "."
    return ANYWHERE[key] + ("." if ends else "")


def _initialism(match: re.Match[str]) -> str:
    if match[1] is None:
        return "PhD" + _stop(match, bool(match[3]))
    letters = match[1].replace(".", "")
    return (letters.upper() if len(letters) < 4 or letters.isupper() else letters) + _stop(match, bool(match[2]))


def _roman(text: str) -> str:
    text = _REGNAL_ROMAN.sub(lambda m: f"{m[1]}{m[2]} the {ordinal(_value(m[3]))}", text)
    text = _THING_ROMAN.sub(lambda m: f"{m[1]} {cardinal(_value(m[2]))}", text)
    return _NAME_ROMAN.sub(lambda m: f"{m[1]} {cardinal(_value(m[2]))}", text)


def _value(roman: str) -> int:
    values = [_VALUES[char] for char in roman]
    return sum(
        -value if value < following else value for value, following in zip(values, [*values[1:], 0], strict=True)
    )
