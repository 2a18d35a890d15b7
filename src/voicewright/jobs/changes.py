"""`Changes`: what changed since somebody looked, so that nobody has to look at everything."""

from collections import OrderedDict

REMEMBERED = 2000


class Changes:
    """Numbers the changes of named things, of each the last one only. Not for several threads at once.

    What changed more than 2,000 things ago is forgotten.
    """

    def __init__(self) -> None:
        self._numbers: OrderedDict[str, int] = OrderedDict()
        self.last = 0
        """The number of the last change."""

    def note(self, name: str) -> None:
        """It changed just now."""
        self.last += 1
        self._numbers[name] = self.last
        self._numbers.move_to_end(name)
        while len(self._numbers) > REMEMBERED:
            self._numbers.popitem(last=False)

    def forget(self, name: str) -> None:
        """It is no more."""
        self._numbers.pop(name, None)

    def since(self, number: int) -> list[tuple[int, str]]:
        """What changed after change `number`, the oldest change first."""
        return [(each, name) for name, each in self._numbers.items() if each > number]
