"""English dates, times, years and decades in words."""

import re

from voicewright.text.numbers import cardinal, digits, ordinal, plural, year
from voicewright.text.symbols import ends_sentence

MONTHS = ("January February March April May June July August September October November December").split()  # noqa: SIM905
_MONTH_BY_START = {name[:3].lower(): name for name in MONTHS}
_MONTH = rf"(?P<month>(?:{'|'.join(MONTHS)})\b|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b(?:\.(?=,?\s))?)"
_DAY = r"(?P<day>0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>1\d{3}|20\d{2})"

_ISO = re.compile(
    r"(?<![\d/.-])(?P<year>\d{4})([-/])(?P<month>0?[1-9]|1[0-2])\2(?P<day>0?[1-9]|[12]\d|3[01])(?:T(?=\d)|(?![\d/-]))"
)
_NUMERIC = re.compile(r"(?<![\d/.-])(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?![\d/-]|\.\d)")
_DAY_MONTH = re.compile(rf"\b(?P<the>the )?{_DAY}(?: of)? {_MONTH}(?:,? {_YEAR}\b)?(?!\w)")
_MONTH_DAY = re.compile(rf"\b{_MONTH} (?:the )?{_DAY}\b(?![:/%.,]?\d|[ap]m\b)(?:,? {_YEAR}\b)?")
_MONTH_YEAR = re.compile(rf"\b{_MONTH},? {_YEAR}\b")

_CLOCK = re.compile(
    r"(?<![\d:.])(?P<hour>[01]?\d|2[0-4])(?::(?P<minute>[0-5]\d))(?::(?P<second>[0-5]\d))?"
    r"(?:\s?(?P<half>[ap])\.?\s?m\b(?P<dot>\.)?)?(?![\d:])",
    re.IGNORECASE,
)
_HOUR = re.compile(
    r"(?<![\d:.,$£€])(?P<hour>0?[1-9]|1[0-2])(?:\.(?P<minute>[0-5]\d))?\s?(?P<half>[ap])\.?\s?m\b(?P<dot>\.)?",
    re.IGNORECASE,
)
_CLOCK_RANGE = re.compile(
    r"(?:(?<=\d)|(?<=[ap]m)|(?<=[ap]\.m\.))\s?[–-]\s?(?=\d{1,2}(?::\d\d|\s?[ap]\.?m\b))", re.IGNORECASE
)
_HALF_DAY = re.compile(r"\b([ap])\.\s?m\b(\.)?", re.IGNORECASE)

_DECADE = re.compile(r"(?:(?<!\w)')?\b(?:(?P<century>1\d|20)(?P<tens>\d0)|(?P<decade>[2-9]0))'?s\b")
_SHORT_YEAR = re.compile(r"(?<!\w)'(?=\d\d\b)")
_YEAR_RANGE = re.compile(r"\b(1[1-9]\d\d|20\d\d)\s?[–-]\s?(1[1-9]\d\d|20\d\d|\d\d)\b(?![-–]\d)")
_ERA = re.compile(r"\b(\d{1,4}) ?(AD|A\.D\.|BCE?|B\.C\.(?:E\.)?|CE|C\.E\.)(?!\w)|\b(AD|A\.D\.) ?(\d{1,4})\b")
_BEFORE_YEAR = (
    r"in|since|by|from|until|till|to|of|before|after|during|circa|around|about|early|late|mid|spring|summer|autumn|fall|"
    r"winter|year|years|class|and|or|between|vintage|copyright|through|for|than"
)
_LONE_YEAR = re.compile(r"(?<![\w.,$£€¥#/+])(?<![\d\s]-)(?<!^-)(1[1-9]\d\d|20\d\d)(?![\w%°$£€]|[.,:/-]\d|-\w)")
_COUNTED = re.compile(
    r" (?:people|men|women|children|(?!was\b|is\b|has\b|this\b|as\b|his\b|its\b|us\b|plus\b|versus\b)[a-z]+s)\b"
)
_STRONG_YEAR = re.compile(rf"(?:\b(?:{_BEFORE_YEAR})\s|\()$", re.IGNORECASE)


def spoken_dates(text: str, *, month_first: bool) -> str:
    """Dates in words. `month_first` decides how 5/6/2024 is read: American May sixth, British the fifth of June."""
    text = _ISO.sub(
        lambda m: _date(int(m["day"]), int(m["month"]), m["year"], month_first) + (" at " if m[0][-1] == "T" else ""),
        text,
    )
    text = _NUMERIC.sub(lambda m: _numeric_date(m, month_first), text)
    text = _DAY_MONTH.sub(lambda m: f"the {ordinal(int(m['day']))} of {_month(m)}{_year_after(m, ' ')}", text)
    text = _MONTH_DAY.sub(lambda m: f"{_month(m)} {ordinal(int(m['day']))}{_year_after(m, ', ')}", text)
    return _MONTH_YEAR.sub(lambda m: f"{_month(m)} {year(int(m['year']))}", text)


