"""`make train-tiny` keeps its promises: the commands, in processes of their own, with an engine's tiny twin."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "train_tiny.py"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("engine", ["kokoro-tiny", "sovits-tiny"])
def test_a_run_is_killed_gone_on_with_shared_out_exported_and_used(tmp_path: Path, engine: str) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--folder", str(tmp_path / "tiny"), "--engine", engine],
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "the same weights: yes" in done.stdout
