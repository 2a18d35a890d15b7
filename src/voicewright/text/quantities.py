"""English money, units, percentages, fractions, ranges, phone and version numbers, and all other digits in words."""

import re

from voicewright.text.numbers import cardinal, decimal, digits, ordinal, year

_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+"
_MAGNITUDES = {
    "k": "thousand", "K": "thousand", "m": "million", "M": "million", "mn": "million", "mm": "million", "bn": "billion",
    "b": "billion", "B": "billion", "t": "trillion", "tn": "trillion", "T": "trillion",
}  # fmt: skip
_MAGNITUDE = r"(?:\s?(?P<word>thousand|million|billion|trillion)\b|(?P<short>bn|mn|mm|tn|[kKmMbBtT])\b)?"
_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"), "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"), "¥": ("yen", "yen", "", ""), "₹": ("rupee", "rupees", "paisa", "paise"),
    "₩": ("won", "won", "", ""), "₽": ("rouble", "roubles", "kopeck", "kopecks"), "₿": ("bitcoin", "bitcoins", "", ""),
    "USD": ("US dollar", "US dollars", "cent", "cents"), "EUR": ("euro", "euros", "cent", "cents"),
    "GBP": ("pound", "pounds", "penny", "pence"), "CHF": ("Swiss franc", "Swiss francs", "", ""),
    "JPY": ("yen", "yen", "", ""), "CAD": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "AUD": ("Australian dollar", "Australian dollars", "cent", "cents"),
}  # fmt: skip
_SIGN = r"(?P<sign>US\$|A\$|C\$|[$£€¥₹₩₽₿])"
_CODE = r"(?P<sign>USD|EUR|GBP|CHF|JPY|CAD|AUD|€|£)"
_AMOUNT = rf"(?P<amount>{_NUMBER})"
_MONEY_RANGE = re.compile(
    rf"{_SIGN}{_AMOUNT}\s?[–-]\s?{_SIGN.replace('?P<sign>', '')}?(?P<upto>{_NUMBER}){_MAGNITUDE}(?![\w-])"
)
_MONEY_BEFORE = re.compile(rf"(?P<minus>[-−])?{_SIGN}\s?{_AMOUNT}{_MAGNITUDE}(?!\w)")
_MONEY_AFTER = re.compile(rf"(?<![\w.,])(?P<minus>[-−])?{_AMOUNT}{_MAGNITUDE}\s?{_CODE}(?!\w)")
_CODE_BEFORE = re.compile(rf"\b{_CODE}\s?{_AMOUNT}{_MAGNITUDE}(?!\w)")
_CENTS = re.compile(r"(?<![\w.])(\d+)\s?[¢c](?!\w)")
_PENCE = re.compile(r"(?<![\w.])(\d+)p(?!\w)")
_PER = re.compile(
    r"(?<=\w)/(hour|hr|h|day|week|month|mo|year|yr|person|minute|min|second|sec|s|night|kg|lb|unit|user|GB|MB|km|mile|litre|liter)\b"
)
_PER_WORDS = {"hr": "hour", "h": "hour", "mo": "month", "yr": "year", "min": "minute", "sec": "second", "s": "second",
              "kg": "kilogram", "lb": "pound", "GB": "gigabyte", "MB": "megabyte", "km": "kilometre"}  # fmt: skip

