"""The phone network hears the same whatever the level and the length, and knows what phones are alike."""

from pathlib import Path

import jiwer
import numpy as np
import pytest
import torch
from torch import Tensor

from voicewright.audio.files import read_clip
from voicewright.errors import MissingWeights
from voicewright.nn.phones import PHONES, SILENCE, PhoneConfig, PhoneNetwork, load_phones, phone_classes, variants
from voicewright.samples import samples
from voicewright.text.phonemes import Phonemizer
from voicewright.text.tokens import VOCABULARY

ROOT = Path(__file__).parents[2] / "src/voicewright"
WEIGHTS = ROOT / "weights/bundled/phones.safetensors"


@pytest.fixture(scope="module")
def network() -> PhoneNetwork:
    return load_phones(WEIGHTS)


def sample(name: str) -> Tensor:
    """(1, t)"""
    return torch.tensor(read_clip(ROOT / f"samples/austen/austen-{name}.flac").samples)[None]


def spelled(log_probabilities: Tensor) -> str:
    """The likeliest phones, each run of two frames or more once, without silence."""
    best, counts = torch.unique_consecutive(log_probabilities[0].argmax(1), return_counts=True)
    return "".join(PHONES[index] for index in best[counts > 1].tolist())


def test_tiny_twin_gives_probabilities_every_20_ms() -> None:
    tiny = PhoneNetwork(PhoneConfig.tiny())
    heard = tiny.hear(torch.randn(2, 16_000, generator=torch.Generator().manual_seed(0)))
    assert heard.shape == (2, 51, len(PHONES))
    assert torch.allclose(heard.exp().sum(-1), torch.ones(2, 51), atol=1e-5)


def test_classes_are_symbols_of_the_alphabet_and_leave_out_stress() -> None:
    assert all(phone in VOCABULARY for phone in PHONES[1:])
    assert len(set(PHONES)) == len(PHONES)
    assert phone_classes("ˈɪŋɡlˌɪʃ,") == [PHONES.index(phone) for phone in "ɪŋɡlɪʃ"]
    assert phone_classes("ᵊɐ") == phone_classes("əə")
    assert phone_classes("— ːˈ") == []
    assert all(SILENCE not in pair and pair[0] != pair[1] for pair in variants())


@pytest.mark.parametrize("language", ["en-us", "en-gb"])
def test_every_english_sound_has_a_class(language: str) -> None:
    phonemes = Phonemizer(language)("Boys judge the vision of thick treasure, while young cats wash hot flowers.")
    assert len(phone_classes(phonemes)) == sum(symbol not in "ˈˌː,. " for symbol in phonemes)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match=r"phones\.safetensors"):
        load_phones(tmp_path / "phones.safetensors")


def test_weights_are_small(network: PhoneNetwork) -> None:
    assert WEIGHTS.stat().st_size < 4_000_000
    assert sum(parameter.numel() for parameter in network.parameters()) < 2_000_000


@pytest.mark.parametrize("gain", [0.01, 0.3])
def test_level_does_not_matter(network: PhoneNetwork, gain: float) -> None:
    wave = sample("0880")
    assert (network.hear(wave).argmax(-1) == network.hear(wave * gain).argmax(-1)).float().mean() > 0.98


def test_silence_and_hiss_are_no_phones(network: PhoneNetwork) -> None:
    wave = sample("0880")
    pause = torch.zeros(1, 16_000)
    hiss = 0.002 * torch.randn(1, 16_000, generator=torch.Generator().manual_seed(1))
    for quiet in (pause, hiss):
        heard = network.hear(torch.cat([wave, quiet, wave], dim=1))[0]
        middle = wave.shape[1] // 320 + 25
        assert (heard[middle - 15 : middle + 15].argmax(1) == SILENCE).float().mean() > 0.9


def test_a_real_reader_is_understood(network: PhoneNetwork) -> None:
    """A stranger's recordings, spelled phone by phone, are nearer to what is said than to what is not."""
    phonemizer = Phonemizer("en-us")
    expected = ["".join(PHONES[index] for index in phone_classes(phonemizer(said.text))) for said in samples()]
    spelling = [spelled(network.hear(torch.tensor(read_clip(said.path).samples)[None])) for said in samples()]
    assert jiwer.cer(expected, spelling) < 0.55
    assert jiwer.cer(expected, spelling) < 0.7 * jiwer.cer(expected[1:] + expected[:1], spelling)


def test_a_phone_is_where_it_is_whatever_comes_later(network: PhoneNetwork) -> None:
    wave = sample("0880")
    alone = network.hear(wave)[0].argmax(1).numpy()
    followed = network.hear(torch.cat([wave, sample("0890")], dim=1))[0, : len(alone)].argmax(1).numpy()
    assert np.mean(alone[:-30] == followed[:-30]) > 0.85
