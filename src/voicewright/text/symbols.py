"""Characters: one way to write each quote, dash and space; addresses, emoji and signs in words."""

import html
import re
import unicodedata

_VULGAR_FRACTION = re.compile(r"(\d)(?=[¼½¾⅐-⅞])")
_BEFORE_NFKC = str.maketrans({
    "²": "^2", "³": "^3", "™": None, "®": None, "©": None, "℠": None, "№": "No. ", "º": "°", "ª": None,
    "‐": "-", "‑": "-", "‒": "–", "―": "—", "−": "-", "⸺": "—", "⸻": "—",
    "„": "“", "‟": "“", "«": "“", "»": "”", "‹": "'", "›": "'", "‘": "'", "’": "'", "‚": "'", "‛": "'", "`": "'",
    "´": "'", "ʼ": "'", "′": "'", "″": '"', "•": ",", "·": " ", "¿": None, "¡": None,
    "⁄": "/", "∕": "/", "\u2028": "\n", "\u2029": "\n", "\u0085": "\n",
    "、": ", ", "。": ". ", "「": "“", "」": "”", "『": "“", "』": "”", "《": "“", "》": "”",
})  # fmt: skip
_KEEP_SYMBOLS = frozenset("°|^")
_DROPPED_CATEGORIES = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "So", "Sk", "Me"))

_URL_TAIL = r"[^\s<>\"“”()\[\]]*[^\s<>\"“”()\[\].,;:!?']"
_TOP_LEVEL = (
    "com|org|net|edu|gov|io|ai|co|uk|de|fr|es|it|eu|us|ca|au|jp|cn|in|nl|ch|tv|me|app|dev|info|biz|xyz|tech|news"
)
_URL = re.compile(
    rf"\b(?:https?://|www\.){_URL_TAIL}|\b(?:[a-z0-9-]{{1,63}}\.){{1,5}}(?:{_TOP_LEVEL})\b(?:/{_URL_TAIL})?(?![\w@-])",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]+)*\.[A-Za-z]{2,}\b")