_UNITS = {
    "km": "kilometre", "m": "metre", "cm": "centimetre", "mm": "millimetre", "µm": "micrometre", "μm": "micrometre",
    "nm": "nanometre", "mi": "mile", "ft": "foot", "yd": "yard", "yds": "yard", "in": "inch", "kg": "kilogram",
    "g": "gram",
    "mg": "milligram", "μg": "microgram", "lb": "pound", "lbs": "pound", "oz": "ounce", "l": "litre", "L": "litre",
    "ml": "millilitre", "mL": "millilitre", "cl": "centilitre", "km/h": "kilometre per hour",
    "kph": "kilometre per hour",
    "kmh": "kilometre per hour", "mph": "mile per hour", "m/s": "metre per second", "Hz": "hertz", "kHz": "kilohertz",
    "MHz": "megahertz", "GHz": "gigahertz", "W": "watt", "kW": "kilowatt", "MW": "megawatt", "GW": "gigawatt",
    "kWh": "kilowatt hour", "MWh": "megawatt hour", "V": "volt", "kV": "kilovolt", "mV": "millivolt", "mA": "milliamp",
    "mAh": "milliamp hour", "kB": "kilobyte", "KB": "kilobyte", "MB": "megabyte", "GB": "gigabyte",
    "TB": "terabyte", "Mbps": "megabit per second", "Gbps": "gigabit per second", "kbps": "kilobit per second",
    "Mb/s": "megabit per second", "MB/s": "megabyte per second", "GB/s": "gigabyte per second", "ms": "millisecond",
    "μs": "microsecond", "ns": "nanosecond", "s": "second", "sec": "second", "secs": "second", "min": "minute",
    "mins": "minute", "h": "hour", "hr": "hour", "hrs": "hour", "px": "pixel", "dB": "decibel", "Pa": "pascal",
    "kPa": "kilopascal", "hPa": "hectopascal", "J": "joule", "kJ": "kilojoule", "N": "newton", "kcal": "kilocalorie",
    "cal": "calorie", "ha": "hectare", "rpm": "revolution per minute", "fps": "frame per second",
    "bpm": "beat per minute",
    "°C": "degree Celsius", "°F": "degree Fahrenheit", "°": "degree", "dpi": "dot per inch",
    "psi": "pound per square inch",
}  # fmt: skip
_SAME_IN_PLURAL = frozenset(("hertz", "kilohertz", "megahertz", "gigahertz"))
_NEEDS_NO_SPACE = frozenset(("in", "m", "s", "h", "g", "l", "W", "V", "N", "J", "L", "cal", "min", "ha"))
_UNIT = re.compile(
    rf"(?<![\w.,])(?P<minus>[-−])?(?P<low>{_NUMBER})(?:\s?(?:[–-]|to)\s?(?P<high>{_NUMBER}))?(?P<gap>[ -]?)"
    rf"(?P<unit>{'|'.join(sorted(map(re.escape, _UNITS), key=len, reverse=True))})"
    r"(?:\^?(?P<power>[23]))?(?![\w'/])(?:\.(?=\s+[a-z]))?"
)
_FEET_INCHES = re.compile(r"(?<![\w.])(\d)'\s?(\d{1,2})″?(?!\w)")
_INCHES = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)-?″")

_PHONE = re.compile(
    r"(?<![\w.,-])(?:(?:(?P<plus>\+)\d{1,3}[\s.-]?)?\(?\d{2,5}\)?[\s.-]\d{3,4}[\s.-]?\d{3,4}"
    r"|\+\d{8,15}|(?:(?<=call )|(?<=phone )|(?<=dial )|(?<=at ))\d{3}-\d{4})(?![\w-]|[.,]\d)"
)
_ADDRESS = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\d)")
_VERSION = re.compile(r"(?<![\w.])[vV]?(\d+(?:\.\d+){2,})(?![\d])|\b[vV](?:er(?:sion)?)?\.?\s?(\d+(?:\.\d+)*)\b")
_MIXED = re.compile(
    r"(?<![\w.,/])(?:(?P<whole>\d+)[ -])?(?P<top>\d{1,3})/(?P<bottom>\d{1,4})(?P<th>ths?)?(?![\w/]|[.,]\d)"
)
_SPECIAL_SLASH = {"24/7": "twenty-four seven", "9/11": "nine eleven", "50/50": "fifty-fifty", "20/20": "twenty twenty"}
_RANGE = re.compile(
    rf"(?<![\w.,/–-])(?P<low>{_NUMBER})(?P<gap>\s?[–]\s?|-)(?P<high>{_NUMBER})(?P<percent>\s?%)?(?![\w/–-])"
)
_RATIO = re.compile(r"(?<![\w:])(\d+):(\d+)(?![\w:])")
_BY = re.compile(r"(?<=\d)\s?x\s?(?=\d)")
_PIXELS = re.compile(r"(?<![\w.])(\d{4})\s?[x×]\s?(\d{3,4})(?!\w)")
_SPACED_THOUSANDS = re.compile(r"(?<!\d )(?<![\w.,+])[1-9]\d?(?: \d{3}){2,}(?![ ]?\d)")
_POWER = re.compile(r"(?<=[\w)])\^\(?(-?\w+)\)?")
_TIMES = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)x(?!\w)")
_ARITHMETIC = re.compile(r"(?<=[\d)a-z]) ?([+*÷×=]|−|(?<= )-(?= )) ?(?=[\d(]|[a-z]\b)")
_ARITHMETIC_WORDS = {
    "+": "plus",
    "*": "times",
    "×": "times",
    "÷": "divided by",
    "=": "equals",
    "−": "minus",
    "-": "minus",
}
_PERCENT = re.compile(rf"(?<![\w.,])(?P<minus>[-−])?(?P<number>{_NUMBER})\s?(?P<sign>%|‰)")
_ORDINAL = re.compile(r"(?<![\w.])(\d{1,3}(?:,\d{3})+|\d+)(?:st|nd|rd|th)\b")
_SHORT_SCALE = re.compile(rf"(?<![\w.,])(?P<number>{_NUMBER})(?P<short>k|bn|mn|tn|(?<!\d{4})[MB])(?!\w)")
_NUMBER_SIGN = re.compile(r"#\s?(?=\d)|\bNo\.\s?(?=\d)|\bno\.\s(?=\d)|\bNo (?=\d)")
_LONG_CODE = re.compile(r"(?<![\w.,])\d{13,}(?![\w]|[.,]\d)")
_SIGNED = re.compile(rf"(?<![\w.,)])(?P<minus>[-−+±])(?P<number>{_NUMBER})")
_LETTER_DIGIT = re.compile(r"(?<=[^\W\d_])-?(?=\d)|(?<=\d)-?(?=[^\W\d_])")
_PLAIN = re.compile(_NUMBER)


