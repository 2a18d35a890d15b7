"""A foreign file becomes safetensors once, with its origin written in it; damaged safetensors are said to be so."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from voicewright.errors import BadWeights, UnsafeFile
from voicewright.weights.convert import convert_foreign, main
from voicewright.weights.tensors import read_metadata, read_tensors, stamp
from voicewright.weights.verified import sha256_of


@pytest.fixture
def source(tmp_path: Path) -> Path:
    table = torch.arange(6.0).reshape(2, 3)
    state = {
        "model": {"in": table, "out": table, "turned": table.T, "ids": torch.tensor([1, 2])},
        "optimizer": {"state": {0: {"step": torch.tensor(5.0)}}, "groups": [{"lr": 0.1}]},
        "step": 7,
    }
    torch.save(state, tmp_path / "w.pth")
    return tmp_path / "w.pth"


def test_tensors_values_and_origin_are_kept(source: Path, tmp_path: Path) -> None:
    notes = convert_foreign(source, tmp_path / "w.safetensors", licence="MIT", attribution="someone")
    found = read_tensors(tmp_path / "w.safetensors")
    assert found["model.turned"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert found["model.out"].tolist() == found["model.in"].tolist()
    assert found["optimizer.state.0.step"] == 5
    assert read_metadata(tmp_path / "w.safetensors") == notes
    assert notes["source_sha256"] == sha256_of(source)
    assert (notes["source"], notes["licence"], notes["attribution"], notes["format_version"]) == (
        "w.pth", "MIT", "someone", "1",
    )  # fmt: skip
    assert json.loads(notes["values"]) == {"step": 7, "optimizer.groups.0.lr": 0.1}


def test_only_what_is_wanted_in_half_the_room(source: Path, tmp_path: Path) -> None:
    convert_foreign(
        source, tmp_path / "w.safetensors", licence="MIT", keep=lambda name: name.startswith("model."), half=True
    )
    found = read_tensors(tmp_path / "w.safetensors")
    assert set(found) == {"model.in", "model.out", "model.turned", "model.ids"}
    assert found["model.in"].dtype == np.float16
    assert found["model.ids"].dtype == np.int64
    with pytest.raises(BadWeights, match="no tensors"):
        convert_foreign(source, tmp_path / "x.safetensors", licence="MIT", keep=lambda name: False)


def test_a_hostile_file_is_not_converted(tmp_path: Path) -> None:
    torch.save({"w": torch.nn.Linear(1, 1)}, tmp_path / "w.pth")
    with pytest.raises(UnsafeFile):
        convert_foreign(tmp_path / "w.pth", tmp_path / "w.safetensors", licence="MIT")
    assert not (tmp_path / "w.safetensors").exists()


def test_two_entries_that_flatten_to_one_name(tmp_path: Path) -> None:
    torch.save({"a": {"b": torch.zeros(1)}, "a.b": torch.ones(1)}, tmp_path / "w.pth")
    with pytest.raises(BadWeights, match=r"'a\.b'"):
        convert_foreign(tmp_path / "w.pth", tmp_path / "w.safetensors", licence="MIT")


def test_command_line(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "w.safetensors"
    assert main([str(source), str(out), "--licence", "MIT", "--only", "model.", "--half"]) == 0
    assert set(read_tensors(out)) == {"model.in", "model.out", "model.turned", "model.ids"}
    assert "source_sha256" in capsys.readouterr().out
    assert main([str(tmp_path / "none.pth"), str(out), "--licence", "MIT"]) == 1
    assert "none.pth" in capsys.readouterr().err


def test_stamp_adds_notes_and_leaves_the_numbers(tmp_path: Path) -> None:
    save_file({"w": np.arange(5, dtype=np.float32), "v": np.ones((2, 2), np.int8)}, tmp_path / "a", metadata={"x": "1"})
    stamp(tmp_path / "a", tmp_path / "b", {"licence": "MIT", "x": "2"})
    assert read_metadata(tmp_path / "b") == {"x": "2", "licence": "MIT"}
    assert read_tensors(tmp_path / "b")["w"].tolist() == [0, 1, 2, 3, 4]
    with safe_open(tmp_path / "b", framework="numpy") as file:  # the library's own reader agrees
        assert file.metadata()["licence"] == "MIT"


@pytest.mark.parametrize(
    "content",
    [
        b"", b"short", bytes(8), struct.pack("<Q", 1 << 60) + b"{}", struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 60) + b'{"w":{"dtype":"F32","shape":[99],"data_offsets":[0,396]}}   ',
        struct.pack("<Q", 100_000) + b"[" * 100_000,
    ],
)  # fmt: skip
def test_damaged_safetensors_are_said_to_be_damaged(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(BadWeights, match=r"w\.safetensors"):
        read_tensors(path)


def test_notes_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    for content in (b"", struct.pack("<Q", 2) + b"[]", struct.pack("<Q", 22) + b'{"__metadata__":{"a":1'):
        path.write_bytes(content)
        with pytest.raises(BadWeights, match=r"w\.safetensors"):
            read_metadata(path)
    with pytest.raises(BadWeights, match=r"none"):
        read_tensors(tmp_path / "none")
