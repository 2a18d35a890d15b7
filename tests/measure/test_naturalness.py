from pathlib import Path

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.errors import BadClip, MissingWeights
from voicewright.measure.naturalness import Dnsmos


@pytest.fixture(scope="module")
def meter(dnsmos_files: tuple[Path, Path]) -> Dnsmos:
    return Dnsmos(*dnsmos_files)


def test_the_marks_are_those_of_the_published_tool(meter: Dnsmos, austen: dict[str, Clip]) -> None:
    """Expected: speechmos 0.0.1.1 `dnsmos.run` on the same samples, with librosa 0.11."""
    marks = meter.score(austen["0870"])
    assert marks.overall == pytest.approx(3.24238546, abs=1e-3)
    assert marks.signal == pytest.approx(3.60231867, abs=1e-3)
    assert marks.background == pytest.approx(3.92381527, abs=1e-3)
    assert marks.p808 == pytest.approx(3.7551403, abs=1e-3)


def test_noise_and_clipping_lower_the_marks(meter: Dnsmos, austen: dict[str, Clip]) -> None:
    clip = austen["0920"]
    clean = meter.score(clip, most_windows=1)
    hiss = np.random.default_rng(0).normal(0, 0.02, len(clip)).astype(np.float32)
    noisy = meter.score(clip.with_samples(clip.samples + hiss), most_windows=1)
    torn = meter.score(clip.with_samples(np.clip(30 * clip.samples, -0.5, 0.5)), most_windows=1)
    assert noisy.background < clean.background - 0.5
    assert noisy.overall < clean.overall - 0.3
    assert torn.signal < clean.signal - 0.2


def test_another_rate_is_marked_alike(meter: Dnsmos, austen: dict[str, Clip]) -> None:
    clip = austen["0930"]
    plain, resampled = (meter.score(each, most_windows=1).overall for each in (clip, resample(clip, 24_000)))
    assert resampled == pytest.approx(plain, abs=0.1)


def test_fewer_windows_say_nearly_the_same(meter: Dnsmos, austen: dict[str, Clip]) -> None:
    clip = austen["0870"]
    assert meter.score(clip, most_windows=2).overall == pytest.approx(meter.score(clip).overall, abs=0.15)


def test_the_older_network_is_optional(dnsmos_files: tuple[Path, Path], austen: dict[str, Clip]) -> None:
    assert Dnsmos(dnsmos_files[0]).score(austen["0880"], most_windows=1).p808 is None


def test_what_cannot_be_marked_is_said(meter: Dnsmos, tmp_path: Path) -> None:
    with pytest.raises(BadClip, match="empty"):
        meter.score(Clip.silence(0.0, 16_000))
    with pytest.raises(MissingWeights):
        Dnsmos(tmp_path / "nowhere.onnx")
