"""Stress marks in English phonemes, moved and weakened as the default engine's training text had them.

The rules are those of misaki's English phonemes (https://github.com/hexgrad/misaki, Apache-2.0), which Kokoro-82M
learned.
"""

PRIMARY, SECONDARY = "ˈ", "ˌ"
VOWELS = frozenset("AIOQWYaiuæɐɑɒɔəɛɜɪʊʌᵻ")
CONSONANTS = frozenset("bdfhjklmnpstvwzðŋɡɹɾʃʒʤʧθ")
_DOUBLE_WEIGHT = frozenset("AIOQWYʤʧ")


def weight(phonemes: str) -> int:
    """How long a word is: diphthongs and affricates count twice."""
    return sum(2 if symbol in _DOUBLE_WEIGHT else 1 for symbol in phonemes)


def bare(phonemes: str) -> str:
    """Without any stress."""
    return phonemes.replace(PRIMARY, "").replace(SECONDARY, "")


def weakened(phonemes: str) -> str:
    """Main stress becomes side stress, and side stress goes: how a word sounds beside a stronger one."""
    if PRIMARY not in phonemes:
        return phonemes
    return phonemes.replace(SECONDARY, "").replace(PRIMARY, SECONDARY)


def audible(phonemes: str) -> str:
    """With side stress on the first vowel if there was no stress: how a capitalised small word sounds."""
    return phonemes if PRIMARY in phonemes or SECONDARY in phonemes else _marked(phonemes, SECONDARY)


def emphatic(phonemes: str) -> str:
    """With main stress: side stress raised, or the first vowel stressed. For a WORD in capitals."""
    if PRIMARY in phonemes:
        return phonemes
    if SECONDARY in phonemes:
        return phonemes.replace(SECONDARY, PRIMARY)
    return _marked(phonemes, PRIMARY)


def _marked(phonemes: str, mark: str) -> str:
    for place, symbol in enumerate(phonemes):
        if symbol in VOWELS:
            return phonemes[:place] + mark + phonemes[place:]
    return phonemes


def balanced(parts: list[str]) -> list[str]:
    """The parts of one word ("twenty", "four"): the lighter half loses its main stress."""
    spoken = [(PRIMARY in part, weight(part), place) for place, part in enumerate(parts) if part]
    if len(spoken) < 2 or sum(stressed for stressed, _, _ in spoken) <= (len(spoken) + 1) // 2:
        return parts
    lighter = {place for _, _, place in sorted(spoken)[: len(spoken) // 2]}
    return [weakened(part) if place in lighter else part for place, part in enumerate(parts)]