def _month(match: re.Match[str]) -> str:
    return _MONTH_BY_START[match["month"][:3].lower()]


def _year_after(match: re.Match[str], joint: str) -> str:
    return joint + year(int(match["year"])) if match["year"] else ""


def _date(day: int, month: int, written_year: str, month_first: bool) -> str:
    number = int(written_year)
    spoken = year(number) if len(written_year) == 4 else year((1900 if number >= 70 else 2000) + number)
    if month_first:
        return f"{MONTHS[month - 1]} {ordinal(day)}, {spoken}"
    return f"the {ordinal(day)} of {MONTHS[month - 1]} {spoken}"


def _numeric_date(match: re.Match[str], month_first: bool) -> str:
    first, second = int(match[1]), int(match[3])
    if match[2] == "." or first > 12:
        month_first_here = False if first > 12 or second <= 12 else month_first
    else:
        month_first_here = month_first or second > 12
    month, day = (first, second) if month_first_here else (second, first)
    if not (1 <= month <= 12 and 1 <= day <= 31) or (match[2] == "." and len(match[4]) == 2):
        return match[0]
    return _date(day, month, match[4], month_first)


def spoken_times(text: str) -> str:
    """3:30pm → "three thirty PM", 15:45 → "fifteen forty-five", 10:00 → "ten o'clock", 5 p.m. → "five PM"."""
    text = _CLOCK.sub(_clock, _CLOCK_RANGE.sub(" to ", text))
    text = _HOUR.sub(_clock, text)
    return _HALF_DAY.sub(lambda m: m[1].upper() + "M" + _kept_stop(m, m[2]), text)


def _kept_stop(match: re.Match[str], stop: str | None) -> str:
    return "." if stop and ends_sentence(match) else ""


def _clock(match: re.Match[str]) -> str:
    parts = match.groupdict()
    hour, minute, half = int(parts["hour"]), parts["minute"], parts["half"]
    words = [cardinal(hour)]
    if minute and int(minute):
        words.append(("oh " if minute[0] == "0" else "") + cardinal(int(minute)))
    elif minute and not half and not parts.get("second"):
        words.append("o'clock" if 1 <= hour <= 12 else "hundred")
    if parts.get("second"):
        words += ["and", cardinal(int(parts["second"])), "seconds"]
    if half:
        words.append(half.upper() + "M" + _kept_stop(match, parts["dot"]))
    return " ".join(words)


def spoken_decades(text: str) -> str:
    """1990s → "nineteen nineties", '80s → "eighties"."""
    text = re.sub(r"(?<=\d0s)\s?[–-]\s?(?=['\d])", " to ", text)
    return _SHORT_YEAR.sub("", _DECADE.sub(_decade, text))


def spoken_years(text: str) -> str:
    """Eras and year ranges, then four digits that stand where a year would: 300 BC, 1914–18, in 1984."""
    text = _ERA.sub(_era, text)
    text = _YEAR_RANGE.sub(_range, text)
    return _LONE_YEAR.sub(_lone, text)


def _decade(match: re.Match[str]) -> str:
    century, decade = match["century"], match["tens"] or match["decade"]
    if not century:
        return plural(cardinal(int(decade)))
    if decade == "00":
        return "two thousands" if century == "20" else f"{cardinal(int(century))} hundreds"
    return f"{cardinal(int(century))} {plural(cardinal(int(decade)))}"


def _era(match: re.Match[str]) -> str:
    number, era = (match[1], match[2]) if match[1] else (match[4], match[3])
    letters = era.replace(".", "")
    spoken = year(int(number)) if len(number) == 4 else cardinal(int(number))
    return f"{spoken} {letters}" if match[1] else f"{letters} {spoken}"


def _range(match: re.Match[str]) -> str:
    start, end = match[1], match[2]
    if len(end) == 2 and int(end) <= int(start[2:]):
        return f"{year(int(start))} {digits(end)}"
    spoken_end = year(int(end)) if len(end) == 4 else cardinal(int(end)) if int(end) > 9 else f"oh {cardinal(int(end))}"
    return f"{year(int(start))} to {spoken_end}"


def _lone(match: re.Match[str]) -> str:
    """A counted noun ("1500 soldiers") makes it a number, unless a word like "in" before it makes it a year."""
    counted = _COUNTED.match(match.string, match.end())
    if counted and not _STRONG_YEAR.search(match.string[max(0, match.start() - 12) : match.start()]):
        return match[0]
    return year(int(match[1]))
