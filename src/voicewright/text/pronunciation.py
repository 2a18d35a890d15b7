"""What each written word of a text sounds like, with its neighbours taken into account."""

from collections.abc import Sequence
from difflib import SequenceMatcher

from voicewright.errors import BadSetting
from voicewright.text.languages import is_english, resolve_language
from voicewright.text.normalize import normalize
from voicewright.text.phonemes import Phonemizer


class Pronouncer:
    """The phonemes of every token of a text. Raises BadSetting for a language other than English."""

    def __init__(self, language: str = "en-us") -> None:
        self.language = resolve_language(language)
        if not is_english(self.language):
            raise BadSetting(f"words of {self.language} have no phones here; only en-us and en-gb are known")
        self._phonemizer = Phonemizer(self.language)

    def __call__(self, tokens: Sequence[str]) -> list[str]:
        """The phonemes of each written token, "" for one that has no sound (a dash).

        The tokens are the words of a running text, in order: the whole is spoken out and phonemised at once ("5 May"
        is not "five May", "the" depends on what follows), and then given back to the tokens it came from.
        """
        said = self._said(tokens)
        flat = [word for words in said for word in words]
        groups = [group for group in self._phonemizer(" ".join(flat)).split(" ") if any(map(str.isalpha, group))]
        if len(groups) != len(flat):
            groups = ["".join(self._phonemizer(word).split()) for word in flat]
        supply = iter(groups)
        return [" ".join(next(supply) for _ in words) for words in said]

    def _said(self, tokens: Sequence[str]) -> list[list[str]]:
        """The spoken words of each token: those of the whole text, shared out by those of each token alone."""
        alone = [_words(normalize(token, self.language)) for token in tokens]
        owners = [index for index, words in enumerate(alone) for _ in words]
        single = [_bare(word) for words in alone for word in words]
        whole = _words(normalize(" ".join(tokens), self.language))
        result: list[list[str]] = [[] for _ in tokens]
        matcher = SequenceMatcher(None, single, [_bare(word) for word in whole], autojunk=False)
        for kind, first, last, start, end in matcher.get_opcodes():
            if kind == "insert":  # said in the whole only: it goes with the word before
                owned = [owners[max(0, first - 1)] if owners else 0] * (end - start)
            else:
                share = (last - first) / max(1, end - start)
                owned = [owners[first + int(place * share)] for place in range(end - start)]
            for owner, word in zip(owned, whole[start:end], strict=True):
                result[owner].append(word)
        return result


def _words(spoken: str) -> list[str]:
    """The words of normalised text; a mark that stands alone goes with the word before it."""
    words: list[str] = []
    for piece in spoken.split():
        if any(map(str.isalnum, piece)):
            words.append(piece)
        elif words:
            words[-1] += piece
    return words


def _bare(word: str) -> str:
    return "".join(char for char in word.lower() if char.isalnum())
