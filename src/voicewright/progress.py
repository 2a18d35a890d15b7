"""`Progress`: how long work tells its caller where it is."""

from typing import Protocol


class Progress(Protocol):
    """Called with a step's name and how much of it is done, in units of the step's own choosing."""

    def __call__(self, step: str, done: float, total: float) -> None: ...


def silent(step: str, done: float, total: float) -> None:
    """Tell nobody."""
