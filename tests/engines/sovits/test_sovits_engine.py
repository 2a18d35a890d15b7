"""The engine: a voice of its own network, from recording to recording."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import save_file

from voicewright.audio.clip import Clip
from voicewright.audio.pitch import Pitch, find_tracker
from voicewright.conversion.conversion import Conversion
from voicewright.conversion.options import ConversionSettings, SliceOptions
from voicewright.engines import registry
from voicewright.engines.base import Converts, Exports
from voicewright.engines.sovits.clusters import write_clusters
from voicewright.engines.sovits.conversion_options import SovitsConvertOptions
from voicewright.engines.sovits.diffusion import DiffusionConfig, Unit2Mel
from voicewright.engines.sovits.engine import SovitsConverter, SovitsEngine, volume
from voicewright.engines.sovits.enhancing import enhanced
from voicewright.engines.sovits.noise import RandomNoise
from voicewright.engines.sovits.retrieval import write_index
from voicewright.engines.sovits.shares import shares_of
from voicewright.engines.sovits.singer import singer_of
from voicewright.engines.sovits.twin import tiny_voice
from voicewright.engines.sovits.vocoder import Generator, VocoderConfig, read_vocoder
from voicewright.errors import BadClip, BadSetting, BadVoice, MissingWeights, WrongVoice
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


TURNS = {"speaker-0": ((0.0, 1.0), (2.0, 1.0), (2.0, 0.0)), "speaker-1": ((2.0, 0.0), (2.0, 2.0))}


def test_a_timeline_of_one_is_that_speaker_wherever_a_slice_lies() -> None:
    changing = converter(SovitsConvertOptions(speaker_timeline=TURNS))
    for start_s, name in ((0.0, "speaker-0"), (0.9, "speaker-0"), (2.5, "speaker-1"), (90.0, "speaker-1")):
        alone = converter(SovitsConvertOptions(speakers={name: 1.0})).convert(hum(1), curve(1))
        made = changing.placed(start_s).convert(hum(1), curve(1))
        assert np.allclose(made.samples, alone.samples, atol=1e-5), (start_s, name)


def test_a_timeline_changes_who_sings_in_the_middle_of_a_recording() -> None:
    """Through the conversion of a whole recording in slices: each half is its speaker's."""
    settings = ConversionSettings(transpose=0, slices=SliceOptions(longest_s=1.0))
    source = hum(4, rate=8_000)
    sounds = []
    for given in ({"speaker_timeline": TURNS}, {"speakers": {"speaker-0": 1.0}}, {"speakers": {"speaker-1": 1.0}}):
        voice = converter(SovitsConvertOptions(noise_scale=0.0, **given), n_layers=1)  # type: ignore[arg-type]
        sounds.append(Conversion(voice, find_tracker("yin"), settings).convert_clip(source)[0].samples)
    both, first, second = sounds
    assert np.allclose(both[:12_000], first[:12_000], atol=1e-4)
    assert np.allclose(both[20_000:], second[20_000:], atol=1e-4)
    assert not np.allclose(first[20_000:], second[20_000:], atol=1e-2)


def test_shares_glide_between_the_points_and_add_up_to_one() -> None:
    glide = SovitsConvertOptions(speaker_timeline={"a": ((1.0, 3.0), (3.0, 0.0)), "b": ((0.0, 1.0),)})
    found = shares_of(glide, {"a": 2, "b": 0}, "a", 3, np.array([0.0, 1.0, 2.0, 3.0, 9.0]))
    assert np.allclose(found[0, :, 2], [0.75, 0.75, 0.6, 0, 0])
    assert np.allclose(found.sum(2), 1)
    assert from_dict(SovitsConvertOptions, to_dict(glide)) == glide


def test_a_timeline_needs_a_recording_and_speakers_that_are_there() -> None:
    with pytest.raises(BadSetting, match="is for recordings"):
        converter(SovitsConvertOptions(speaker_timeline=TURNS)).convert(hum(1), curve(1))
    with pytest.raises(BadSetting, match="no speaker 'nobody'; it has speaker-0"):
        converter(SovitsConvertOptions(speaker_timeline={"nobody": ((0.0, 1.0),)}))


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


