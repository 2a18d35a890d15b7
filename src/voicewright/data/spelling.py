"""What makes two spellings the same words: "5" and "five", "e-mail" and "email", "don't" and "do not"."""

from collections.abc import Iterable, Sequence

from voicewright.measure.intelligibility import normalise

LONGEST_SPAN = 6
"""Written words that one word may stand for ("one hundred and twenty one", "121")."""


class Spellings:
    """Normal forms of words and of short runs of words, each worked out once."""

    def __init__(self, language: str = "en") -> None:
        self._language = language
        self._known: dict[str, str] = {}

    def learn(self, texts: Iterable[str]) -> None:
        """Work out many at once: the normaliser is slow to start."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            plain = [text.rstrip(" .…") for text in new]  # the normaliser takes one dot away, not three
            self._known.update(zip(new, normalise(*plain, language=self._language), strict=True))

    def tokens(self, word: str) -> list[str]:
        """The normalised words that a written word stands for; [] for one that says nothing (um, a dash)."""
        self.learn([word])
        return self._known[word].split()

    def spans(self, words: Sequence[str]) -> dict[tuple[int, int], str]:
        """The letters of every run [i, j) of up to `LONGEST_SPAN` words, normalised together, without spaces.

        Only runs with numbers in them read differently together than word by word.
        """
        self.learn(words)
        numeric = [any(map(str.isdigit, self._known[word])) for word in words]
        runs = [(i, j) for i in range(len(words)) for j in range(i + 1, min(i + LONGEST_SPAN, len(words)) + 1)]
        together = {(i, j): " ".join(words[i:j]) for i, j in runs if any(numeric[i:j]) and j - i > 1}
        self.learn(together.values())
        return {
            (i, j): (
                self._known[together[i, j]] if (i, j) in together else "".join(self._known[w] for w in words[i:j])
            ).replace(" ", "")
            for i, j in runs
        }


def written_words(text: str) -> list[str]:
    """The words of a text as they are written; a mark that stands alone goes with the word before it."""
    words: list[str] = []
    waiting = ""
    for piece in text.split():
        if any(char.isalnum() or char in "&@%$£€+=°" for char in piece):
            words.append(f"{waiting} {piece}".strip())
            waiting = ""
        elif words:
            words[-1] += f" {piece}"
        else:
            waiting = f"{waiting} {piece}".strip()
    return words
