"""The engine: a voice of its own network, from recording to recording."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from voicewright.audio.clip import Clip
from voicewright.audio.pitch import Pitch
from voicewright.engines import registry
from voicewright.engines.base import Converts, Exports
from voicewright.engines.sovits.clusters import write_clusters
from voicewright.engines.sovits.conversion_options import SovitsConvertOptions
from voicewright.engines.sovits.diffusion import DiffusionConfig, Unit2Mel
from voicewright.engines.sovits.engine import SovitsConverter, SovitsEngine, volume
from voicewright.engines.sovits.retrieval import write_index
from voicewright.engines.sovits.singer import singer_of
from voicewright.engines.sovits.twin import tiny_voice
from voicewright.engines.sovits.vocoder import Generator, VocoderConfig
from voicewright.errors import BadClip, BadSetting, BadVoice, WrongVoice
from voicewright.settings import from_dict, to_dict
from voicewright.voice.file import parse_voice, voice_bytes
from voicewright.weights.store import Store

WIDTH = 384


class Ear:
    """A content encoder without weights: the level of the sound in a few places of each frame."""

    name, dimension, frames_per_second = "ear", WIDTH, 50.0

    def encode(self, clip: Clip) -> np.ndarray:
        count = round(clip.seconds * 50)
        at = np.linspace(0, max(0, len(clip) - 1), count * WIDTH).astype(int)
        return 3 * clip.samples[at].reshape(count, WIDTH)


def converter(options: SovitsConvertOptions | None = None, **changes: object) -> SovitsConverter:
    """The twin behind an ear of its own; `changes` are to its network."""
    made = singer_of(tiny_voice("nobody", **changes), engine="sovits-tiny")
    return SovitsConverter(made, Ear(), options or SovitsConvertOptions())


def hum(seconds: float, hz: float = 200, rate: int = 16_000) -> Clip:
    t = np.arange(round(seconds * rate)) / rate
    return Clip((0.3 * np.sin(2 * np.pi * hz * t) * (1 + 0.5 * np.sin(9 * t))).astype(np.float32), rate)


def curve(seconds: float, hz: float = 200) -> Pitch:
    f0 = np.full(round(seconds * 100), hz, np.float32)
    return Pitch(f0, np.ones_like(f0), 0.01)


def test_the_result_is_as_long_as_the_source_and_repeatable() -> None:
    plain = converter()
    for seconds in (0.1, 0.5, 1.2345, 3.0):
        clip = hum(seconds)
        made = plain.convert(clip, curve(seconds), seed=4)
        assert (made.rate, len(made)) == (8_000, round(clip.seconds * 8_000))
        assert np.array_equal(made.samples, plain.convert(clip, curve(seconds), seed=4).samples)
    assert not np.array_equal(made.samples, plain.convert(clip, curve(3), seed=5).samples)
    assert plain.home_hz == 150


def test_the_shortest_and_the_longest_clips() -> None:
    plain = converter()
    assert len(plain.convert(Clip.silence(0, 16_000), curve(0))) == 0
    assert np.array_equal(plain.convert(hum(0.005), curve(0.005)).samples, np.zeros(40, np.float32))
    with pytest.raises(BadClip, match="at most 40 s"):
        plain.convert(Clip.silence(40.1, 8_000), curve(1))


def test_content_and_pitch_and_speaker_change_the_sound() -> None:
    plain, options = converter(), SovitsConvertOptions(speakers={"speaker-1": 2.0})
    base = plain.convert(hum(1), curve(1))
    others = {
        "content": plain.convert(hum(1, 300), curve(1)),
        "pitch": plain.convert(hum(1), curve(1, 300)),
        "no pitch": plain.convert(hum(1), curve(1, 0)),
        "another speaker": converter(options).convert(hum(1), curve(1)),
        "less varied": converter(SovitsConvertOptions(noise_scale=0)).convert(hum(1), curve(1)),
        "a melody of its own": converter(SovitsConvertOptions(auto_pitch=True)).convert(hum(1), curve(1)),
    }
    assert [name for name, made in others.items() if np.abs(made.samples - base.samples).max() < 1e-4] == []


def test_a_mixture_of_one_is_that_speaker() -> None:
    mixed = converter(SovitsConvertOptions(speakers={"speaker-0": 3.0})).convert(hum(1), curve(1))
    assert np.allclose(mixed.samples, converter().convert(hum(1), curve(1)).samples, atol=1e-5)


def test_every_sound_stays_where_it_was() -> None:
    """What comes later does not change what came before, but for what the network sees around a place."""
    plain = converter(n_layers=1, flow_share_parameter=False)
    first, then = hum(1), hum(1, 310)
    both = Clip(np.concatenate([first.samples, then.samples]), 16_000)
    heard = [plain._listen(clip, frames) for clip, frames in ((both, 250), (first, 125))]
    assert np.array_equal(heard[0][:120], heard[1][:120])


def test_loudness_reaches_a_network_that_knows_it() -> None:
    loud, quiet = hum(1), hum(1)
    quiet = quiet.with_samples(0.1 * quiet.samples)
    knowing = converter(vol_embedding=True)
    knowing._encoder.encode = lambda clip: np.zeros((50, WIDTH), np.float32)  # type: ignore[method-assign]
    assert not np.allclose(knowing.convert(loud, curve(1)).samples, knowing.convert(quiet, curve(1)).samples)


def test_volume_is_the_root_mean_square_around_each_frame() -> None:
    clip = Clip(np.concatenate([np.full(64, 0.5), np.full(64, -0.1)]).astype(np.float32), 8_000)
    assert np.allclose(volume(clip, 16, 8), [0.5, 0.5, 0.5, 0.5, (0.5 * 0.25 + 0.5 * 0.01) ** 0.5, 0.1, 0.1, 0.1])
    assert volume(clip, 16, 9).shape == (9,)


def test_clusters_and_retrieval_draw_the_content(tmp_path: Path) -> None:
    frames = np.random.default_rng(1).normal(size=(30, WIDTH)).astype(np.float32)
    write_clusters({"speaker-0": frames[:4], "other": frames[4:6]}, tmp_path / "k.safetensors")
    write_index(frames, tmp_path / "i.safetensors")
    base = converter().convert(hum(1), curve(1)).samples
    for options in (
        SovitsConvertOptions(cluster_ratio=0.8, clusters=str(tmp_path / "k.safetensors")),
        SovitsConvertOptions(retrieval_ratio=0.8, index=str(tmp_path / "i.safetensors")),
    ):
        assert not np.allclose(converter(options).convert(hum(1), curve(1)).samples, base, atol=1e-4)
    with pytest.raises(BadSetting, match="brings nothing for it"):
        converter(SovitsConvertOptions(cluster_ratio=0.5))
    write_index(frames[:, :7], tmp_path / "narrow.safetensors")
    with pytest.raises(BadSetting, match="7 numbers a frame"):
        converter(SovitsConvertOptions(retrieval_ratio=0.5, index=str(tmp_path / "narrow.safetensors")))


def test_a_voice_brings_its_clusters(tmp_path: Path) -> None:
    made = singer_of(tiny_voice("nobody"), engine="sovits-tiny")
    clusters = np.random.default_rng(1).normal(size=(5, WIDTH)).astype(np.float32)
    kept = parse_voice(voice_bytes(replace(made, clusters=clusters).voice("a", engine="sovits-tiny")), "here")
    found = singer_of(kept, engine="sovits-tiny")
    assert found.clusters is not None
    assert np.array_equal(found.clusters, clusters)
    with pytest.raises(BadVoice, match="another content encoder"):
        replace(made, index=clusters[:, :5])


def test_a_kept_voice_sings_identically() -> None:
    voice = tiny_voice("nobody")
    again = parse_voice(voice_bytes(voice), "here")
    made = [
        SovitsConverter(singer_of(each, engine="sovits-tiny"), Ear(), SovitsConvertOptions()).convert(hum(1), curve(1))
        for each in (voice, again)
    ]
    assert np.array_equal(made[0].samples, made[1].samples)
    assert not any("enc_q" in name for name in voice.tensors)


def test_what_the_voice_cannot_follow_is_told() -> None:
    with pytest.raises(BadSetting, match="auto_pitch"):
        converter(SovitsConvertOptions(auto_pitch=True), use_automatic_f0_prediction=False)
    with pytest.raises(BadSetting, match="no speaker 'nobody'; it has speaker-0, speaker-1"):
        converter(SovitsConvertOptions(speakers={"nobody": 1.0}))
    deaf = Ear()
    deaf.dimension = 5
    with pytest.raises(BadVoice, match="gives 5"):
        SovitsConverter(singer_of(tiny_voice(), engine="sovits-tiny"), deaf, SovitsConvertOptions())


@pytest.fixture
def refined(tmp_path: Path) -> SovitsConvertOptions:
    """Shallow diffusion in miniature, its files as they are published."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        network = Unit2Mel(replace(DiffusionConfig.tiny(), content=WIDTH, rate=8_000, hop_samples=64, speakers=2))
        sizes = replace(VocoderConfig.tiny(), upsample_rates=(4, 4, 4), upsample_kernels=(8, 8, 8))
        vocoder = Generator(sizes)
        torch.nn.init.normal_(network.decoder.denoise_fn.output_projection.weight)  # it begins as zeros
    torch.save({"global_step": 7, "model": network.state_dict()}, tmp_path / "model_7.pt")
    told = {
        "data": {"sampling_rate": 8000, "block_size": 64, "encoder": "whisper-tiny", "encoder_out_channels": WIDTH},
        "model": {
            "n_spk": 2, "n_layers": network.config.layers, "n_chans": network.config.channels,
            "n_hidden": network.config.hidden, "timesteps": network.config.steps, "use_pitch_aug": True,
        },
        "spk": {"speaker-0": 0, "speaker-1": 1},
    }  # fmt: skip
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(told), "utf-8")
    (tmp_path / "vocoder").mkdir()
    torch.save({"generator": vocoder.state_dict()}, tmp_path / "vocoder" / "model")
    shape = {
        "resblock": "1", "sampling_rate": 8000, "num_mels": sizes.mels, "n_fft": 64, "win_size": 64, "fmin": 40,
        "fmax": 4000, "hop_size": 64, "upsample_initial_channel": sizes.channels, "upsample_rates": [4, 4, 4],
        "upsample_kernel_sizes": [8, 8, 8], "resblock_kernel_sizes": list(sizes.kernels),
        "resblock_dilation_sizes": [list(row) for row in sizes.dilations],
    }  # fmt: skip
    (tmp_path / "vocoder" / "config.json").write_text(json.dumps(shape), "utf-8")
    files = {"diffusion": str(tmp_path / "model_7.pt"), "vocoder": str(tmp_path / "vocoder")}
    return SovitsConvertOptions(diffusion_steps=20, diffusion_speedup=5, **files)  # type: ignore[arg-type]


