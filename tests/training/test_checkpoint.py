"""A checkpoint is whole or not there; a damaged one says so; the last and the best are kept."""

import errno
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from voicewright.errors import BadCheckpoint
from voicewright.training import checkpoint as module
from voicewright.training.average import Average
from voicewright.training.checkpoint import (
    Checkpoint,
    Snapshot,
    checkpoints_in,
    load_into,
    newest_in,
    prune,
    read_checkpoint,
    with_figures,
    write_checkpoint,
)

NETWORKS = {"a": {"weight": torch.arange(6.0).view(2, 3)}, "b": {"bias": torch.ones(3, dtype=torch.bfloat16)}}


def write(folder: Path, step: int, score: float | None = None, **more: Any) -> Checkpoint:
    figures = {"loss": 0.5} | ({} if score is None else {"score": score})
    info = Checkpoint(
        folder=folder,
        step=step,
        steps=99,
        epoch=step / 10,
        engine="toy",
        weights="ab",
        figures=figures,
        plan={"seed": 3},
    )
    return write_checkpoint(folder, Snapshot(info=info, networks=NETWORKS, **{"state": {"x": 1}, **more}))


def same(one: Mapping[str, Mapping[str, Tensor]], other: Mapping[str, Mapping[str, Tensor]]) -> bool:
    flat = [{(net, name): value for net, own in each.items() for name, value in own.items()} for each in (one, other)]
    return flat[0].keys() == flat[1].keys() and all(
        torch.equal(value, flat[1][key]) and value.dtype == flat[1][key].dtype for key, value in flat[0].items()
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    average = {"a": {"weight": torch.zeros(2, 3)}}
    tensors = {"a/weight/exp_avg": torch.full((2, 3), 0.25), "a/weight/step": torch.tensor(7.0)}
    written = write(tmp_path, 12, average=average, tensors=tensors)
    read = read_checkpoint(tmp_path / "step-00000012")
    assert read == written
    assert (read.step, read.epoch, read.plan, read.figures) == (12, 1.2, {"seed": 3}, {"loss": 0.5})
    assert same(read.networks(), average)
    assert same(read.networks(average=False), NETWORKS)
    moments, state = read.state()
    assert same({"": moments}, {"": tensors})
    assert state == {"x": 1}


def test_no_pickle_is_in_it(tmp_path: Path) -> None:
    kinds = {path.suffix for path in write(tmp_path, 1).folder.iterdir()}
    assert kinds == {".json", ".safetensors"}


def test_it_may_be_moved(tmp_path: Path) -> None:
    write(tmp_path / "run", 1)
    shutil.move(tmp_path / "run", tmp_path / "elsewhere")
    assert same(checkpoints_in(tmp_path / "elsewhere")[0].networks(), NETWORKS)


@pytest.mark.parametrize("name", ["weights.safetensors", "state.safetensors", "state.json", "checkpoint.json"])
@pytest.mark.parametrize("harm", ["gone", "short", "other"])
def test_damage_is_found_and_named(tmp_path: Path, name: str, harm: str) -> None:
    write(tmp_path, 1)
    path = write(tmp_path, 2).folder / name
    whole = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(whole[:-3] if harm == "short" else whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    with pytest.raises(BadCheckpoint, match=rf"step-00000002.*{name}.*step-00000001") as found:
        newest_in(tmp_path)
    assert "remove it" in str(found.value)


def test_a_folder_without_checkpoints_has_none_and_a_stranger_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert newest_in(tmp_path / "none") is None
    assert checkpoints_in(tmp_path) == []
    with pytest.raises(BadCheckpoint, match="no checkpoint is here"):
        read_checkpoint(tmp_path / "none")
    monkeypatch.setattr(module, "FORMAT", 2)
    folder = write(tmp_path, 1).folder
    monkeypatch.undo()
    with pytest.raises(BadCheckpoint, match="update voicewright"):
        read_checkpoint(folder)


def test_a_write_that_fails_leaves_nothing_and_harms_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = write(tmp_path, 1)

    def full(path: Path, data: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(module, "_write_json", full)
    for step in (1, 2):
        with pytest.raises(OSError, match="No space"):
            write(tmp_path, step)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]
    assert read_checkpoint(before.folder) == before


def test_half_a_checkpoint_is_none(tmp_path: Path) -> None:
    """A process that was killed while it wrote."""
    whole = write(tmp_path, 1)
    half = tmp_path / "step-00000002.part"
    half.mkdir()
    (half / "weights.safetensors").write_bytes(b"half")
    assert newest_in(tmp_path) == whole
    assert write(tmp_path, 2) == newest_in(tmp_path)
    assert not half.exists()


def test_a_step_can_be_written_again(tmp_path: Path) -> None:
    write(tmp_path, 1)
    write(tmp_path, 1, score=3.0)
    assert [each.score for each in checkpoints_in(tmp_path)] == [3.0]
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]


def test_a_mark_is_added_later(tmp_path: Path) -> None:
    heard = with_figures(write(tmp_path, 1), {"score": 0.75, "words": 2.0})
    assert heard.score == 0.75
    assert read_checkpoint(heard.folder) == heard
    assert heard.figures == {"loss": 0.5, "score": 0.75, "words": 2.0}


def test_weights_alone_cannot_be_resumed(tmp_path: Path) -> None:
    merged = write(tmp_path, 1, state=None)
    assert same(merged.networks(), NETWORKS)
    with pytest.raises(BadCheckpoint, match=r"weights only.*source"):
        merged.state()


SCORES = {10: 5.0, 20: 1.0, 30: None, 40: 4.0, 50: 2.0, 60: 0.0}


@pytest.mark.parametrize(
    ("last", "best", "kept"),
    [(2, 2, [10, 40, 50, 60]), (1, 0, [60]), (0, 1, [10, 60]), (9, 0, list(SCORES)), (1, 9, [10, 20, 40, 50, 60])],
)
def test_the_last_and_the_best_are_kept(tmp_path: Path, last: int, best: int, kept: list[int]) -> None:
    for step, score in SCORES.items():
        write(tmp_path, step, score)
    (tmp_path / "step-00000070.part").mkdir()
    removed = prune(tmp_path, last, best)
    assert [each.step for each in checkpoints_in(tmp_path)] == kept
    assert len(removed) == len(SCORES) - len(kept)
    assert not (tmp_path / "step-00000070.part").exists()


def test_pruning_leaves_a_damaged_one_to_be_looked_at(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        write(tmp_path, step)
    (tmp_path / "step-00000001" / "checkpoint.json").write_text("{")
    prune(tmp_path, 1, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000001", "step-00000003"]


def test_load_into_is_strict(tmp_path: Path) -> None:
    held = write(tmp_path, 1)
    nets: dict[str, nn.Module] = {"a": nn.Linear(3, 2, bias=False), "b": nn.Linear(2, 3, dtype=torch.bfloat16)}
    nets["b"].weight.requires_grad_(False)  # type: ignore[union-attr]
    load_into(nets, held)
    assert torch.equal(nets["a"].weight, NETWORKS["a"]["weight"])
    for network, words in (
        (nn.Linear(4, 2, bias=False), r"a/weight \(2x3 in the file, 2x4 here\)"),
        (nn.Linear(3, 2), r"a/bias \(none in the file, 2 here\)"),
    ):
        with pytest.raises(BadCheckpoint, match=words):
            load_into({**nets, "a": network}, held)
    with pytest.raises(BadCheckpoint, match="b/bias"):
        load_into({"a": nets["a"]}, held)


def test_the_average_follows_and_is_taken_out_again_to_the_bit() -> None:
    net = nn.Linear(3, 2)
    net.bias.requires_grad_(False)
    average = Average({"": net}, 0.9)
    start = net.weight.detach().clone()
    with torch.no_grad():
        net.weight.add_(1.0)
        net.bias.add_(1.0)
    own = {name: value.clone() for name, value in net.state_dict().items()}
    average.follow(1000)
    with average.in_place():
        assert torch.allclose(net.weight, start + 0.1, atol=1e-6)
        assert torch.equal(net.bias, own["bias"]), "frozen ones have no average"
    assert all(torch.equal(value, own[name]) for name, value in net.state_dict().items())
    early = Average({"": net}, 0.999)
    with torch.no_grad():
        net.weight.add_(11.0)
    early.follow(1)
    with early.in_place():
        assert torch.allclose(net.weight, own["weight"] + 9.0, atol=1e-5), "2/11 of the start after the first step"