def spoken_money(text: str, language: str) -> str:
    """$3.50 → "three dollars fifty", £1.2m → "one point two million pounds", 50¢, €5–10, 20 EUR, $20/hour."""
    text = _MONEY_RANGE.sub(lambda m: f"{decimal(m['amount'], language)} to {_money(m['upto'], m, language)}", text)
    for pattern in (_MONEY_BEFORE, _CODE_BEFORE, _MONEY_AFTER):
        text = pattern.sub(lambda m: _minus(m) + _money(m["amount"], m, language), text)
    text = _CENTS.sub(lambda m: f"{decimal(m[1], language)} cent{'' if m[1] == '1' else 's'}", text)
    if language == "en-gb":
        text = _PENCE.sub(lambda m: f"{decimal(m[1], language)} P", text)
    return text


def _minus(match: re.Match[str]) -> str:
    return "minus " if match.groupdict().get("minus") else ""


def _money(amount: str, match: re.Match[str], language: str) -> str:
    sign = match["sign"]
    one, many, small_one, small_many = _CURRENCIES.get(sign) or _CURRENCIES[sign[-1]]
    magnitude = match["word"] or (_MAGNITUDES[match["short"]] if match["short"] else "")
    whole, _, part = amount.replace(",", "").partition(".")
    if magnitude or len(part) not in (0, 2) or (part and not small_one):
        return " ".join(filter(None, [decimal(amount, language), magnitude, many]))
    coins = int(part or "0")
    notes = f"{decimal(whole, language)} {one if whole == '1' else many}"
    if not coins:
        return notes
    small = f"{cardinal(coins)} {small_one if coins == 1 else small_many}"
    return small if not whole.strip("0") else f"{notes} and {small}"


def spoken_units(text: str, language: str) -> str:
    """5 km/h → "five kilometres per hour", 20°C, 3ft, 6'2", 10 m² → "ten square metres"."""
    text = _FEET_INCHES.sub(lambda m: f"{cardinal(int(m[1]))} foot {cardinal(int(m[2]))}", text)
    text = _INCHES.sub(lambda m: f"{decimal(m[1], language)} inch{'' if m[1] == '1' else 'es'}", text)
    text = _UNIT.sub(lambda m: _unit(m, language), text)
    return _PER.sub(lambda m: f" per {_local(_PER_WORDS.get(m[1], m[1]), language)}", text)


def _unit(match: re.Match[str], language: str) -> str:
    unit, low, high = match["unit"], match["low"], match["high"]
    if unit == "in" and match["gap"] and not match["power"] and not match[0].endswith("."):
        return match[0]  # "5 in the morning"
    if unit in _NEEDS_NO_SPACE and match["gap"] == "-":
        return match[0]
    name, *rest = _local(_UNITS[unit], language).split(" ", 1)
    if match["power"]:
        name = {"2": "square ", "3": "cubic "}[match["power"]] + name
    if (high or low) != "1":
        name = _plural_unit(name)
    if unit == "kWh" or unit == "MWh" or unit == "mAh":
        name, rest = _UNITS[unit].split(" ")[0], ["hour" if (high or low) == "1" else "hours"]
    numbers = decimal(low, language) + (f" to {decimal(high, language)}" if high else "")
    return _minus(match) + " ".join([numbers, name, *rest])


def _plural_unit(name: str) -> str:
    if name in _SAME_IN_PLURAL:
        return name
    if name.endswith("foot"):
        return name[:-4] + "feet"
    return name + ("es" if name.endswith("inch") else "s")


