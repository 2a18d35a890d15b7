"""Checkpoints of others become voices, and voices become checkpoints again."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from voicewright.audio.clip import Clip
from voicewright.audio.pitch import Pitch
from voicewright.engines.sovits.content import ENCODERS
from voicewright.engines.sovits.conversion_options import SovitsConvertOptions
from voicewright.engines.sovits.engine import SovitsConverter, SovitsEngine
from voicewright.engines.sovits.exporting import export_checkpoint
from voicewright.engines.sovits.importing import import_checkpoint
from voicewright.engines.sovits.singer import singer_of
from voicewright.engines.sovits.twin import tiny_network
from voicewright.engines.sovits.upstream import write_upstream
from voicewright.errors import BadSetting, BadVoice, BadWeights, UnsafeFile, VoicewrightError
from voicewright.voice.consent import Consent
from voicewright.voice.voice import Voice
from voicewright.weights.store import Store

SPEAKERS = {"Alice": 0, "bob/2": 1}


class Ear:
    name, dimension, frames_per_second = "ear", 384, 50.0

    def encode(self, clip: Clip) -> np.ndarray:
        return np.random.default_rng(1).normal(size=(round(clip.seconds * 50), 384)).astype(np.float32)


@pytest.fixture(scope="module", params=["fork", "upstream"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published model: G_7.pth and config.json."""
    folder = tmp_path_factory.mktemp("model")
    network = tiny_network(dialect=request.param)
    write_upstream(network, folder / "G_7.pth", speakers=SPEAKERS, iteration=7, content="whisper-tiny")
    return folder


def sung(voice: Voice) -> np.ndarray:
    clip, f0 = Clip.silence(0.5, 16_000), np.full(50, 180, np.float32)
    converter = SovitsConverter(singer_of(voice), Ear(), SovitsConvertOptions())  # type: ignore[arg-type]
    return converter.convert(clip, Pitch(f0, np.ones_like(f0), 0.01)).samples


def test_every_speaker_becomes_a_voice(folder: Path) -> None:
    voices = import_checkpoint(folder / "G_7.pth", consent=Consent("Alice agreed"))
    assert [voice.name for voice in voices] == ["Alice", "bob-2"]
    assert all(voice.consent.stated and voice.engine == "sovits" for voice in voices)
    assert not np.allclose(sung(voices[0]), sung(voices[1]))
    assert voices[0].settings["iteration"] == 7


def test_one_speaker_under_a_name(folder: Path) -> None:
    (voice,) = import_checkpoint(folder / "G_7.pth", speaker="bob/2", name="narrator")
    assert (voice.name, voice.settings["speaker"]) == ("narrator", "bob/2")
    assert [v.name for v in import_checkpoint(folder / "G_7.pth", name="x")] == ["x-Alice", "x-bob-2"]
    with pytest.raises(BadVoice, match="no speaker 'carol' in it; it has Alice, bob/2"):
        import_checkpoint(folder / "G_7.pth", speaker="carol")
    with pytest.raises(BadVoice, match="cannot be a voice's name"):
        import_checkpoint(folder / "G_7.pth", speaker="Alice", name="../up")


def test_how_high_a_speaker_is_is_kept(folder: Path) -> None:
    (voice,) = import_checkpoint(folder / "G_7.pth", speaker="Alice", home_hz=210.0)
    assert SovitsConverter(singer_of(voice), Ear(), SovitsConvertOptions()).home_hz == 210.0  # type: ignore[arg-type]
    with pytest.raises(BadSetting, match="has Alice, bob/2; say which"):
        import_checkpoint(folder / "G_7.pth", home_hz=210.0)


@pytest.mark.parametrize("content", sorted(ENCODERS))
def test_the_content_encoder_of_every_kind_survives_the_way_out_and_back(tmp_path: Path, content: str) -> None:
    network = tiny_network(ssl_dim=ENCODERS[content].dimension)
    write_upstream(network, tmp_path / "G_1.pth", speakers={"Alice": 0}, content=content)
    (voice,) = import_checkpoint(tmp_path / "G_1.pth")
    export_checkpoint(singer_of(voice), tmp_path / "out")
    told = json.loads((tmp_path / "out" / "config.json").read_text("utf-8"))
    assert told["model"]["speech_encoder"] == content
    (again,) = import_checkpoint(tmp_path / "out" / "G_0.pth")
    assert again.settings["content"] == content == voice.settings["content"]


