"""English words → Kokoro's phonemes: lexicon, parts of speech, endings, letters, and a guess for what is left.

The inventory and the behaviour of small words follow misaki (https://github.com/hexgrad/misaki, Apache-2.0), whose
phonemes Kokoro-82M was trained on; the structure is this project's own.
"""

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise

from voicewright.text import crf, stress
from voicewright.text.english_lexicon import EnglishLexicon, Entry, stems, word_class
from voicewright.text.numbers import decimal
from voicewright.text.stress import CONSONANTS, PRIMARY, SECONDARY, VOWELS

_TOKEN = re.compile(
    r"\[(?P<named>[^\[\]]+)\]\(/(?P<given>[^/()\[\]]*)/\)"
    r"|(?P<word>['’]?[^\W\d_]+(?:['’][^\W\d_]+)*(?:-[^\W\d_]+(?:['’][^\W\d_]+)*)*['’]?)"
    r"|(?P<number>\d+(?:[.,]\d+)*)|(?P<mark>[;:,.!?—…\"“”()])|(?P<space>\s+)"
)
_PAUSES = frozenset(";:,.!?—…")
_CLITIC = re.compile(r"(?i)(?<=[a-z])(n't|'(?:s|re|ve|ll|d|m))$")
_TAGGER_MARKS = {"“": "``", "”": "''", "—": "--", "…": "...", "(": "-LRB-", ")": "-RRB-"}
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

_FROM_IPA = {
    "d͡ʒ": "ʤ", "t͡ʃ": "ʧ", "aɪ": "I", "aʊ": "W", "eɪ": "A", "oʊ": "O", "ɔɪ": "Y", "ɚ": "əɹ", "g": "ɡ",
}  # fmt: skip
_US_TO_GB = (
    ("ɜɹ", "ɜː"),
    ("əɹ", "ə"),
    ("O", "Q"),
    ("æ", "a"),
    ("ɑɹ", "ɑː"),
    ("ɔɹ", "ɔː"),
    ("ɑ", "ɒ"),
    ("i", "iː"),
    ("u", "uː"),
)

_ENDINGS = {
    "ness": "nəs", "less": "ləs", "like": "lˌIk", "ship": "ʃˌɪp", "hood": "hˌʊd", "wise": "wˌIz", "ful": "fᵊl",
    "ly": "li",
}  # fmt: skip
_PREFIXES = {"un": "ˌʌn", "re": "ɹˌi", "non": "nˌɑn", "over": "ˌOvəɹ", "under": "ˌʌndəɹ", "micro": "mˌIkɹO"}
_LEADEN = frozenset(
    "pipe pipes paint poisoning acid shot pencil pencils bullet bullets oxide roof glass weights ore ingots".split()  # noqa: SIM905
)


@dataclass(slots=True)
class _Token:
    """A word, a mark or a space; `phonemes` is None until it is known."""

    text: str
    phonemes: str | None = None
    tag: str = ""

    @property
    def is_word(self) -> bool:
        return self.phonemes is None or self.tag == "given"


@dataclass(frozen=True, slots=True)
class _Next:
    """What a word is followed by: a vowel, a consonant, or (None) a pause; and whether the next word is "to"."""

    vowel: bool | None = None
    to: bool = False


