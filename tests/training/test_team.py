"""Several processes train what one would: the same clips, the same losses, the same weights."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from voicewright.training.run import Run

sys.path.insert(0, str(Path(__file__).parent))  # `toy` lies beside this file, and is a program too

from toy import Duel, Toy, trained

TOY = Path(__file__).with_name("toy.py")
SETTINGS: dict[str, Any] = {
    "clips": 23,
    "batch_size": 6,
    "accumulation": 2,
    "epochs": 2,
    "ema": 0.9,
    "weight_decay": 0.1,
}


def together(
    folder: Path, processes: int = 2, *, sharded: bool = False, **settings: Any
) -> subprocess.CompletedProcess[str]:
    """Train with torchrun, as a user would."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    if sharded:
        environment |= {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    words = [*command, str(TOY), str(folder), json.dumps({"kind": "duel", **SETTINGS, **settings})]
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=200, check=False)


def curve(folder: Path, name: str = "loss") -> list[float]:
    return [row[name] for row in Run.open(folder).rows("step") if row["loss"] is not None]


def weights(folder: Path, name: str = "weights") -> dict[str, torch.Tensor]:
    return load_file(max((folder / "checkpoints").glob("step-*")) / f"{name}.safetensors")


def assert_same_training(one: Path, other: Path) -> None:
    assert curve(one) == pytest.approx(curve(other), rel=1e-4)
    assert curve(one, "grad_main") == pytest.approx(curve(other, "grad_main"), rel=1e-3)
    for name in ("weights", "average", "state"):
        ours, theirs = weights(one, name), weights(other, name)
        assert ours.keys() == theirs.keys()
        assert all(torch.allclose(ours[key], theirs[key], atol=1e-5) for key in ours), name
    errors = [[row["error"] for row in Run.open(each).rows("validation")] for each in (one, other)]
    assert errors[0] == pytest.approx(errors[1], rel=1e-4)


@pytest.mark.slow
def test_two_processes_train_what_one_does_and_skip_what_is_bad_on_either(tmp_path: Path) -> None:
    trained(tmp_path / "one", Duel(poisoned=[3]), **SETTINGS)
    done = together(tmp_path / "two", recipe={"poisoned": [3], "poisoned_on": 1})
    assert done.returncode == 0, done.stderr[-3000:]
    for name in ("one", "two"):
        assert [row["loss_main"] is None for row in Run.open(tmp_path / name).rows("step")] == [
            False,
            True,
            *[False] * 6,
        ]
        trained(tmp_path / name, Duel(), **{**SETTINGS, "epochs": 3})  # one process goes on with either
    assert_same_training(tmp_path / "one", tmp_path / "two")


@pytest.mark.slow
def test_two_processes_that_share_the_weights_out_train_what_one_does(tmp_path: Path) -> None:
    trained(tmp_path / "one", Duel(), **SETTINGS)
    for epochs in (1, 2):  # the second session resumes the first
        done = together(tmp_path / "two", sharded=True, epochs=epochs)
        # Not its exit status: torch's fully_shard keeps gloo's threads, which abort some processes after their work.
        state = Run.open(tmp_path / "two").state()
        assert (state.status, state.step) == ("finished", 4 * epochs), done.stderr[-3000:]
    assert_same_training(tmp_path / "one", tmp_path / "two")
    for name in ("one", "two"):  # one process goes on with either
        trained(tmp_path / name, Duel(), **{**SETTINGS, "epochs": 3})
    assert_same_training(tmp_path / "one", tmp_path / "two")


def test_clips_are_read_ahead_by_workers_just_the_same(tmp_path: Path) -> None:
    here, ahead = Toy(), Toy()
    trained(tmp_path / "here", here, **SETTINGS)
    trained(tmp_path / "ahead", ahead, **SETTINGS, workers=2)
    assert [batch.tolist() for batch in here.batches] == [batch.tolist() for batch in ahead.batches]
    ours, theirs = weights(tmp_path / "here"), weights(tmp_path / "ahead")
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_every_clip_is_learned_from_once_an_epoch(tmp_path: Path) -> None:
    recipe = Toy()
    trained(tmp_path / "run", recipe, **SETTINGS)
    seen = Counter(int(number) for batch in recipe.batches for number in batch)
    assert seen == {number: 2 for number in range(23)}
