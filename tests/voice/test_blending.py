"""A blend lies between its parents, says whose it is, and takes nobody's consent for everybody's."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from voicewright.errors import BadSetting, BadVoice, NoConsent
from voicewright.voice.blending import blend
from voicewright.voice.consent import Consent
from voicewright.voice.file import read_voice, write_voice
from voicewright.voice.voice import Source, Voice

MakeVoice = Callable[..., Voice]


def of_unit_length(seed: int) -> np.ndarray:
    vector = np.random.default_rng(seed).standard_normal(16).astype(np.float32)
    return vector / np.linalg.norm(vector)


@pytest.fixture
def anna(full_voice: MakeVoice) -> Voice:
    voice = full_voice("anna")
    return dataclasses.replace(voice, tensors={**voice.tensors, "embedding.ge2e": of_unit_length(1)})


@pytest.fixture
def ben(anna: Voice) -> Voice:
    tensors = {"style": anna.tensors["style"] + 1, "level": np.array(1.5, np.float32)}
    return dataclasses.replace(
        anna,
        name="ben",
        tensors=tensors | {"embedding.ge2e": of_unit_length(2)},
        language="en-us",
        sources=(*anna.sources, Source(sha256="02" * 32, seconds=4.0, name="rec 2.wav")),
        consent=Consent("Ben agreed by letter."),
        licence="MIT",
    )


def test_a_blend_lies_between_its_parents(anna: Voice, ben: Voice) -> None:
    mix = blend([anna, ben], [0.25, 0.75], name="mix")
    np.testing.assert_allclose(mix.tensors["style"], anna.tensors["style"] + 0.75, rtol=1e-6)
    assert mix.tensors["level"] == pytest.approx(1.25)
    embedding = mix.tensors["embedding.ge2e"]
    assert np.linalg.norm(embedding) == pytest.approx(1)
    likeness = [float(embedding @ parent.tensors["embedding.ge2e"]) for parent in (anna, ben)]
    assert likeness[1] > likeness[0] > float(of_unit_length(1) @ of_unit_length(2))
    assert mix.language == "en-us"


def test_the_whole_of_one_voice_is_that_voice(anna: Voice, ben: Voice) -> None:
    same = blend([anna, ben], [1, 0], name="same")
    for key, array in anna.tensors.items():
        np.testing.assert_allclose(same.tensors[key], array, rtol=1e-6)
    assert same.language == anna.language


def test_a_blend_tells_where_it_came_from_and_claims_nothing(anna: Voice, ben: Voice, tmp_path: Path) -> None:
    write_voice(blend([anna, ben], name="mix"), tmp_path / "mix.voice")
    mix = read_voice(tmp_path / "mix.voice")
    assert [source.name for source in mix.sources] == ["rec 1.wav", "rec 2.wav"]
    assert mix.consent.statement == f"anna: {anna.consent.statement}\nben: Ben agreed by letter."
    assert mix.licence == "CC-BY-4.0 AND MIT"
    assert [(each["voice"], each["weight"]) for each in mix.settings["blend"]] == [("anna", 0.5), ("ben", 0.5)]
    assert mix.scores == {}
    assert mix.preview is None
    assert (mix.engine, mix.weights) == (anna.engine, anna.weights)


def test_one_parents_consent_is_not_the_others(anna: Voice, ben: Voice) -> None:
    silent = dataclasses.replace(ben, consent=Consent(" "))
    mix = blend([anna, silent], name="mix")
    assert not mix.consent.stated
    assert mix.settings["blend"][0]["consent"] == anna.consent.statement
    with pytest.raises(NoConsent, match="'ben' none was stated"):
        blend([anna, silent], name="mix", consent_required=True)
    assert blend([anna, ben], name="mix", consent_required=True).consent.stated


@pytest.mark.parametrize(
    "weights",
    [
        [0.5],
        [0.5, 0.6],
        [1.5, -0.5],
        [float("nan"), 1],
        [float("inf"), float("-inf")],
        [1e308, 1e308],
        [0, 0],
        [0.5, 0.25, 0.25],
    ],
)
def test_weights_that_are_no_shares_are_refused(anna: Voice, ben: Voice, weights: list[float]) -> None:
    with pytest.raises(BadSetting, match="weights"):
        blend([anna, ben], weights, name="mix")


def test_rounded_shares_are_taken_as_meant(anna: Voice, ben: Voice, full_voice: MakeVoice) -> None:
    third = dataclasses.replace(anna, name="third")
    mix = blend([anna, ben, third], [0.333, 0.333, 0.333], name="mix")
    assert [each["weight"] for each in mix.settings["blend"]] == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"engine": "other"}, "different engines"),
        ({"weights": "cd" * 32}, "different weights"),
        ({"name": "anna"}, "two different voices"),
        ({"tensors": {"style": np.zeros(3, np.float32)}}, "same tensors"),
        ({"tensors": {"adapter.decoder.weight.up": np.zeros(3, np.float32)}}, "was trained"),
        ({"tensors": {"network.emb_g.weight": np.zeros(3, np.float32)}}, "--set speakers"),
    ],
)
def test_voices_that_do_not_mix_are_refused(anna: Voice, ben: Voice, change: dict[str, object], words: str) -> None:
    with pytest.raises(BadVoice, match=words):
        blend([anna, dataclasses.replace(ben, **change)], name="mix")  # type: ignore[arg-type]


def test_one_voice_is_no_blend_and_a_name_is_a_name(anna: Voice, ben: Voice) -> None:
    with pytest.raises(BadVoice, match="two different voices"):
        blend([anna], name="mix")
    with pytest.raises(BadVoice, match="cannot be a voice's name"):
        blend([anna, ben], name="../mix")
