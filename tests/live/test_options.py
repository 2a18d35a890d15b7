"""Absurd values are refused with a sentence; those on the edge work."""

import math

import pytest

from voicewright.errors import BadSetting
from voicewright.live.options import CHANGEABLE, RANGES, LiveOptions, number_or_auto
from voicewright.settings import describe, from_dict, to_dict


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("value", [-1e6, 1e6, math.nan, math.inf, True, "loud"])
def test_an_absurd_value_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(BadSetting, match=name):
        LiveOptions(**{name: value})


@pytest.mark.parametrize("name", ["block_ms", "crossfade_ms"])
def test_nothing_is_too_short(name: str) -> None:
    with pytest.raises(BadSetting, match="between"):
        LiveOptions(**{name: 0})


@pytest.mark.parametrize("name", RANGES)
def test_the_ends_of_a_range_are_in_it(name: str) -> None:
    for value in RANGES[name]:
        assert getattr(LiveOptions(**{name: value}), name) == value


def test_options_survive_a_file_and_explain_themselves() -> None:
    options = LiveOptions(block_ms=120.0, transpose="auto", passthrough=True)
    assert from_dict(LiveOptions, to_dict(options)) == options
    assert set(describe(LiveOptions)) == set(to_dict(options))
    assert set(to_dict(options)) >= CHANGEABLE


def test_what_is_typed_is_a_number_or_auto() -> None:
    assert number_or_auto("Auto", "transpose") == "auto"
    assert number_or_auto("-3.5", "transpose") == -3.5
    with pytest.raises(BadSetting, match="transpose is a number or auto"):
        number_or_auto("high", "transpose")
