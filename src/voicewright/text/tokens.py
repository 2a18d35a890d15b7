"""The default engine's alphabet: phoneme symbols ↔ token ids.

The symbols and ids are those that Kokoro-82M was trained with (https://huggingface.co/hexgrad/Kokoro-82M,
`config.json`, Apache-2.0): 114 of its 178 ids are in use, and 0 marks both ends of a text.
"""

from collections.abc import Iterable

from voicewright.errors import BadText

# fmt: off
VOCABULARY: dict[str, int] = {
    ";": 1, ":": 2, ",": 3, ".": 4, "!": 5, "?": 6, "—": 9, "…": 10, "\"": 11, "(": 12, ")": 13, "“": 14,
    "”": 15, " ": 16, "\u0303": 17, "ʣ": 18, "ʥ": 19, "ʦ": 20, "ʨ": 21, "ᵝ": 22, "ꭧ": 23, "A": 24, "I": 25,
    "O": 31, "Q": 33, "S": 35, "T": 36, "W": 39, "Y": 41, "ᵊ": 42, "a": 43, "b": 44, "c": 45, "d": 46, "e": 47,
    "f": 48, "h": 50, "i": 51, "j": 52, "k": 53, "l": 54, "m": 55, "n": 56, "o": 57, "p": 58, "q": 59, "r": 60,
    "s": 61, "t": 62, "u": 63, "v": 64, "w": 65, "x": 66, "y": 67, "z": 68, "ɑ": 69, "ɐ": 70, "ɒ": 71, "æ": 72,
    "β": 75, "ɔ": 76, "ɕ": 77, "ç": 78, "ɖ": 80, "ð": 81, "ʤ": 82, "ə": 83, "ɚ": 85, "ɛ": 86, "ɜ": 87, "ɟ": 90,
    "ɡ": 92, "ɥ": 99, "ɨ": 101, "ɪ": 102, "ʝ": 103, "ɯ": 110, "ɰ": 111, "ŋ": 112, "ɳ": 113, "ɲ": 114, "ɴ": 115,
    "ø": 116, "ɸ": 118, "θ": 119, "œ": 120, "ɹ": 123, "ɾ": 125, "ɻ": 126, "ʁ": 128, "ɽ": 129, "ʂ": 130,
    "ʃ": 131, "ʈ": 132, "ʧ": 133, "ʊ": 135, "ʋ": 136, "ʌ": 138, "ɣ": 139, "ɤ": 140, "χ": 142, "ʎ": 143,
    "ʒ": 147, "ʔ": 148, "ˈ": 156, "ˌ": 157, "ː": 158, "ʰ": 162, "ʲ": 164, "↓": 169, "→": 171, "↗": 172,
    "↘": 173, "ᵻ": 177,
}
# fmt: on

MAX_TOKENS = 510
"""The most symbols that the network takes in one piece: 512 positions less the two end marks."""

_SYMBOLS = {id_: symbol for symbol, id_ in VOCABULARY.items()}


def unknown_symbols(phonemes: str) -> str:
    """The characters of `phonemes` that the network has no token for, each once, in order."""
    return "".join(dict.fromkeys(symbol for symbol in phonemes if symbol not in VOCABULARY))


def encode(phonemes: str) -> list[int]:
    """Token ids of `phonemes`, without end marks: one id a character.

    Raises BadText for a character that is no phoneme symbol, or when there are more than MAX_TOKENS.
    """
    if unknown := unknown_symbols(phonemes):
        raise BadText(
            f"no such phoneme symbols: {' '.join(unknown)} in {_shortened(phonemes)!r}; known are {known_symbols()}"
        )
    if len(phonemes) > MAX_TOKENS:
        raise BadText(
            f"{len(phonemes)} phonemes in one piece, at most {MAX_TOKENS} fit: {_shortened(phonemes)!r}; "
            "cut the text into shorter sentences, or split it with a lower max_chars"
        )
    return [VOCABULARY[symbol] for symbol in phonemes]


def decode(ids: Iterable[int]) -> str:
    """The phonemes of token ids. Raises BadText for an id that stands for no symbol."""
    ids = list(ids)
    if unknown := [id_ for id_ in ids if id_ not in _SYMBOLS]:
        raise BadText(f"no phoneme symbol has the id {unknown[0]}")
    return "".join(_SYMBOLS[id_] for id_ in ids)


def known_symbols() -> str:
    """Every symbol but the space, for messages."""
    return " ".join(symbol for symbol in VOCABULARY if symbol != " ")


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"
