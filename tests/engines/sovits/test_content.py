"""Which content encoder a checkpoint needs, and what is said when it is not at hand."""

from pathlib import Path

import pytest

from voicewright.audio.clip import Clip
from voicewright.engines.sovits.content import ENCODERS, encoder_name, find_encoder
from voicewright.errors import BadSetting, BadVoice, BadWeights, MissingWeights
from voicewright.weights.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "weights", offline=True)


@pytest.mark.parametrize(
    ("named", "width", "name"),
    [
        ("", 256, "vec256l9"),
        ("", 768, "vec768l12"),
        ("vec768l12-onnx", 768, "vec768l12"),
        ("dphubert", 768, "dphubert"),
    ],
)
def test_a_checkpoint_tells_its_encoder(named: str, width: int, name: str) -> None:
    assert encoder_name(named, width) == name


def test_a_mismatch_says_what_is_needed() -> None:
    with pytest.raises(BadVoice, match=r"256 numbers .*'vec768l12'.* gives 768.*or it needs vec256l9"):
        encoder_name("vec768l12", 256)
    with pytest.raises(BadVoice, match="17 numbers a frame and does not say"):
        encoder_name("", 17)
    with pytest.raises(BadVoice, match="did you mean 'vec768l12'"):
        encoder_name("vec768l2", 768)


def test_an_encoder_that_nothing_runs_is_told_by_name(store: Store) -> None:
    with pytest.raises(BadSetting, match=r"hubertsoft.*does not run; it runs vec768l12"):
        find_encoder("hubertsoft", store)
    with pytest.raises(BadSetting, match="no content encoder 'nothing'"):
        find_encoder("nothing", store)


def test_missing_weights_say_where_they_come_from(store: Store) -> None:
    pytest.importorskip("transformers")
    with pytest.raises(MissingWeights, match="content-vec-best"):
        find_encoder("vec768l12", store)
    with pytest.raises(BadSetting, match="say where they are"):
        find_encoder("whisper-ppg", store)


def test_the_bundled_whisper_hears(store: Store) -> None:
    encoder = find_encoder("whisper-tiny", store)
    assert (encoder.name, encoder.dimension, encoder.frames_per_second) == ("whisper-tiny", 384, 50)
    assert encoder.encode(Clip.silence(0.5, 22_050)).shape == (25, 384)
    assert encoder.encode(Clip.silence(0, 22_050)).shape == (0, 384)


def test_another_whisper_than_the_one_meant_is_noticed(store: Store) -> None:
    folder = store.folder("whisper-tiny.en")
    with pytest.raises(BadWeights, match="width 1024; the one given has 384"):
        find_encoder("whisper-ppg", store, folder).encode(Clip.silence(0.5, 16_000))


def test_every_encoder_can_be_named_by_a_checkpoint() -> None:
    assert all(encoder_name(name, kind.dimension) == name for name, kind in ENCODERS.items())