def test_a_timeline_reaches_the_diffusion_model(refined: SovitsConvertOptions) -> None:
    options = replace(refined, speaker_timeline=TURNS)
    made = [converter(options).placed(start_s).convert(hum(1), curve(1)).samples for start_s in (0.0, 3.0)]
    alone = [
        converter(replace(refined, speakers={name: 1.0})).convert(hum(1), curve(1)).samples
        for name in ("speaker-0", "speaker-1")
    ]
    assert np.allclose(made, alone, atol=1e-4)


def test_the_enhancer_sings_once_more_in_the_same_time(refined: SovitsConvertOptions, tmp_path: Path) -> None:
    plain = converter().convert(hum(1.01), curve(1.01))
    once = SovitsConvertOptions(enhance=True, vocoder=refined.vocoder)
    made = [
        converter(options).convert(hum(1.01), curve(1.01))
        for options in (once, once, replace(once, enhance_semitones=12.0))
    ]
    assert {(clip.rate, len(clip)) for clip in (plain, *made)} == {(8_000, 8_080)}
    assert np.array_equal(made[0].samples, made[1].samples)
    for one, other in ((plain, made[0]), (made[0], made[2])):
        assert not np.allclose(one.samples, other.samples, atol=1e-3)
    with pytest.raises(MissingWeights, match="published as a folder with 'model'"):
        converter(SovitsConvertOptions(enhance=True, vocoder=str(tmp_path / "nowhere")))


def test_what_the_enhancer_hears_lower_it_is_told_lower(refined: SovitsConvertOptions) -> None:
    """A note of 400 Hz played half as fast is one of 200 Hz to the vocoder, and comes out where it was."""
    vocoder, told = read_vocoder(Path(refined.vocoder)), []

    def sound(mel: torch.Tensor, f0_hz: torch.Tensor, noise: object) -> torch.Tensor:
        told.append(f0_hz)
        at = torch.arange(f0_hz.shape[1] * vocoder.config.hop_samples) / vocoder.config.rate
        return torch.sin(2 * torch.pi * float(f0_hz.median()) * at)[None]

    vocoder.sound = sound  # type: ignore[method-assign, assignment]
    f0_hz, noise = np.full(125, 400, np.float32), RandomNoise(torch.Generator())
    made = enhanced(hum(1, 400, 8_000), f0_hz, 0.008, vocoder, noise, semitones=12.0)
    assert torch.allclose(told[0], torch.tensor(200.0))
    assert len(made) == 8_000
    spectrum = np.abs(np.fft.rfft(made[1_000:7_000]))
    assert np.argmax(spectrum) * 8_000 / 6_000 == pytest.approx(400, abs=2)


def test_a_vocoder_as_safetensors_is_the_same(refined: SovitsConvertOptions, tmp_path: Path) -> None:
    folder = Path(refined.vocoder)
    state = torch.load(folder / "model", weights_only=True)["generator"]
    (tmp_path / "other").mkdir()
    save_file(state, tmp_path / "other" / "model.safetensors")
    (tmp_path / "other" / "config.json").write_bytes((folder / "config.json").read_bytes())
    made = [
        converter(SovitsConvertOptions(enhance=True, vocoder=str(each))).convert(hum(1), curve(1)).samples
        for each in (folder, tmp_path / "other", tmp_path / "other" / "model.safetensors")
    ]
    assert np.array_equal(made[0], made[1])
    assert np.array_equal(made[0], made[2])


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
        ({"enhance": True}, "name its folder"),
        ({"enhance_semitones": 3.0}, "a part of enhance"),
        ({"enhance": True, "vocoder": "v", "enhance_semitones": 30.0}, "between -24 and 24"),
        ({"enhance": True, "vocoder": "v", "diffusion_steps": 9, "diffusion": "d"}, "leave out enhance"),
        ({"speakers": {"a": 1.0}, "speaker_timeline": {"a": ((0.0, 1.0),)}}, "one of them"),
        ({"speaker_timeline": {"a": ()}}, "no points"),
        ({"speaker_timeline": {"a": ((0.0, -1.0),)}}, "below 0"),
        ({"speaker_timeline": {"a": ((0.0, float("nan")),)}}, "below 0"),
        ({"speaker_timeline": {"a": ((2.0, 1.0), (1.0, 1.0))}}, "order of time"),
        ({"speaker_timeline": {"a": ((0.0, 1.0), (2.0, 0.0)), "b": ((3.0, 0.0), (4.0, 1.0))}}, "a share at 2 s"),
        ({"speaker_timeline": {"a": ((0.0, 1.0), (2.0, 1.0), (2.0, 0.0))}}, "a share at 2 s"),
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
