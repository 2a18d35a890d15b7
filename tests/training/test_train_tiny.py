"""`make train-tiny` keeps its promises: the commands, in processes of their own, with the default engine's tiny twin.

What is particular to another engine its own tests show in one process (a run that is stopped and gone on with, a trial
and its file); `make train-tiny` takes every engine this way.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "train_tiny.py"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_is_killed_gone_on_with_shared_out_exported_and_used(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--folder", str(tmp_path / "tiny")],
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "the same weights: yes" in done.stdout
    assert "two processes against one" in done.stdout
    assert "exported, and speaks" in done.stdout
