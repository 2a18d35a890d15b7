from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicewright.engines.options import EnrollOptions, SpeakOptions
from voicewright.errors import BadSetting
from voicewright.home import Home, HomeSettings
from voicewright.settings import describe, from_dict, load, save, to_dict


@dataclass(frozen=True, kw_only=True)
class Inner:
    """Nested."""

    depth: int = 1
    """How deep."""


@dataclass(frozen=True, kw_only=True)
class Outer(SpeakOptions):
    """More than its base."""

    mode: Literal["slow", "fast"] = "slow"
    """A choice
    in two lines."""
    undocumented: tuple[float, ...] = (1.0, 2.0)
    inner: Inner = field(default_factory=Inner)
    """The nested one."""


@given(speed=st.floats(0.5, 2.0), seed=st.integers(0, 2**63), suffix=st.sampled_from([".json", ".yaml"]))
def test_options_come_back_equal_from_any_file(
    tmp_path_factory: pytest.TempPathFactory, speed: float, seed: int, suffix: str
) -> None:
    path = tmp_path_factory.mktemp("options") / f"o{suffix}"
    options = Outer(speed=speed, seed=seed, mode="fast", undocumented=(3.5,), inner=Inner(depth=4))
    save(options, path)
    assert load(Outer, path) == options


@pytest.mark.parametrize(("written", "speed"), [("1e-0", 1.0), ("1.5E0", 1.5), ("+2e0", 2.0), ("1", 1.0), ("0.5", 0.5)])
def test_numbers_with_exponents_are_numbers(tmp_path: Path, written: str, speed: float) -> None:
    """To YAML 1.1 they are text, and everybody writes a learning rate as 1e-4."""
    (tmp_path / "o.yaml").write_text(f"speed: {written}\n", "utf-8")
    assert load(SpeakOptions, tmp_path / "o.yaml").speed == speed


@pytest.mark.parametrize("name", ["1e-4", "12", "true", "null", "1e", "e5", "1_000", "x: y", "", "\x07"])
def test_text_that_looks_like_a_number_stays_text(tmp_path: Path, name: str) -> None:
    save(HomeSettings(default_voice=name), tmp_path / "o.yaml")
    assert load(HomeSettings, tmp_path / "o.yaml").default_voice == name


def test_what_is_not_given_keeps_its_default() -> None:
    assert from_dict(EnrollOptions, {"seed": 3}) == EnrollOptions(seed=3)


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"sped": 1.0}, "did you mean 'speed'"),
        ({"zzz": 1.0}, "known are speed, seed, mode"),
        ({"seed": "3"}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"mode": "quick"}, "mode.*'slow' or 'fast'"),
        ({"speed": 9}, "speed must be between 0.5 and 2"),
        ({"inner": {"dept": 1}}, "inner: unknown setting 'dept'; did you mean 'depth'"),
    ],
)
def test_a_wrong_setting_is_refused_in_words(given_: dict[str, object], message: str) -> None:
    with pytest.raises(BadSetting, match=message):
        from_dict(Outer, given_)


def test_the_message_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    for text in ("require_consnt: true", "- a\n- b", "a: [", "!!python/object/apply:os.system ['true']"):
        path.write_text(text, "utf-8")
        with pytest.raises(BadSetting, match=r"settings\.yaml"):
            load(HomeSettings, path)
    path.write_bytes("require_consent: true".encode("utf-16"))
    with pytest.raises(BadSetting, match=r"settings\.yaml"):
        load(HomeSettings, path)


def test_every_field_of_our_options_is_explained() -> None:
    for cls in (EnrollOptions, SpeakOptions, HomeSettings):
        assert set(describe(cls)) == set(to_dict(cls()))


def test_descriptions_include_the_base_and_leave_out_nothing_said() -> None:
    texts = describe(Outer)
    assert texts["mode"] == "A choice in two lines."
    assert "twice as fast" in texts["speed"]
    assert "undocumented" not in texts


def test_home_is_where_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEWRIGHT_HOME", str(tmp_path / "env"))
    assert Home.find().root == tmp_path / "env"
    assert Home.find(tmp_path / "given").root == tmp_path / "given"
    monkeypatch.delenv("VOICEWRIGHT_HOME")
    assert Home.find().root.name == "voicewright"
    assert not (tmp_path / "env").exists()


def test_home_settings_are_read_and_kept(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.settings() == HomeSettings()
    save(HomeSettings(require_consent=True), home.settings_file)
    assert home.settings().require_consent
    assert "# Refuse to make a voice" in home.settings_file.read_text("utf-8")
