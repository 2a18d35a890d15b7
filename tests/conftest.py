"""What every test finds: a home of its own, no model hub, no thread storms."""

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("house", deadline=None)  # tests are not timed: the machine may be busy
settings.load_profile("house")


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or writes the voices and settings of whoever runs it, and none asks a hub."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("VOICEWRIGHT_HOME", str(home))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return home