def test_shallow_diffusion_sings_once_more(refined: SovitsConvertOptions) -> None:
    plain, made = (converter(options).convert(hum(1.01), curve(1.01)) for options in (None, refined))
    assert len(plain) == len(made)
    assert not np.allclose(plain.samples, made.samples, atol=1e-3)
    again = converter(refined).convert(hum(1.01), curve(1.01))
    assert np.array_equal(made.samples, again.samples)
    for other in (replace(refined, second_encoding=True), replace(refined, speakers={"speaker-1": 1.0})):
        assert not np.allclose(converter(other).convert(hum(1.01), curve(1.01)).samples, made.samples, atol=1e-3)


def test_a_diffusion_model_of_another_kind_is_refused(refined: SovitsConvertOptions) -> None:
    with pytest.raises(BadSetting, match="do not belong together"):
        converter(refined, rate=16_000)


def test_a_voice_that_is_not_one(tmp_path: Path) -> None:
    voice = tiny_voice("nobody")
    with pytest.raises(WrongVoice, match="sovits-tiny"):
        singer_of(voice)
    with pytest.raises(BadVoice, match="import or train it again"):
        singer_of(replace(voice, settings={"config": {}}), engine="sovits-tiny")
    with pytest.raises(BadVoice, match="no speaker"):
        singer_of(replace(voice, settings={**voice.settings, "speaker": "nobody"}), engine="sovits-tiny")


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"noise_scale": -0.1}, "noise_scale"),
        ({"noise_scale": float("nan")}, "noise_scale"),
        ({"cluster_ratio": 1.5}, "cluster_ratio"),
        ({"cluster_ratio": 0.5, "retrieval_ratio": 0.5}, "two ways"),
        ({"speakers": {"a": -1.0, "b": 2.0}}, "below 0"),
        ({"speakers": {"a": 0.0}}, "more than 0"),
        ({"diffusion_steps": -1}, "diffusion_steps"),
        ({"diffusion_steps": 100}, "its model and its vocoder"),
        ({"second_encoding": True}, "shallow diffusion"),
    ],
)
def test_options_out_of_range_are_refused(given: dict[str, object], word: str) -> None:
    with pytest.raises(BadSetting, match=word):
        SovitsConvertOptions(**given)  # type: ignore[arg-type]


def test_options_travel_as_text() -> None:
    options = SovitsConvertOptions(speakers={"a": 1.0, "b": 3.0}, noise_scale=0.2)
    assert from_dict(registry.convert_options("sovits"), to_dict(options)) == options


def test_the_engine_by_its_name(tmp_path: Path) -> None:
    engine = registry.load("sovits-tiny", Store(tmp_path, offline=True), precision="float32")
    assert isinstance(engine, Converts)
    assert isinstance(engine, Exports)
    assert isinstance(engine, SovitsEngine)
    voice = tiny_voice("nobody")
    assert (engine.name, engine.weights) == (voice.engine, voice.weights)
    made = engine.converter(voice, SovitsConvertOptions()).convert(hum(0.5), curve(0.5))
    assert len(made) == 4000
    assert made.samples.std() > 0
