"""Voice names: the one validator that every name passes before it may become part of a path."""

import re
import unicodedata

from voicewright.errors import BadVoice

SUFFIX = ".voice"
MAX_CHARACTERS = 64
# A file name has at most 255 bytes on the common file systems; the suffix and a temporary file's ending must fit too.
MAX_BYTES = 200
PUNCTUATION = " -_."
# Device names of Windows, whatever follows their first dot (Microsoft, "Naming Files, Paths, and Namespaces").
RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})
# Letters and marks that draw nothing (Unicode's Default_Ignorable_Code_Point): two names could look the same.
INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")


def voice_name(text: str) -> str:
    """`text` as a voice's name, in Unicode's composed form (NFC).

    Allowed: 1 to 64 letters and digits of any script, spaces, `-`, `_` and `.`; at most 200 bytes of UTF-8.
    An accepted name is one plain file name on Linux, macOS and Windows.

    Raises:
        BadVoice: anything else; the message says why and gives the nearest name that would be accepted.
    """
    name = unicodedata.normalize("NFC", text)
    reason = _objection(name)
    if reason:
        raise BadVoice(f"{_shown(text)} cannot be a voice's name: {reason}; try {nearest_name(text)!r}")
    return name


def nearest_name(text: str) -> str:
    """The acceptable name closest to `text`: forbidden characters become dashes, edges are cleaned, length is cut."""
    plain = unicodedata.normalize("NFKC", text[: 4 * MAX_CHARACTERS])
    plain = INVISIBLE.sub("", plain)
    kept = "".join(c if c in PUNCTUATION or _is_letter(c) else "-" for c in plain)
    kept = re.sub(r"\.{2,}", ".", re.sub(r"-{2,}", "-", kept)).strip(PUNCTUATION)
    if kept.casefold().endswith(SUFFIX):
        kept = kept[: -len(SUFFIX)]
    kept = unicodedata.normalize("NFC", kept)
    for candidate in (_cut(kept), _cut(f"voice-{kept}")):
        if _objection(candidate) is None:
            return candidate
    return "voice"


def same_file_key(name: str) -> str:
    """What two names share when a case-insensitive file system may take them for the same file."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", name).casefold())


def _cut(name: str) -> str:
    name = name[:MAX_CHARACTERS]
    while len(name.encode()) > MAX_BYTES:
        name = name[:-1]
    return name.strip(PUNCTUATION)


def _is_letter(character: str) -> bool:
    kind = unicodedata.category(character)
    return (kind[0] in "LM" or kind == "Nd") and not INVISIBLE.match(character)


def _objection(name: str) -> str | None:
    """Why `name` is refused, None if it is fine."""
    if not name.strip():
        return "it is empty"
    if len(name) > MAX_CHARACTERS or len(name.encode("utf-8", "replace")) > MAX_BYTES:
        return f"it has {len(name)} characters, at most {MAX_CHARACTERS} (and {MAX_BYTES} bytes) are allowed"
    for character in name:
        if character not in PUNCTUATION and not _is_letter(character):
            return f"{_described(character)} is not allowed; use letters, digits, spaces, '-', '_' and '.'"
    if unicodedata.normalize("NFKC", name) != name:
        return "it holds look-alike characters (such as full-width letters or ligatures)"
    if unicodedata.category(name[0])[0] == "M":
        return "it begins with a combining mark"
    if name[0] in PUNCTUATION:
        return "it begins with a space, dot, dash or underscore"
    if name[-1] in " .":
        return "it ends with a space or a dot"
    if ".." in name:
        return "it holds '..'"
    if name.casefold().endswith(SUFFIX):
        return f"it ends with {SUFFIX!r}, which belongs to the file's name"
    if name.split(".")[0].strip().casefold() in RESERVED:
        return "Windows keeps this name for a device"
    return None


def _described(character: str) -> str:
    return f"U+{ord(character):04X} {unicodedata.name(character, 'a control character').lower()}"


def _shown(text: str) -> str:
    return ascii(text[:MAX_CHARACTERS]) + ("…" if len(text) > MAX_CHARACTERS else "")
