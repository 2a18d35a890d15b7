"""Which sounds of the language a dataset holds, and which it lacks."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files

from voicewright.data.utterance import Utterance
from voicewright.text.languages import resolve_language
from voicewright.text.normalize import normalize
from voicewright.text.phonemes import Phonemizer

NOT_SOUNDS = frozenset('ˈˌː;:,.!?¡¿—…"«»“”() ')
ENDS = frozenset(";:,.!?—…")
"""Where a speaker pauses: no pair of sounds goes across."""
FEW = 10
"""Of a phoneme that occurs less often than this, a network hears too little to say it well."""
RARE = 0.25
"""Share of its usual frequency below which a phoneme is rare in a dataset."""
ENOUGH = 200
"""Phonemes from which on shares say something: about 20 seconds of speech."""
SOURCE = "Jane Austen, “Sense and Sensibility”"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """A phoneme in a dataset."""

    symbol: str
    count: int
    share: float
    """Of all the dataset's phonemes."""
    usual: float | None
    """Share in running text; None: no reference for the language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The sounds of a dataset's kept utterances."""

    language: str
    phonemes: int
    """How many are said in all."""
    sounds: tuple[Sound, ...]
    """The commonest of the reference first."""
    missing: tuple[str, ...]
    rare: tuple[str, ...]
    """Said fewer than ten times, or four times less often than in running text."""
    pairs: float | None
    """Share of the 500 commonest pairs of neighbouring phonemes that occur; None without a reference."""
    source: str
    """Where the usual shares come from; "" without."""

    @property
    def sentence(self) -> str:
        """What a user should know."""
        if not self.phonemes:
            return "No text is known, so nothing can be said about the sounds of the language."
        if self.pairs is None:
            rare = f" Said fewer than {FEW} times: {' '.join(self.rare)}." if self.rare else ""
            return f"{self.phonemes} sounds are said, {len(self.sounds)} different ones.{rare}"
        parts = [f"{self.pairs:.0%} of the 500 commonest pairs of sounds occur."]
        if self.missing:
            parts.append(f"Never said: {_named(self.missing)}.")
        if self.rare:
            parts.append(f"Rare: {_named(self.rare)}.")
        if self.missing or self.rare or self.pairs < 0.9:
            parts.append("Add recordings with such words, or expect the voice to slur them.")
        else:
            parts.insert(0, "Every sound of the language occurs often enough.")
        return " ".join(parts)


EXAMPLES = {
    "ɹ": "red", "ɪ": "bit", "i": "see", "ɛ": "bed", "æ": "cat", "ʌ": "cup", "ð": "this", "I": "eye", "ɔ": "law",
    "A": "day", "ɑ": "father", "ɜ": "bird", "O": "go", "ʃ": "she", "u": "too", "ŋ": "sing", "ᵊ": "button", "ʊ": "book",
    "j": "yes", "T": "water", "ɾ": "water", "ɐ": "about", "ʧ": "chair", "W": "now", "ʤ": "job", "ᵻ": "roses",
    "θ": "thin", "Y": "boy", "ʒ": "vision", "ə": "ago", "ɡ": "get", "ɒ": "lot", "Q": "go",
}  # fmt: skip
"""A word for each English symbol that is not its own letter."""


def coverage_of(utterances: Iterable[Utterance], language: str = "en-us") -> Coverage:
    """The phonemes said in the kept utterances of `language`, against those of running text.

    The reference is for English only and is American read prose (its source is named in the result); a modern talk
    differs from it by a few per cent of a phoneme's share, far less than what is called rare here.

    Raises:
        MissingExtra: the language's phonemes need a package that is not installed.
        BadSetting: an unknown language.
    """
    language = resolve_language(language)
    phonemizer = Phonemizer(language)
    single: Counter[str] = Counter()
    double: Counter[str] = Counter()
    for each in utterances:
        if each.kept and each.text and resolve_language(each.language) == language:
            phonemes = phonemizer(normalize(each.text, language))
            single.update(phonemes_of(phonemes))
            double.update(pairs_of(phonemes))
    usual, pairs = _reference() if language == "en-us" else ({}, {})
    total, whole = sum(single.values()), sum(usual.values())
    names = [*usual, *(symbol for symbol, _ in single.most_common() if symbol not in usual)]
    sounds = tuple(
        Sound(
            symbol=name,
            count=single[name],
            share=single[name] / max(1, total),
            usual=usual.get(name, 0) / whole if whole else None,
        )
        for name in names
    )
    return Coverage(
        language=language,
        phonemes=total,
        sounds=sounds,
        missing=tuple(sound.symbol for sound in sounds if not sound.count),
        rare=tuple(sound.symbol for sound in sounds if _is_rare(sound, total)),
        pairs=sum(pair in double for pair in pairs) / len(pairs) if pairs else None,
        source=SOURCE if usual else "",
    )


def phonemes_of(phonemes: str) -> list[str]:
    """The sounds of a phonemizer's answer, without stress, length, spaces and marks."""
    return [symbol for symbol in phonemes if symbol not in NOT_SOUNDS]


def pairs_of(phonemes: str) -> list[str]:
    """Neighbouring sounds, across words but not across pauses."""
    found, before = [], ""
    for symbol in phonemes:
        if symbol in ENDS:
            before = ""
        elif symbol not in NOT_SOUNDS:
            if before:
                found.append(before + symbol)
            before = symbol
    return found


def _is_rare(sound: Sound, total: int) -> bool:
    if not sound.count:
        return False
    expected = sound.usual is not None and total >= ENOUGH and sound.share < RARE * sound.usual
    return sound.count < FEW or expected


def _named(symbols: Iterable[str]) -> str:
    return ", ".join(f"{symbol} as in “{EXAMPLES[symbol]}”" if symbol in EXAMPLES else symbol for symbol in symbols)


def _reference() -> tuple[dict[str, int], dict[str, int]]:
    """Counts of phonemes and of the commonest pairs in running English."""
    text = files("voicewright.data").joinpath("reference", "en.tsv").read_text("utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    single = {name: int(count) for name, count in rows if len(name) == 1}
    return single, {name: int(count) for name, count in rows if len(name) == 2}
