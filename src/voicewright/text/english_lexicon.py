"""The English pronouncing lexicon: 180,000 words with their phonemes, and endings put on words it knows."""

import gzip
import re
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

from voicewright.text import stress

_US_FLAPPED_AFTER = frozenset("AIOWYiuæɑəɛɪɹʊʌ")
_MORE_US = {
    "Ms": "mˈɪz", "PhD": "pˌiˌAʧdˈi", "oh": "ˈO", "hashtag": "hˈæʃtˌæɡ", "AI": "ˌAˈI", "emoji": "ɪmˈOʤi",
    "wifi": "wˈIfˌI",
    "ChatGPT": "ʧˌætʤˌipˌitˈi", "tis": "tˈɪz", "twas": "twˈʌz",
}  # fmt: skip
_MORE_GB = {
    "Ms": "mˈɪz", "PhD": "pˌiːˌAʧdˈiː", "oh": "ˈQ", "hashtag": "hˈaʃtˌaɡ", "AI": "ˌAˈI", "emoji": "ɪmˈQʤi",
    "wifi": "wˈIfˌI",
    "ChatGPT": "ʧˌatʤˌiːpˌiːtˈiː", "tis": "tˈɪz", "twas": "twˈɒz",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One word: its usual phonemes, and those it has as a VERB, NOUN, ADJ, VBD … ("" there: spelled letter by letter).

    `checked` is False for entries that no person looked at.
    """

    phonemes: str
    by_tag: dict[str, str] = field(default_factory=dict)
    checked: bool = True

    def said(self, tag: str, *, last: bool = False) -> str:
        """The phonemes for a Penn part-of-speech tag; `last`: nothing but a pause follows."""
        if last and "None" in self.by_tag:
            return self.by_tag["None"]
        return self.by_tag.get(tag, self.by_tag.get(word_class(tag), self.phonemes))


def word_class(tag: str) -> str:
    """VBD → VERB, NNS → NOUN, RB → ADV, JJ → ADJ; other tags are their own class."""
    for start, name in (("VB", "VERB"), ("NN", "NOUN"), ("RB", "ADV"), ("JJ", "ADJ")):
        if tag.startswith(start):
            return name
    return tag


class EnglishLexicon:
    """Looks words up in one accent's table, as bytes that stay sorted and unparsed: a word costs some 20 µs, once."""

    def __init__(self, language: str) -> None:
        self.british = language == "en-gb"
        self._table = _table(language)
        self._known: dict[str, Entry | None] = {}
        self._more = _MORE_GB if self.british else _MORE_US

    def exact(self, word: str) -> Entry | None:
        """The entry of exactly this spelling, or None."""
        if word not in self._known:
            self._known[word] = Entry(self._more[word]) if word in self._more else self._find(word)
        return self._known[word]

    def find(self, word: str) -> Entry | None:
        """The entry of a word, whichever of "word" and "Word" the lexicon has; a checked one if it can be."""
        entry = self.exact(word)
        if (entry is None or not entry.checked) and len(word) > 1:
            twin = word.capitalize() if word == word.lower() else word.lower()
            other = self.exact(twin) if word in (word.lower(), word.capitalize()) else None
            return other if other and (other.checked or entry is None) else entry
        return entry

    def _find(self, word: str) -> Entry | None:
        """Bisection between line starts. The table begins and ends with a line break."""
        if "\n" in word or "\t" in word:
            return None
        key, table = word.encode("utf-8", "replace"), self._table
        low, high = 0, len(table) - 1
        while low < high:
            start = table.rfind(b"\n", 0, (low + high) // 2 + 1) + 1
            end = table.index(b"\n", start)
            found, _, entry = table[start:end].partition(b"\t")
            if found == key:
                return _parsed(entry.decode())
            low, high = (end, high) if found < key else (low, start - 1)
        return None

    def spelled(self, letters: str) -> str:
        """Letter by letter, the last one strongest: "FBI" → ˌɛfbˌiˈI. "" when one is no letter of the alphabet."""
        names = [self.exact(letter.upper()) for letter in letters if letter.isalpha()]
        if not names or None in names:
            return ""
        head, mark, tail = "".join(stress.weakened(name.phonemes) for name in names if name).rpartition(
            stress.SECONDARY
        )
        return head + (stress.PRIMARY if mark else "") + tail

    def with_s(self, stem: str) -> str:
        """The plural, possessive or third-person ending."""
        if stem[-1] in "ptkfθ":
            return stem + "s"
        if stem[-1] in "szʃʒʧʤ":
            return stem + ("ɪz" if self.british else "ᵻz")
        return stem + "z"

    def with_ed(self, stem: str) -> str:
        """The past ending."""
        if stem[-1] in "pkfθʃsʧ":
            return stem + "t"
        if stem[-1] == "d":
            return stem + ("ɪd" if self.british else "ᵻd")
        if stem[-1] != "t":
            return stem + "d"
        if self.british or len(stem) < 2:
            return stem + "ɪd"
        return (stem[:-1] + "ɾᵻd") if stem[-2] in _US_FLAPPED_AFTER else stem + "ᵻd"

    def with_ing(self, stem: str) -> str:
        """The -ing ending; an r that British English leaves silent comes back before it."""
        if self.british and stem[-1] in "əː" and not stem.endswith(("iː", "uː")):
            return stem + "ɹɪŋ"
        if not self.british and len(stem) > 1 and stem[-1] == "t" and stem[-2] in _US_FLAPPED_AFTER:
            return stem[:-1] + "ɾɪŋ"
        return stem + "ɪŋ"


def stems(word: str) -> list[tuple[str, str]]:
    """(ending, possible stem) for a word in -s, -'s, -ed or -ing, likeliest first."""
    found: list[tuple[str, str]] = []
    if len(word) > 2 and word.endswith("s"):
        if word.endswith("'s"):
            found.append(("s", word[:-2]))
        elif not word.endswith("ss"):
            found.append(("s", word[:-1]))
            if len(word) > 4 and word.endswith("ies"):
                found.append(("s", word[:-3] + "y"))
            elif len(word) > 4 and word.endswith("es"):
                found.append(("s", word[:-2]))
    elif len(word) > 3 and word.endswith("ed"):
        found += [("ed", word[:-1])] + ([("ed", word[:-2])] if len(word) > 4 and not word.endswith("eed") else [])
        if word.endswith("ied") and len(word) > 4:
            found.append(("ed", word[:-3] + "y"))
        if re.search(r"([bdgklmnprtvz])\1ed$", word):
            found.append(("ed", word[:-3]))
    elif len(word) > 4 and word.endswith("ing"):
        found += ([("ing", word[:-3])] if len(word) > 5 else []) + [("ing", word[:-3] + "e")]
        if re.search(r"([bcdgklmnprstvxz])\1ing$|cking$", word):
            found.append(("ing", word[:-4]))
    return found


def _parsed(entry: bytes | str) -> Entry:
    usual, *others = str(entry).split("\t")
    by_tag = dict(other.split("=", 1) for other in others)
    return Entry(usual.removeprefix("~"), by_tag, checked=not usual.startswith("~"))


@lru_cache(maxsize=2)
def _table(language: str) -> bytes:
    """The unpacked table of an accent: some 5 MB, read once a process because it never changes."""
    return gzip.decompress((files("voicewright.text") / "data" / f"{language}.tsv.gz").read_bytes())
