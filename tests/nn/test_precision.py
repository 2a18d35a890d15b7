"""The precision is read off the processor, so that every run of one machine gives the same samples."""

import pytest
import torch

from voicewright.errors import BadSetting
from voicewright.nn.precision import bfloat16_speedup, choose_precision, has_native_bfloat16


@pytest.mark.parametrize(
    ("features", "chosen"),
    [
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True, "avx512_bf16": False}, torch.bfloat16),
        ({"avx2": True, "avx512_f": True}, torch.float32),
        ({"avx512_bf16": False, "amx_bf16": False}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_auto_is_bfloat16_where_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch, features: dict[str, bool], chosen: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: features, raising=False)
    assert choose_precision("auto", device="cpu") == chosen
    assert has_native_bfloat16("cpu") == (chosen == torch.bfloat16)


def test_an_older_torch_that_cannot_tell_means_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert choose_precision("auto", device="cpu") == torch.float32


def test_what_is_asked_for_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True}, raising=False)
    assert choose_precision("float32", device="cpu") == torch.float32
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {}, raising=False)
    assert choose_precision("bfloat16", device="cpu") == torch.bfloat16


def test_another_name_is_refused() -> None:
    with pytest.raises(BadSetting, match=r"'float16'.*auto, float32 or bfloat16"):
        choose_precision("float16", device="cpu")


def test_the_doctor_can_measure_the_gain() -> None:
    assert 0.001 < bfloat16_speedup(rounds=2) < 1000