class EnglishPhonemes:
    """Phonemes of American (en-us) or British (en-gb) English for normalised text."""

    def __init__(self, language: str = "en-us") -> None:
        self.language = language
        self.british = language == "en-gb"
        self.lexicon = EnglishLexicon(language)
        self._guessed: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        """`text` with every word in phonemes; marks and single spaces stay. `[word](/phonemes/)` is taken as given."""
        tokens = self._tokens(text)
        self._tag(tokens)
        following = _Next()
        for before, token in reversed(list(zip([None, *tokens], tokens, strict=False))):
            if token.phonemes is None and token.text == "'s" and before is not None and before.tag == "given":
                token.phonemes = self.lexicon.with_s(before.phonemes or "ə")[len(before.phonemes or "ə") :]
            elif token.phonemes is None:
                token.phonemes = self._word(token.text, token.tag, following)
            following = _before(token, following)
        joined = "".join(token.phonemes or "" for token in tokens)
        joined = re.sub(r"\s+", " ", re.sub(r"\s+(?=[;:,.!?…”)])", "", joined)).strip()
        return joined.replace("ɾ", "T").replace("ʔ", "t")  # Kokoro 1.0 was trained with T for the flap

    def _tokens(self, text: str) -> list[_Token]:
        tokens = []
        for match in _TOKEN.finditer(text):
            kind, found = match.lastgroup, match[0]
            if kind == "given":
                tokens.append(_Token(match["named"], match["given"], "given"))
            elif kind == "word":
                tokens.append(_Token(found.replace("’", "'")))
            elif kind == "number":
                for word in re.split(
                    r"[ -]", decimal(found.replace(",", "") if found.count(".") < 2 else found.replace(".", ""))
                ):
                    tokens += [_Token(word), _Token(" ", " ")]
            else:
                tokens.append(_Token(found, " " if kind == "space" else found))
        return tokens

    def _tag(self, tokens: list[_Token]) -> None:
        """Parts of speech, where a word of the sentence needs them to be pronounced."""
        if not any(token.phonemes is None and self._depends_on_tag(token.text) for token in tokens):
            return
        words: list[str] = []
        places: list[tuple[_Token, int]] = []
        for token in tokens:
            if token.phonemes is None or token.tag == "given":
                places.append((token, len(words)))
                clitic = _CLITIC.search(token.text)
                words += [token.text[: clitic.start()], clitic[0]] if clitic else [token.text.strip("'") or token.text]
            elif not token.text.isspace():
                words.append(_TAGGER_MARKS.get(token.text, token.text))
        tags = crf.parts_of_speech(words, crf.language_folder("en", extra="languages"))
        for token, place in places:
            token.tag = token.tag or tags[place]
        _mend_tags([token for token, _ in places])

    def _depends_on_tag(self, word: str) -> bool:
        if word.lower() in ("a", "in", "by", "used", "lead", "that") or (len(word) > 1 and word.isupper()):
            return True
        for ending, stem in (("", word), *stems(word)):
            entry = self.lexicon.find(stem) or self.lexicon.find(stem.lower())
            if entry is not None:
                return bool(entry.by_tag) and (ending != "" or set(entry.by_tag) != {"None"})
        return False

    def _word(self, word: str, tag: str, following: _Next) -> str:
        special = self._small_word(word, tag, following)
        if special is not None:
            return special
        known = self._known(word, tag, following)
        if known:
            return known
        if "-" in word:
            return self._parts(word.split("-"), tag, following)
        plain = "".join(char for char in unicodedata.normalize("NFKD", word) if not unicodedata.combining(char))
        if plain != word and (known := self._known(plain, tag, following)):
            return known
        return self._unknown(plain, tag, following)

    def _small_word(self, word: str, tag: str, following: _Next) -> str | None:
        """Words whose sound depends on what follows."""
        low, alone = word.lower(), following.vowel is None
        if low == "the" and (tag == "DT" or not word.isupper()):
            return "ði" if following.vowel else "ðə"
        if low == "to" and (word != "TO" or tag in ("TO", "IN", "")):
            return self._lookup("to") if alone else ("tʊ" if following.vowel else "tə")
        if word in ("a", "A"):
            return "ɐ" if tag == "DT" or (tag == "" and word == "a") else "ˈA"
        if low == "an" and not (word == "AN" and tag.startswith("NN")):
            return "ɐn"
        if low == "am" and not (word != "am" and tag.startswith("NN")):
            return self._lookup("am") if alone or word != "am" else "ɐm"
        if word == "I" and tag in ("PRP", ""):
            return SECONDARY + "I"
        if low == "by" and word_class(tag) == "ADV":
            return "bˈI"
        if low == "in" and not (word == "IN" and tag == "NNP"):
            return ("" if not alone and tag in ("IN", "") else PRIMARY) + "ɪn"
        if low == "used":
            entry = self.lexicon.exact("used")
            return entry.said("VBD" if following.to and tag in ("VBD", "JJ") else "") if entry else None
        if tag == "metal":
            return "lˈɛd"
        return None

    def _lookup(self, word: str) -> str:
        entry = self.lexicon.find(word)
        return entry.phonemes if entry else ""

    def _known(self, word: str, tag: str, following: _Next) -> str:
        """From the lexicon, as it stands, in lower case, without apostrophes at its ends, or with an ending; "" if
        in none.
        """
        for form in dict.fromkeys((word, word.strip("'"), word.rstrip("'"))):
            if found := self._found(form, tag, following):
                return found
        return ""

    def _found(self, word: str, tag: str, following: _Next) -> str:
        return self._whole(word, tag, following) or self._inflected(word, tag)

    def _whole(self, word: str, tag: str, following: _Next) -> str:
        spelled_out = len(word) > 1 and word.isupper()
        exact = self.lexicon.exact(word) if spelled_out else self.lexicon.find(word)
        if exact is not None:
            return self._said(exact, word, tag, following)
        if spelled_out or word[1:] == word[1:].lower() != word[:1]:
            entry = self.lexicon.find(word.lower())
            if entry is not None and not (spelled_out and _is_initialism(word, tag, entry)):
                return self._said(entry, word, tag, following)
        if (
            spelled_out
            and len(word) <= 5
            and "'" not in word
            and (tag.startswith("NN") or not re.search("[AEIOUY]", word))
        ):
            return self.lexicon.spelled(word)
        return ""

    def _said(self, entry: Entry, word: str, tag: str, following: _Next) -> str:
        phonemes = entry.said(tag, last=following.vowel is None)
        if not phonemes:
            return self.lexicon.spelled(word)
        if word == word.lower():
            return phonemes
        return stress.emphatic(phonemes) if word.isupper() and len(word) > 1 else stress.audible(phonemes)

    def _inflected(self, word: str, tag: str) -> str:
        for ending, stem in stems(word.lower() if word.isupper() else word):
            if phonemes := self._whole(stem, tag, _Next(vowel=False)):
                return self._with_ending(phonemes, ending)
        return ""

    def _with_ending(self, phonemes: str, ending: str) -> str:
        if ending == "s":
            return self.lexicon.with_s(phonemes)
        return self.lexicon.with_ed(phonemes) if ending == "ed" else self.lexicon.with_ing(phonemes)

    def _parts(self, parts: list[str], tag: str, following: _Next) -> str:
        """A word of several parts, said as one: "twenty-four", "YouTube"."""
        said: list[str] = []
        for part in reversed([part for part in parts if part]):
            prefix = self.lexicon.exact(part.lower() + "-") if said else None
            said.insert(0, prefix.phonemes if prefix else self._word(part, tag, following))
            following = _before(_Token(part, said[0]), following)
        if len(said) == 2 and len(parts[0]) == 1:
            return said[0] + stress.weakened(said[1])
        return "".join(stress.balanced(said))

    def _unknown(self, word: str, tag: str, following: _Next) -> str:
        if not word.isascii():
            word = word.encode("ascii", "ignore").decode()
        letters = word.strip("'")
        if not letters:
            return ""
        if len(letters) == 1:
            return self.lexicon.spelled(letters)
        if letters.endswith("'s") and len(letters) > 3:
            return self.lexicon.with_s(self._word(letters[:-2], tag, _Next(vowel=False)) or "ə")
        pieces = _CAMEL.findall(letters)
        if len(pieces) > 1 and "".join(pieces) == letters:
            return self._parts(pieces, tag, following)
        if (letters.isupper() and len(letters) <= 4) or not re.search("[aeiouyAEIOUY]", letters):
            return self.lexicon.spelled(letters)
        low = letters.lower()
        for ending, stem in (("", low), *stems(low)):
            if known := self._compound(stem) or self._derived(stem):
                return self._with_ending(known, ending) if ending else known
        return self._guess(low)

    def _compound(self, word: str) -> str:
        """Two known words in one ("voice" + "wright"), each of four letters or more; "" if it is none."""
        for cut in range(len(word) - 4, 3, -1):
            first, second = self.lexicon.exact(word[:cut]), self.lexicon.exact(word[cut:])
            if first and second and first.checked and second.checked:
                return first.phonemes + stress.weakened(second.phonemes)
        return ""

    def _derived(self, word: str) -> str:
        """A known word with a prefix or an ending that changes nothing in it: "papal" + "ly"; "" if it is none."""
        forms = [(word[: -len(end)], "", said) for end, said in _ENDINGS.items() if word.endswith(end)]
        forms += [(word[len(start) :], said, "") for start, said in _PREFIXES.items() if word.startswith(start)]
        for stem, before, after in forms:
            entry = self.lexicon.find(stem) if len(stem) > 3 else None
            if entry is None and after and stem.endswith("i") and len(stem) > 3:
                entry = self.lexicon.find(stem[:-1] + "y")
            if entry is not None:
                return self._local(before) + entry.phonemes + after
        return ""

    def _guess(self, word: str) -> str:
        """From the letters alone; at least one vowel is stressed."""
        if word not in self._guessed:
            sounds = crf.sounds(word.replace("'", ""), crf.language_folder("en", extra="languages"))
            phonemes = "".join(_converted(sound) for sound in sounds)
            phonemes = re.sub(r"(?<=[ˈˌ])əɹ", "ɜɹ", phonemes)
            head, mark, tail = phonemes.rpartition(PRIMARY)  # of several main stresses the last one is likeliest
            phonemes = re.sub(r"(?<=[bdfkpstvzɡʃʒ])əl$", "ᵊl", head.replace(PRIMARY, SECONDARY) + mark + tail)
            if PRIMARY not in phonemes:
                phonemes = stress.emphatic(_full_first_vowel(phonemes))
            if self.british:
                phonemes = self._local(phonemes)
            else:
                phonemes = re.sub(r"(?<=[AIOWYiuæɑəɛɪɹʊʌ])t(?=[əᵻiɪ](?!ˈ))", "ɾ", phonemes)
            self._guessed[word] = phonemes
        return self._guessed[word]

    def _local(self, phonemes: str) -> str:
        """American phonemes as this accent has them, roughly."""
        for american, british in _US_TO_GB if self.british else ():
            phonemes = phonemes.replace(american, british)
        return phonemes