def _local(name: str, language: str) -> str:
    """Metres and litres as each side of the Atlantic spells them."""
    return re.sub(r"(met|lit)re", r"\1er", name) if language == "en-us" else name


def spoken_codes(text: str) -> str:
    """Phone numbers digit by digit with a breath between groups; network addresses; version numbers."""
    text = _SPACED_THOUSANDS.sub(lambda m: m[0].replace(" ", ""), text)
    text = _PHONE.sub(_phone, text)
    text = _ADDRESS.sub(lambda m: " dot ".join(cardinal(int(part)) for part in m[0].split(".")), text)
    text = _VERSION.sub(_version, text)
    return _LONG_CODE.sub(lambda m: digits(m[0]), text)


def _phone(match: re.Match[str]) -> str:
    groups = re.findall(r"\d+", match[0])
    if sum(map(len, groups)) < 7:
        return match[0]
    return ("plus " if match[0].startswith("+") else "") + ", ".join(digits(group) for group in groups)


def _version(match: re.Match[str]) -> str:
    parts = (match[1] or match[2]).split(".")
    spoken = " point ".join(
        digits(part) if part.startswith("0") or len(part) > 4 else cardinal(int(part)) for part in parts
    )
    return f"version {spoken}" if match[0][0] in "vV" else spoken


def spoken_counts(text: str, language: str) -> str:
    """Everything else with digits: percentages, fractions, ranges, ordinals, ratios, sums, plain numbers."""
    text = _NUMBER_SIGN.sub("number ", text)
    text = _MIXED.sub(lambda m: _fraction(m, language), text)
    text = _RANGE.sub(lambda m: _range(m, language), text)
    text = _PERCENT.sub(lambda m: _minus(m) + _percent(m, language), text)
    text = _RATIO.sub(lambda m: f"{decimal(m[1], language)} to {decimal(m[2], language)}", text)
    text = _PIXELS.sub(lambda m: f"{year(int(m[1]))} by {year(int(m[2]))}", text)
    text = _TIMES.sub(lambda m: f"{decimal(m[1], language)} times", _BY.sub(" by ", text))
    text = _POWER.sub(lambda m: {"2": " squared", "3": " cubed"}.get(m[1], f" to the power of {m[1]}"), text)
    text = _ARITHMETIC.sub(lambda m: f" {_ARITHMETIC_WORDS[m[1]]} ", text)
    text = _ORDINAL.sub(lambda m: ordinal(int(m[1].replace(",", "")), language), text)
    text = _SHORT_SCALE.sub(lambda m: f"{decimal(m['number'], language)} {_MAGNITUDES[m['short']]}", text)
    text = _SIGNED.sub(lambda m: {"+": "plus ", "±": "plus or minus "}.get(m["minus"], "minus ") + m["number"], text)
    text = _LETTER_DIGIT.sub(" ", text)
    return _PLAIN.sub(lambda m: decimal(m[0], language), text)


def _percent(match: re.Match[str], language: str) -> str:
    return decimal(match["number"], language) + (" percent" if match["sign"] == "%" else " per mille")


def _range(match: re.Match[str], language: str) -> str:
    low, high, gap = match["low"], match["high"], match["gap"]
    if gap == "-" and float(low.replace(",", "")) >= float(high.replace(",", "")):
        return match[0].replace("-", " ")  # a score or a code, not a range
    return f"{decimal(low, language)} to {high}{match['percent'] or ''}"


def _fraction(match: re.Match[str], language: str) -> str:
    if match[0] in _SPECIAL_SLASH:
        return _SPECIAL_SLASH[match[0]]
    top, bottom = int(match["top"]), int(match["bottom"])
    whole = f"{cardinal(int(match['whole']), language)} and " if match["whole"] else ""
    if bottom == 0 or (bottom > 100 and not match["th"]) or (top > bottom and not match["th"]):
        return f"{whole}{cardinal(top, language)} over {cardinal(bottom, language)}"
    if not whole and bottom in (10, 100) and top > 1 and not match["th"]:
        return f"{cardinal(top)} out of {cardinal(bottom)}"
    if whole and top == 1:
        return whole + {2: "a half", 4: "a quarter"}.get(bottom, f"a {ordinal(bottom)}")
    name = {2: "half", 4: "quarter"}.get(bottom, ordinal(bottom))
    if top != 1:
        name = "halves" if name == "half" else name + "s"
    return f"{whole}{cardinal(top)} {name}"
