"""Runs averaged over the API."""

import sys
from pathlib import Path

import pytest
import torch
from fastapi.testclient import TestClient
from serving import ended

sys.path.insert(0, str(Path(__file__).parents[2] / "training"))  # `made_up` is that room's

from made_up import voice

from voicewright.home import Home
from voicewright.training.checkpoint import Checkpoint, Snapshot, write_checkpoint
from voicewright.training.options import TrainingPlan
from voicewright.training.run import Run
from voicewright.voice.file import write_voice


@pytest.fixture
def runs(home: Home) -> tuple[str, str]:
    """Two runs that began alike and learned different numbers."""
    for name, value in (("one", 1.0), ("two", 3.0)):
        run = Run.create(home.runs / name, TrainingPlan(dataset="d", run=name))
        write_voice(voice(0.5), run.start_voice)
        info = Checkpoint(folder=run.folder, step=10, steps=10, epoch=1.0, engine="tones", weights="0" * 64)
        networks = {"decoder": {"style": torch.full((4,), value)}}
        write_checkpoint(run.checkpoint_folder, Snapshot(info=info, networks=networks))
    return "one", "two"


def test_two_runs_become_a_third(client: TestClient, home: Home, runs: tuple[str, str]) -> None:
    wish = {"name": "both", "from": [{"run": name, "step": 10} for name in runs], "weights": [3, 1]}
    done = ended(client, client.post("/api/v1/runs/merge", json=wish))
    assert done["state"] == "done", done["message"]
    assert done["result"]["run"] == "both"
    (found,) = Run.open(home.runs / "both").checkpoints()
    assert found.networks()["decoder"]["style"].tolist() == [1.5] * 4
    shown = client.get("/api/v1/runs/both")
    assert shown.json()["state"]["status"] == "finished"
    assert shown.json()["state"]["message"] == "averaged: 0.75 × one at step 10 + 0.25 × two at step 10"
    assert not shown.json()["planned"]
    assert str(home.root) not in shown.text + client.get("/api/v1/runs").text
    again = client.post("/api/v1/runs/merge", json=wish)
    assert (again.status_code, "already" in again.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"from": [{"run": "one", "step": 10}]}, 422, "from"),
        ({"from": [{"run": "one"}, {"run": "nobody"}]}, 404, "no run 'nobody'"),
        ({"from": [{"run": "one"}, {"run": "../two"}]}, 422, "run's name"),
        ({"name": "../both"}, 422, "run's name"),
        ({"weights": [1]}, 422, "2 weights"),
    ],
)
def test_a_merge_that_cannot_be_is_refused(
    client: TestClient, runs: tuple[str, str], change: dict[str, object], status: int, words: str
) -> None:
    wish = {"name": "both", "from": [{"run": name, "step": 10} for name in runs]} | change
    refused = client.post("/api/v1/runs/merge", json=wish)
    assert (refused.status_code, words in refused.json()["detail"]) == (status, True), refused.text


def test_what_was_never_heard_has_no_best(client: TestClient, runs: tuple[str, str]) -> None:
    wish = {"name": "both", "from": [{"run": name} for name in runs]}
    done = ended(client, client.post("/api/v1/runs/merge", json=wish))
    assert (done["state"], "not heard" in done["message"]) == ("failed", True)