def _converted(sound: str) -> str:
    mark = sound[:1] if sound[:1] in (PRIMARY, SECONDARY) else ""
    sound = sound[len(mark) :]
    return mark + _FROM_IPA.get(sound, sound)


def _full_first_vowel(phonemes: str) -> str:
    """A word that was guessed without stress: its first vowel, if reduced, is said in full so that it can carry one."""
    place = next((i for i, symbol in enumerate(phonemes) if symbol in VOWELS), -1)
    if place < 0 or phonemes[place] != "ə":
        return phonemes
    full = "ɜ" if phonemes[place + 1 : place + 2] == "ɹ" else "æ"
    return phonemes[:place] + full + phonemes[place + 1 :]


def _is_initialism(word: str, tag: str, entry: Entry) -> bool:
    """ "IT", "US" as names; not a "NEVER" that is shouted."""
    if PRIMARY in entry.phonemes and entry.checked:
        return False
    return len(word) <= 4 and tag.startswith("NN")


def _mend_tags(tokens: list[_Token]) -> None:
    """The few things that the tagger gets wrong often enough to matter."""
    words = [token.text.lower() for token in tokens]
    for place, token in enumerate(tokens):
        if words[place] == "lead" and (
            (words[place + 1 : place + 2] and words[place + 1] in _LEADEN)
            or (
                token.tag.startswith("NN")
                and place
                and words[place - 1] in ("of", "with", "molten", "contain", "contains")
            )
        ):
            token.tag = "metal"
    for before, token in pairwise(tokens):
        if token.text.lower() == "read" and before.text.lower() in (
            "to",
            "will",
            "can",
            "could",
            "would",
            "should",
            "must",
            "may",
        ):
            token.tag = "VB"
        if token.text.lower() == "live" and before.text.lower() in ("i", "we", "you", "they", "to", "who"):
            token.tag = "VBP"


def _before(token: _Token, following: _Next) -> _Next:
    """What the word to the left of `token` is followed by."""
    vowel = following.vowel
    for symbol in token.phonemes or "":
        if symbol in _PAUSES or symbol in VOWELS or symbol in CONSONANTS:
            vowel = None if symbol in _PAUSES else symbol in VOWELS
            break
    if token.text.isspace():
        return following
    return _Next(vowel=vowel, to=token.text.lower() == "to")
