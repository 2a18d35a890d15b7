"""Spanish, French and Italian phonemes from the word lists and letter models of the `gruut-lang-*` packages.

The packages (MIT, by Michael Hansen) are optional: `pip install 'voicewright[languages]'`. The Spanish and Italian
lists
write words as eSpeak says them, which is what the engine's network was trained with; French ones have no stress, so the
last full vowel of a word of content gets it.
"""

import re
import sqlite3

from voicewright.text import crf

_LISTS = {"es": ("es", "espeak"), "it": ("it", "espeak"), "fr": ("fr", "")}
_TO_KOKORO = (
    ("d͡ʒ", "ʤ"), ("t͡ʃ", "ʧ"), ("d͡z", "ʣ"), ("t͡s", "ʦ"), ("dʒ", "ʤ"), ("tʃ", "ʧ"), ("dz", "ʣ"), ("ts", "ʦ"), ("ɾɾ", "r"),
    ("aɪ", "I"), ("aʊ", "W"), ("eɪ", "A"), ("oʊ", "O"), ("ɔɪ", "Y"), ("g", "ɡ"), ("-", ""),
)  # fmt: skip
_TOKEN = re.compile(r"(?P<word>[^\W\d_]+(?:['’-][^\W\d_]+)*['’]?)|(?P<mark>[;:,.!?—…\"“”()])|(?P<space>\s+)")
_FRENCH_VOWEL = re.compile("[aeiouyøœɑɔɛ]\u0303?")
_FRENCH_SMALL = frozenset(
    "le la les l' un une des du de d' au aux ce cet cette ces mon ma mes ton ta tes son sa ses je j' tu il elle on "  # noqa: SIM905
    "nous vous ils elles me m' te t' se s' lui leur y en et ou où ni que qu' qui si ne n' pas à dans par pour sur sous "
    "avec est".split()
)


class ListedPhonemes:
    """Phonemes of Spanish ("es"), French ("fr") or Italian ("it"). Raises MissingExtra when its package is not
    there.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        package, flavour = _LISTS[language]
        self._folder = crf.language_folder(package, extra="languages") / flavour
        database = f"file:{self._folder / 'lexicon.db'}?mode=ro&immutable=1"
        self._database = sqlite3.connect(database, uri=True, check_same_thread=False)
        self._words: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        """`text` with its words in phonemes; marks and spaces stay."""
        self._look_up({match["word"].lower() for match in _TOKEN.finditer(text) if match["word"]})
        return "".join(self._words[m["word"].lower()] if m["word"] else m[0] for m in _TOKEN.finditer(text))

    def _look_up(self, words: set[str]) -> None:
        """All new words in one pass: the list has no index, so each pass reads it from end to end."""
        new = sorted(words - self._words.keys())
        parts = sorted({part for word in new for part in _parts(word)} | set(new))
        found: dict[str, str] = {}
        for start in range(0, len(parts), 500):
            some = parts[start : start + 500]
            query = "SELECT word, phonemes FROM word_phonemes WHERE word IN (%s) ORDER BY pron_order DESC"
            found.update(self._database.execute(query % ",".join("?" * len(some)), some).fetchall())
        for word in new:
            pieces = [word] if word in found else _parts(word)
            self._words[word] = "".join(self._spoken(piece, found.get(piece)) for piece in pieces)

    def _spoken(self, word: str, listed: str | None) -> str:
        sounds = listed.split() if listed else crf.sounds(word.strip("'"), self._folder)
        phonemes = "".join(sounds)
        for written, symbol in _TO_KOKORO:
            phonemes = phonemes.replace(written, symbol)
        if self.language == "fr" and word not in _FRENCH_SMALL and len(_FRENCH_VOWEL.findall(phonemes)) > 0:
            *_, last = _FRENCH_VOWEL.finditer(phonemes)
            phonemes = phonemes[: last.start()] + "ˈ" + phonemes[last.start() :]
        return phonemes


def _parts(word: str) -> list[str]:
    """ "l'homme" → "l'", "homme"; "vis-à-vis" → its three words."""
    return [part for part in re.split(r"(?<=')|-", word.replace("’", "'")) if part]
