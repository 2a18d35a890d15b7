"""Which engines there are, and what every engine promises."""

import pytest

from voicewright.engines.base import Converts, HasOwnVoice, Speaks
from voicewright.engines.kokoro.engine import KokoroEngine
from voicewright.engines.options import SpeakOptions
from voicewright.engines.registry import BUILT_IN, DEFAULT, abilities, engines, load
from voicewright.errors import BadSetting


def test_the_default_engine_is_there() -> None:
    assert DEFAULT in BUILT_IN
    assert engines()[DEFAULT] == BUILT_IN[DEFAULT]


def test_an_unknown_engine_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadSetting, match=r"no engine 'kokorro'; installed: .*kokoro"):
        load("kokorro", None)


def test_options_go_to_the_engine() -> None:
    with pytest.raises(BadSetting, match="'cuda'"):
        load("kokoro", None, device="cuda")
    with pytest.raises(BadSetting, match="'int4'"):
        load("kokoro", None, precision="int4")


@pytest.mark.parametrize("promise", ["name", "rate", "weights", "licence", "enroll", "stream", "own_voice"])
def test_the_default_engine_can_what_an_engine_can(promise: str) -> None:
    assert hasattr(HasOwnVoice, promise)
    assert hasattr(KokoroEngine, promise)


@pytest.mark.parametrize("speed", [0.49, 2.01, -1.0, float("nan")])
def test_a_speed_out_of_range_is_refused(speed: float) -> None:
    with pytest.raises(BadSetting, match="speed"):
        SpeakOptions(speed=speed)


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name.endswith("-tiny")])
def test_what_an_engine_says_it_can_do_is_what_its_type_can(name: str) -> None:
    engine = load(name, None)
    said = abilities(name)
    assert said == abilities(name.removesuffix("-tiny"))
    assert ("speaks" in said, "clones" in said) == (isinstance(engine, Speaks),) * 2
    assert ("converts" in said) == isinstance(engine, Converts)
    assert ("learns" in said) == hasattr(engine, "recipe")


def test_an_unknown_engine_can_do_nothing() -> None:
    with pytest.raises(BadSetting, match="no engine 'kokorro'"):
        abilities("kokorro")
