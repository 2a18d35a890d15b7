from pathlib import Path

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.audio.edit import gain, join, resample
from voicewright.errors import BadClip, BadSetting, BadWeights, MissingWeights
from voicewright.measure.similarity import SCALES, SpeakerEncoder, centre, heard, load_encoder, similarity


@pytest.fixture(scope="module", params=["ge2e", "campplus", "dvector"])
def encoder(request: pytest.FixtureRequest, encoder_files: dict[str, Path]) -> SpeakerEncoder:
    return load_encoder(request.param, encoder_files[request.param])


def faster(clip: Clip, factor: float) -> Clip:
    """Played faster: another, smaller throat."""
    return Clip(resample(Clip(clip.samples, round(clip.rate * factor)), clip.rate).samples, clip.rate)


def test_one_reader_sounds_like_himself_and_not_like_another_throat(
    encoder: SpeakerEncoder, austen: dict[str, Clip]
) -> None:
    home = centre([encoder.embed(austen[name]) for name in ("0870", "0890")])
    same = similarity(encoder.embed(austen["0920"]), home)
    other = similarity(encoder.embed(faster(austen["0920"], 1.5)), home)
    scale = SCALES[encoder.name]
    assert scale.share(same) > 0.75
    assert scale.share(other) < 0.6


def test_an_embedding_has_length_one(encoder: SpeakerEncoder, austen: dict[str, Clip]) -> None:
    embedding = encoder.embed(austen["0880"])
    assert embedding.dtype == np.float32
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-5)


def test_level_rate_and_pauses_change_little(encoder: SpeakerEncoder, austen: dict[str, Clip]) -> None:
    clip = austen["0870"]
    reference = encoder.embed(clip)
    quiet = Clip.silence(2.0, clip.rate)
    for changed in (gain(clip, -12), resample(clip, 24_000), join([quiet, clip, quiet])):
        assert similarity(encoder.embed(changed), reference) > 0.98


def test_a_long_clip_is_heard_in_stretches(encoder: SpeakerEncoder, austen: dict[str, Clip]) -> None:
    parts = [austen[name] for name in ("0870", "0890", "0920")]
    whole = encoder.embed(join(parts * 2))  # 37 s
    assert similarity(whole, centre([encoder.embed(part) for part in parts])) > 0.95


def test_too_little_sound_is_refused(encoder: SpeakerEncoder, austen: dict[str, Clip]) -> None:
    for clip in (Clip.silence(3.0, 16_000), Clip.silence(0.0, 16_000), austen["0870"].between(1.0, 1.1)):
        with pytest.raises(BadClip, match="too little sound"):
            encoder.embed(clip)


def test_pauses_are_not_heard(austen: dict[str, Clip]) -> None:
    clip = austen["0880"]
    spaced = join([clip, Clip.silence(5.0, clip.rate), clip])
    assert heard(spaced).seconds < 2 * clip.seconds + 0.3


def test_the_two_ends_of_the_scale() -> None:
    for scale in SCALES.values():
        assert scale.share(scale.same) == pytest.approx(1)
        assert scale.share(scale.different) == pytest.approx(0)


def test_what_cannot_be_loaded_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="no speaker encoder 'ecapa'"):
        load_encoder("ecapa", tmp_path)
    (tmp_path / "broken.onnx").write_bytes(b"no network at all")
    with pytest.raises(BadWeights, match=r"broken\.onnx"):
        load_encoder("dvector", tmp_path / "broken.onnx")
    for name in SCALES:
        with pytest.raises(MissingWeights):
            load_encoder(name, tmp_path / "nowhere")
