"""Which name in a table means which recording."""

from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

SOUND_ENDINGS = frozenset((
    ".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".wma", ".aif", ".aiff", ".g722", ".gsm", ".ulaw",
    ".alaw", ".sln", ".sln16", ".mp4", ".mkv", ".webm",
))  # fmt: skip


def key_of(name: str) -> str:
    """A recording's name as it is compared: "/" between folders, no ending of sound files, lower case."""
    path = PurePosixPath(name.strip().replace("\\", "/").removeprefix("./"))
    return str(path.with_suffix("") if path.suffix.lower() in SOUND_ENDINGS else path).lower()


def match_key(keys: Collection[str], name: str) -> str | None:
    """The key that means the recording `name` (a path or a stem); None if none does, or several might.

    The same path wins; else the longest key that the path ends with ("digits/0" for "en/digits/0.wav"); else the only
    key that ends with the path ("wavs/a" for "a.wav").
    """
    wanted = key_of(name)
    by_key = {key_of(key): key for key in keys}
    parts = PurePosixPath(wanted).parts
    for start in range(len(parts)):
        if (found := by_key.get("/".join(parts[start:]))) is not None:
            return found
    longer = [key for short, key in by_key.items() if short.endswith("/" + wanted)]
    return longer[0] if len(longer) == 1 else None


def known(keys: Iterable[str], names: Iterable[str]) -> int:
    """How many of `keys` name one of the recordings `names`."""
    ends: set[str] = set()
    for name in names:
        parts = PurePosixPath(key_of(name)).parts
        ends.update("/".join(parts[start:]) for start in range(len(parts)))
    stems = {end for end in ends if "/" not in end}
    return sum(key_of(key) in ends or PurePosixPath(key_of(key)).name in stems for key in keys)


def looks_like_file(name: str) -> bool:
    """Whether a name is more likely a file's than a person's: a folder, a sound's ending, no capital, or an id.

    An id has figures and a hyphen or a bar, as in LJ001-0002.
    """
    name = name.strip()
    if " " in name or not name:
        return False
    if "/" in name or "\\" in name or name.islower() or key_of(name) != name.lower():
        return True
    return any(char.isdigit() for char in name) and any(char in "-_" for char in name)