def test_there_and_back_again_nothing_is_lost(folder: Path, tmp_path: Path) -> None:
    (voice,) = import_checkpoint(folder / "G_7.pth", speaker="Alice")
    engine = SovitsEngine(Store(tmp_path / "weights", offline=True), precision="float32")
    paths = engine.export(voice, "checkpoint", tmp_path / "out")
    assert [path.name for path in paths] == ["G_0.pth", "config.json"]
    (again,) = import_checkpoint(paths[0], speaker="Alice")
    assert again.tensors.keys() == voice.tensors.keys()
    assert all(np.array_equal(again.tensors[key], voice.tensors[key]) for key in voice.tensors)
    assert np.array_equal(sung(again), sung(voice))
    with pytest.raises(BadSetting, match="no format 'mp3'"):
        engine.export(voice, "mp3", tmp_path)


def test_a_compressed_half_precision_model(folder: Path, tmp_path: Path) -> None:
    whole = torch.load(folder / "G_7.pth", weights_only=True)
    small = {key: tensor.half() for key, tensor in whole["model"].items() if not key.startswith("enc_q.")}
    torch.save({**whole, "model": small}, tmp_path / "G_half.pth")
    (voice,) = import_checkpoint(tmp_path / "G_half.pth", folder / "config.json", speaker="Alice")
    (full,) = import_checkpoint(folder / "G_7.pth", speaker="Alice")
    assert voice.tensors.keys() == full.tensors.keys()
    assert np.abs(sung(voice) - sung(full)).max() < 0.05 * np.abs(sung(full)).max() + 0.05


class Touch:
    """Pickles as a program."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.path}",)


def spoil(folder: Path, out: Path, how: str) -> tuple[Path, Path]:
    """A copy of the model in which one thing is wrong."""
    generator, config = out / "G_7.pth", out / "config.json"
    generator.write_bytes((folder / "G_7.pth").read_bytes())
    told = json.loads((folder / "config.json").read_text("utf-8"))
    whole = torch.load(generator, weights_only=True)
    match how:
        case "pointer":
            generator.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")
        case "page":
            generator.write_text("<!doctype html><title>404</title>")
        case "cut short":
            generator.write_bytes(generator.read_bytes()[:-20_000])
        case "program":
            torch.save({**whole, "extra": Touch(out / "canary")}, generator)
        case "discriminator":
            torch.save({"model": {"discriminators.0.convs.0.bias": torch.zeros(3)}}, generator)
        case "missing":
            del whole["model"]["pre.bias"]
            torch.save(whole, generator)
        case "not finite":
            whole["model"]["pre.bias"][0] = float("nan")
            torch.save(whole, generator)
        case "encoder":
            told["model"]["speech_encoder"] = "vec768l12"
        case "no speaker":
            told["spk"] = {"x": 99}
        case "no file":
            generator.unlink()
        case "another json":
            told = {"name": "something"}
        case "no config":
            told = {}
    if how != "no config":
        config.write_text(json.dumps(told), "utf-8")
    return generator, config


@pytest.mark.parametrize(
    ("how", "kind", "word"),
    [
        ("pointer", BadWeights, "git lfs pull"),
        ("page", BadWeights, "download the file again"),
        ("cut short", BadWeights, "G_7.pth"),
        ("program", UnsafeFile, "system"),
        ("discriminator", BadWeights, "discriminator"),
        ("missing", BadWeights, r"pre\.bias"),
        ("not finite", BadWeights, "not finite"),
        ("encoder", BadVoice, "vec768l12.*768.*do not belong together"),
        ("no speaker", BadVoice, "2 speakers"),
        ("no file", BadWeights, "no such file"),
        ("another json", BadWeights, '"model" part'),
        ("no config", BadWeights, "comes with its config"),
    ],
)
def test_what_is_wrong_is_said(folder: Path, tmp_path: Path, how: str, kind: type[VoicewrightError], word: str) -> None:
    generator, config = spoil(folder, tmp_path, how)
    with pytest.raises(kind, match=word):
        import_checkpoint(generator, config)
    assert not (tmp_path / "canary").exists()


def test_clusters_of_another_width_do_not_fit(folder: Path) -> None:
    (voice,) = import_checkpoint(folder / "G_7.pth", speaker="Alice")
    with pytest.raises(BadVoice, match="another content encoder"):
        replace(singer_of(voice), clusters=np.zeros((3, 5), np.float32))
