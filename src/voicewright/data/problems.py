"""`Problem`: something wrong with one file or one line, told instead of stopping all the rest."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong, and where."""

    where: str
    """A file, a line, or the id of an utterance."""
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"
