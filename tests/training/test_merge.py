import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))  # `made_up` lies beside this file

from made_up import voice

from voicewright.errors import BadCheckpoint, BadSetting
from voicewright.training.checkpoint import Checkpoint, Snapshot, load_into, read_checkpoint, write_checkpoint
from voicewright.training.merge import KEPT, merge, merged
from voicewright.training.options import TrainingPlan
from voicewright.training.run import Run
from voicewright.voice.file import write_voice

Tensors = dict[str, torch.Tensor]


def learned(seed: int, *, rank: int = 2) -> Tensors:
    numbers = torch.Generator().manual_seed(seed)
    return {
        "adapters.downs.0": torch.randn(rank, 6, generator=numbers),
        "adapters.ups.0": torch.randn(5, rank, generator=numbers),
        "style": torch.randn(4, generator=numbers),
        "seen": torch.tensor(seed),
    }


def change(tensors: Tensors) -> torch.Tensor:
    return tensors["adapters.ups.0"] @ tensors["adapters.downs.0"]


def checkpoint(
    folder: Path, tensors: Tensors, *, start: float = 0.5, average: Tensors | None = None, **info: object
) -> Path:
    """A checkpoint in a run of its own."""
    run = Run.create(folder, TrainingPlan(dataset="d", run="r"))
    write_voice(voice(start), run.start_voice)
    base = Checkpoint(folder=folder, step=100, steps=100, epoch=1.0, engine="tones", weights="0" * 64)
    snapshot = Snapshot(
        info=replace(base, **info),  # type: ignore[arg-type]
        networks={"decoder": tensors},
        average={"decoder": average} if average else None,
    )
    return write_checkpoint(run.checkpoint_folder, snapshot).folder


def test_weights_are_averaged_with_their_shares(tmp_path: Path) -> None:
    a, b = learned(1), learned(2)
    places = [checkpoint(tmp_path / name, each) for name, each in (("a", a), ("b", b))]
    run = merge(places, (3, 1), tmp_path / "merged")
    (found,) = run.checkpoints()
    style = found.networks()["decoder"]["style"]
    torch.testing.assert_close(style, 0.75 * a["style"] + 0.25 * b["style"])
    assert run.state().status == "finished"
    assert run.start_voice.is_file()
    assert all(str(place) in found.parent for place in places)
    assert read_checkpoint(found.folder).networks()["decoder"]["seen"] == 1


def test_the_merged_adapter_is_the_nearest_to_the_mean_change() -> None:
    a, b = learned(1), learned(2)
    found, (kept,) = merged([a, b], (0.5, 0.5))
    mean = (change(a) + change(b)) / 2
    missed = (change(found) - mean).square().sum()
    assert missed < ((change({k: (a[k] + b[k]) / 2 for k in a if "downs" in k or "ups" in k}) - mean).square().sum())
    assert 1 - missed / mean.square().sum() == pytest.approx(kept, abs=1e-5)
    assert 0.5 < kept < 1
    shapes = {name: tensor.shape for name, tensor in a.items()}
    assert {name: tensor.shape for name, tensor in found.items()} == shapes


def test_adapters_that_fit_into_the_rank_are_merged_exactly() -> None:
    a = learned(1)
    b = {**a, "adapters.ups.0": a["adapters.ups.0"] @ torch.tensor([[0.3, 1.0], [-2.0, 0.4]])}
    found, (kept,) = merged([a, b], (0.2, 0.8))
    torch.testing.assert_close(change(found), 0.2 * change(a) + 0.8 * change(b))
    assert kept == pytest.approx(1)
    nothing = {**a, "adapters.ups.0": torch.zeros(5, 2)}
    assert not change(merged([nothing, nothing], (0.5, 0.5))[0]).any()
    wide = {name: torch.randn(shape) for name, shape in (("downs.0", (8, 3)), ("ups.0", (2, 8)))}
    again, _ = merged([wide, wide], (0.5, 0.5))
    torch.testing.assert_close(again["ups.0"] @ again["downs.0"], wide["ups.0"] @ wide["downs.0"])


def test_a_merge_of_one_with_itself_is_that_one_and_averages_come_first(tmp_path: Path) -> None:
    a, smooth = learned(1), learned(3)
    place = checkpoint(tmp_path / "a", a, average=smooth)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    run = merge([place, tmp_path / "b" / "checkpoints" / "step-00000100"], (0.5, 0.5), tmp_path / "merged")
    found = run.checkpoints()[0]
    torch.testing.assert_close(found.networks()["decoder"]["style"], smooth["style"])
    torch.testing.assert_close(change(found.networks()["decoder"]), change(smooth))
    assert found.figures[KEPT] == pytest.approx(1)
    with pytest.raises(BadCheckpoint, match="cannot be resumed"):
        found.state()


def test_a_merged_checkpoint_is_loaded_like_any(tmp_path: Path) -> None:
    places = []
    for seed in (1, 2):
        network = torch.nn.Linear(3, 2)
        weights = {name: value.detach().clone() for name, value in network.named_parameters()}
        places.append(checkpoint(tmp_path / str(seed), weights))
    run = merge(places, (1, 1), tmp_path / "merged")
    network = torch.nn.Linear(3, 2)
    load_into({"decoder": network}, run.checkpoints()[0])
    torch.testing.assert_close(network.weight.detach(), run.checkpoints()[0].networks()["decoder"]["weight"])


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"engine": "other"}, "engine"),
        ({"weights": "1" * 64}, "weights below it"),
        ({"plan": {"lora": {"alpha": 3.0}}}, "adapters"),
        ({"start": 0.7}, "voice it started from"),
    ],
)
def test_what_does_not_belong_together_is_refused(tmp_path: Path, change: dict[str, object], word: str) -> None:
    a = checkpoint(tmp_path / "a", learned(1))
    b = checkpoint(tmp_path / "b", learned(2), **change)  # type: ignore[arg-type]
    with pytest.raises(BadCheckpoint, match=word):
        merge([a, b], (1, 1), tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_other_shapes_are_named(tmp_path: Path) -> None:
    a = checkpoint(tmp_path / "a", learned(1))
    b = checkpoint(tmp_path / "b", learned(2, rank=3))
    with pytest.raises(BadCheckpoint, match=r"decoder/adapters.downs.0 \(\(2, 6\) there, \(3, 6\) here\)"):
        merge([a, b], (1, 1), tmp_path / "merged")


def test_weights_that_make_no_mean_and_taken_folders_are_refused(tmp_path: Path) -> None:
    a, b = (checkpoint(tmp_path / name, learned(1)) for name in "ab")
    for weights in ((0, 0), (1,), (-1, 2), (float("nan"), 1)):
        with pytest.raises(BadSetting):
            merge([a, b], weights, tmp_path / "merged")
    with pytest.raises(BadSetting, match="two checkpoints"):
        merge([a], (1,), tmp_path / "merged")
    with pytest.raises(BadSetting, match="not empty"):
        merge([a, b], (1, 1), tmp_path / "a")
    (b / "weights.safetensors").write_bytes(b"")
    with pytest.raises(BadCheckpoint):
        merge([a, b], (1, 1), tmp_path / "merged")
