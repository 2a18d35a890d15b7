"""`Turns`: whose job is next. Owners take turns; the jobs of one owner keep their order."""

from collections.abc import Sequence
from copy import deepcopy

from voicewright.jobs.job import Job


class Turns:
    """Remembers when each owner was last served. Not for several threads at once."""

    def __init__(self) -> None:
        self._served: dict[str, int] = {}
        self._count = 0

    def take(self, waiting: Sequence[Job]) -> Job:
        """The next of those that wait, given in the order they came: the first job of the owner whose last turn is
        longest ago. This is that owner's new turn."""
        job = min(waiting, key=lambda each: self._served.get(each.owner, 0))
        self._count += 1
        self._served[job.owner] = self._count
        return job

    def order(self, waiting: Sequence[Job]) -> list[Job]:
        """All that wait, in the order in which they would be taken if nothing came between."""
        trial, left, order = deepcopy(self), list(waiting), []
        while left:
            order.append(trial.take(left))
            left.remove(order[-1])
        return order