_HASHTAG = re.compile(r"(?<![\w&])#([A-Za-z_]\w+)")
_MENTION = re.compile(r"(?<!\w)@([A-Za-z_]\w+)")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<!--.*?-->", re.DOTALL)
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,6});")
_MARKDOWN_LINK = re.compile(r"\[([^\[\]]+)\]\((?:https?:|mailto:|/|#|\.)[^()\s]*\)")
_MARKDOWN_START = re.compile(r"(?m)^[ \t]*(?:#{1,6}|>+|[*+•]|-(?=[ \t]))[ \t]+")
_MARKDOWN_MARK = re.compile(
    r"(?<![\w*])\*{1,3}(?=\S)|(?<=[^\s*])\*{1,3}(?![\w*])|(?<!\w)_{1,2}(?=\w)|(?<=\w)_{1,2}(?!\w)"
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SINGLE_QUOTED = re.compile(
    r"(?<![\w'])'(?!(?:tis|twas|em|til|cause|bout|n|\d0s)\b)(?=\w)([^']*(?:\w'\w[^']*)*[^\s'])'(?!\w)", re.IGNORECASE
)
_EMOTICON = re.compile(r"(?<!\S)(?:[:;=8][-o^']?[)(DPpOo/\\|*3]|<3|[xX]D)(?!\S)")


def tidy(text: str) -> str:
    """One spelling for every quote, dash, space and full-width letter; no control, format or emoji characters.

    Quotes become “ ” and ', dashes — (en dashes stay between numbers), three dots …. Line breaks stay.
    """
    text = _VULGAR_FRACTION.sub(r"\1 ", text).translate(_BEFORE_NFKC)
    if not text.isascii():
        text = text.replace("…", "...")
        text = unicodedata.normalize("NFKC", text).replace("⁄", "/").replace("−", "-")
        text = "".join(char for char in text if _kept(char))
        text = unicodedata.normalize("NFC", text)
    else:
        text = "".join(char for char in text if char.isprintable() or char in "\n\t")
    text = _EMOTICON.sub("", text)
    text = re.sub(r"\.(?:\s?\.)+", "…", text)
    return _quotes(_dashes(text))


def _kept(char: str) -> bool:
    if "\ufe00" <= char <= "\ufe0f":  # asks for an emoji's colours
        return False
    return char in _KEEP_SYMBOLS or char in "\n\t" or unicodedata.category(char) not in _DROPPED_CATEGORIES


def _dashes(text: str) -> str:
    text = re.sub(r"-{2,}|(?<=\s)[-–](?=\s)|(?<=[a-z])–(?=[a-z])", "—", text)
    text = re.sub(r"\s*—[\s—]*", " — ", text)
    return re.sub(r"^ — ", "— ", text)


def _quotes(text: str) -> str:
    """Straight quotes curled by what stands before them; one after a digit that closes nothing is an inch mark, ″."""
    text = _SINGLE_QUOTED.sub(r"“\1”", text.replace("''", '"'))
    pieces = text.split('"')
    curled, is_open = pieces[0], pieces[0].count("“") > pieces[0].count("”")
    for piece in pieces[1:]:
        before = curled[-1:]
        if not before or before.isspace() or before in "([{—–“-":
            curled, is_open = curled + "“", True
        elif before.isdigit() and not is_open:
            curled += "″"
        else:
            curled, is_open = curled + "”", False
        curled += piece
    return curled


def plain_marks(text: str) -> str:
    """Markdown's headings, bullets, emphasis and links, and HTML's tags and entities, as plain words."""
    text = (
        _ENTITY.sub(lambda match: html.unescape(match[0]), _TAG.sub(" ", text)) if "<" in text or "&" in text else text
    )
    text = _MARKDOWN_LINK.sub(r"\1", text)
    return _MARKDOWN_MARK.sub("", _MARKDOWN_START.sub("", text))


def spoken_addresses(text: str) -> str:
    """E-mail and web addresses, hashtags and mentions in words: "example dot com", "hashtag summer". English only."""
    if "@" in text:
        text = _EMAIL.sub(lambda match: _spoken_email(match[0]), text)
        text = _MENTION.sub(lambda match: "at " + _spaced(match[1]), text)
    if "#" in text:
        text = _HASHTAG.sub(lambda match: "hashtag " + _spaced(match[1]), text)
    return _URL.sub(lambda match: _spoken_url(match[0]), text) if "." in text or "://" in text else text


def _spaced(name: str) -> str:
    return _CAMEL.sub(" ", name.replace("_", " ")).strip()


def _spoken_email(address: str) -> str:
    name, _, domain = address.partition("@")
    for sign, word in ((".", " dot "), ("_", " underscore "), ("-", " dash "), ("+", " plus ")):
        name = name.replace(sign, word)
    return re.sub(r"\s+", " ", f"{name} at {_spoken_domain(domain)}").strip()


def _spoken_url(address: str) -> str:
    """The host and the path; what follows a `?` or a `#` is for machines, and is left out."""
    address = re.sub(r"(?i)^(?:https?://)?(?:www\.)?", "", address)
    host, *path = re.split(r"[?#]", address)[0].strip("/").split("/")
    steps = [re.sub(r"[-_.%=&+~]+", " ", step).strip() for step in path]
    return " slash ".join([_spoken_domain(host), *filter(None, steps)])


def _spoken_domain(domain: str) -> str:
    *names, last = domain.replace(":", ".").replace("-", " dash ").split(".")
    if len(last) == 2 and last.lower() not in ("co", "me", "to", "so"):
        last = last.upper()
    return " dot ".join(filter(None, [*names, last]))


_SIGNS = {
    "&": "and", "@": "at", "=": "equals", "+": "plus", "%": "percent", "×": "times", "÷": "divided by",
    "±": "plus or minus", "≈": "approximately", "≠": "does not equal", "≤": "is at most", "≥": "is at least",
    "∞": "infinity", "√": "square root of", "→": "to", "§": "section", "~": "about", "°": "degrees", "#": "number",
    "$": "dollars", "£": "pounds", "€": "euros", "¥": "yen", "₹": "rupees", "¢": "cents", "∑": "sum", "∂": "partial",
    "∈": "in", "½": "half",
}  # fmt: skip
_GREEK = dict(zip(
    "αβγδεζηθικλμνξοπρστυφχψω",
    ("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi "  # noqa: SIM905
     "chi psi omega").split(), strict=True,
))  # fmt: skip
_LONE_GREEK = re.compile(r"(?<![\u0370-\u03ff])[α-ωΑ-Ω](?![\u0370-\u03ff])")
_COMPARISON = re.compile(r"(?<=[\w)]) ?([<>]) ?(?=[\w(-])")


def spoken_signs(text: str) -> str:
    """Signs that numbers have not used up, in English words; what has no sound (brackets of code, bars) is left out."""
    text = re.sub(r"\b[wW]/o\b", "without", text)
    text = re.sub(r"\b[wW]/(?=\s)", "with", text)
    text = re.sub(r"\b([CF])#", r"\1 sharp", text)
    text = re.sub(r"(?<=\w)/(?=\w)", " ", text)
    text = _COMPARISON.sub(lambda match: " is less than " if match[1] == "<" else " is greater than ", text)
    text = re.sub(r"(?<=\w) \* (?=\w)", " times ", text)
    text = re.sub(r"(?<=\w)\+{2}(?!\w)", " plus plus", text)
    text = _LONE_GREEK.sub(lambda match: f" {_GREEK.get(match[0].lower(), '')} ", text)
    return "".join(f" {_SIGNS[char]} " if char in _SIGNS else char for char in text)


_BRACKETS = str.maketrans("[]{}–<>|\\", "()()-  , ")
_NOT_SPOKEN = re.compile(r"[^\w\s;:,.!?—…“”()'-]|_")


def punctuated(text: str) -> str:
    """Only letters, digits and the marks that the network knows; single spaces; no mark doubled by accident."""
    text = text.translate(_BRACKETS)
    text = _NOT_SPOKEN.sub(lambda match: match[0] if unicodedata.category(match[0])[0] == "M" else " ", text)
    text = re.sub(r"([,;:.!?…])(?=[\u3040-\u9fff])", r"\1 ", re.sub(r"\s+", " ", text))
    text = re.sub(r"\(\s*\)|“\s*”", "", text)
    text = re.sub(r"(?<=[a-z])\.(?=[A-Z][a-z])", ". ", text)
    text = re.sub(r"(?<=\w)\.(?=\w)", " dot ", text)
    text = re.sub(r"(?<!\w)[-']+(?!\w)|(?<!\w)-+(?=\w)|(?<=\w)-+(?!\w)", " ", text)
    text = re.sub(r"\s+([;:,.!?…”)])", r"\1", re.sub(r"([“(])\s+", r"\1", text))
    text = re.sub(r"([,;:])[,;:]+", r"\1", text)
    text = re.sub(r"^[\s,;:.)]+(?=\S)", "", text)
    return re.sub(r"\s+", " ", text).strip()


def ends_sentence(match: re.Match[str]) -> bool:
    """Whether nothing but closing marks follows, so that the dot of an abbreviation here is also the sentence's."""
    return not match.string[match.end() :].strip("”') \n")
