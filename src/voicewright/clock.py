"""`Clock`: how long each step of some work took."""

import time
from dataclasses import dataclass, field


@dataclass
class Clock:
    """How long each step took, in seconds."""

    seconds: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=time.perf_counter)

    def took(self, step: str) -> None:
        """What happened since the last call was `step`."""
        now = time.perf_counter()
        self.seconds[step], self._since = now - self._since, now
