"""`Engines`: the engines in memory, by what they can do."""

import threading
from typing import Any

from voicewright.engines import registry
from voicewright.engines.base import Converts, Engine, Speaks
from voicewright.errors import BadSetting


class Engines:
    """Loads each engine when it is first asked for, and once. Several threads may ask.

    Args:
        store: where they take their weights from (`voicewright.weights.store.Store`).
        device, precision: as for `registry.load`.
    """

    def __init__(self, store: Any, *, device: str = "cpu", precision: str = "auto") -> None:
        self._store, self.device, self.precision = store, device, precision
        self._lock = threading.RLock()
        self._loaded: dict[str, Engine] = {}

    def get(self, name: str) -> Engine:
        """The engine called `name`. Raises BadSetting, MissingWeights, BadWeights."""
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = registry.load(name, self._store, device=self.device, precision=self.precision)
            return self._loaded[name]

    def speaking(self, name: str) -> Speaks:
        """As `get`; also raises BadSetting when it cannot speak."""
        engine = self.get(name)
        if not isinstance(engine, Speaks):
            raise BadSetting(f"the engine {name!r} cannot make voices and speak{_instead(engine)}")
        return engine

    def converting(self, name: str) -> Converts:
        """As `get`; also raises BadSetting when it cannot convert recordings."""
        engine = self.get(name)
        if not isinstance(engine, Converts):
            raise BadSetting(f"the engine {name!r} cannot convert recordings")
        return engine


def _instead(engine: Engine) -> str:
    return "; its voices convert recordings: voicewright convert" if isinstance(engine, Converts) else ""
