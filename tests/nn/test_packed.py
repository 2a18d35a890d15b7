"""Packed convolutions compute what the plain ones do."""

import pytest
import torch
from torch import nn

from voicewright.nn import packed
from voicewright.nn.packed import PackedConv1d, pack

SHAPES = [
    (24, 32, 7, {"dilation": 3, "padding": 9}),
    (33, 16, 3, {"stride": 2, "padding": 1}),
    (8, 8, 1, {"bias": False}),
]


def network(dtype: torch.dtype) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(*(nn.Conv1d(ins, outs, kernel, **more) for ins, outs, kernel, more in SHAPES)).to(dtype)


@pytest.mark.parametrize(("dtype", "near"), [(torch.float32, 1e-5), (torch.bfloat16, 0.02)])
@pytest.mark.parametrize("frames", [3, 40, 1000])
@torch.inference_mode()
def test_it_computes_the_same(dtype: torch.dtype, near: float, frames: int) -> None:
    plain, made = network(dtype), network(dtype)
    pack(made)
    assert all(isinstance(conv, PackedConv1d) for conv in made)
    for before, after in zip(plain, made, strict=True):
        x = torch.randn(2, before.in_channels, frames).to(dtype)
        assert torch.allclose(after(x).float(), before(x).float(), atol=near, rtol=near)


@torch.inference_mode()
def test_where_it_is_not_possible_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(conv: nn.Conv1d) -> PackedConv1d:
        raise AttributeError("no such operation in this version")

    monkeypatch.setattr(packed, "PackedConv1d", missing)
    made = network(torch.float32)
    pack(made)
    assert all(isinstance(conv, nn.Conv1d) for conv in made)


@torch.inference_mode()
def test_what_comes_out_wrong_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PackedConv1d, "forward", lambda self, x: torch.tensor(1.0))
    made = network(torch.float32)
    pack(made)
    assert all(isinstance(conv, nn.Conv1d) for conv in made)
