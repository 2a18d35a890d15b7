"""`Home`: the one folder where voices, weights and unfinished work live."""

import os
from dataclasses import dataclass
from pathlib import Path

from voicewright.settings import load

VARIABLE = "VOICEWRIGHT_HOME"


@dataclass(frozen=True, kw_only=True)
class HomeSettings:
    """What holds for everything done in this home; `settings.yaml` in its folder."""

    require_consent: bool = False
    """Refuse to make a voice without a statement of the speaker's consent."""
    offline: bool = False
    """Never ask a model hub; what is in place is all there is."""
    default_voice: str = ""
    """The voice that speaks when none is named."""


@dataclass(frozen=True)
class Home:
    """A folder and what is where in it. Nothing is made on disk until something is kept there."""

    root: Path

    @classmethod
    def find(cls, given: str | Path | None = None) -> "Home":
        """The folder `given`, else the one that VOICEWRIGHT_HOME names, else the system's place for a user's data."""
        if given is None and not (given := os.environ.get(VARIABLE)):
            from platformdirs import user_data_path

            given = user_data_path("voicewright")
        return cls(Path(given).expanduser().absolute())

    @property
    def voices(self) -> Path:
        return self.root / "voices"

    @property
    def weights(self) -> Path:
        return self.root / "weights"

    @property
    def jobs(self) -> Path:
        return self.root / "jobs"

    @property
    def datasets(self) -> Path:
        return self.root / "datasets"

    @property
    def plans(self) -> Path:
        return self.root / "plans"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def uploads(self) -> Path:
        return self.root / "uploads"

    @property
    def keys_file(self) -> Path:
        return self.root / "keys.json"

    @property
    def settings_file(self) -> Path:
        return self.root / "settings.yaml"

    def settings(self) -> HomeSettings:
        """What `settings.yaml` says; the defaults if there is none.

        Raises:
            BadSetting: it holds a name or a value that is not known; the message says which.
        """
        return load(HomeSettings, self.settings_file) if self.settings_file.is_file() else HomeSettings()
