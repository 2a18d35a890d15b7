"""A so-vits-svc network learns from recordings, alone or beside other clips, from nothing or from published files."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from voicewright.audio.clip import Clip
from voicewright.audio.files import sha256_of, write_clip
from voicewright.audio.pitch import Pitch
from voicewright.engines.options import LoraOptions
from voicewright.engines.recipe import Example, Lesson
from voicewright.engines.sovits.conversion_options import SovitsConvertOptions
from voicewright.engines.sovits.engine import SovitsEngine
from voicewright.engines.sovits.options import SovitsTrainingOptions, TinySovitsTrainingOptions
from voicewright.engines.sovits.recipe import SovitsRecipe
from voicewright.engines.sovits.start import begin, network_config
from voicewright.engines.sovits.upstream import write_upstream
from voicewright.errors import BadClip, BadDataset, BadSetting, BadVoice, BadWeights, MissingWeights
from voicewright.training.learner import Learner, Part
from voicewright.training.loop import train
from voicewright.training.options import TrainingPlan
from voicewright.training.run import Run
from voicewright.training.team import Team
from voicewright.voice.file import read_voice, write_voice
from voicewright.weights.store import Store

RATE = 16_000
OPTIONS = TinySovitsTrainingOptions(segment_frames=8, pitch="yin")
PLAN = TrainingPlan(
    dataset="d", run="r", engine="sovits-tiny", batch_size=2, epochs=2, learning_rate=1e-3, betas=(0.8, 0.99),
    epsilon=1e-9, clip_grad=0.0, schedule="exponential", gamma=0.9, precision="float32", tensorboard=False,
    save_every=1, validate_every=1, lora=LoraOptions(rank=0),
)  # fmt: skip


class Ear:
    """A content encoder without weights: the level of the sound in a few places of each frame."""

    name, dimension, frames_per_second = "whisper-tiny", 384, 50.0

    def encode(self, clip: Clip) -> np.ndarray:
        count = max(1, round(clip.seconds * 50))
        at = np.linspace(0, len(clip) - 1, count * self.dimension).astype(int)
        return 3 * clip.samples[at].reshape(count, self.dimension)


class Engine(SovitsEngine):
    def encoder(self, name: str, files: str = "") -> Any:
        return Ear()


def hum(seconds: float, hz: float) -> Clip:
    t = np.arange(round(seconds * RATE)) / RATE
    waves = sum(np.sin(2 * np.pi * k * hz * t) / k for k in range(1, 6))
    return Clip((0.2 * waves * (1 + 0.5 * np.sin(9 * t))).astype(np.float32), RATE)


def example(folder: Path, number: int, clip: Clip, speaker: str = "ann") -> Example:
    path = folder / f"{number}.wav"
    write_clip(path, clip)
    return Example(id=str(number), audio=path, sha256=sha256_of(path), seconds=clip.seconds, text="", speaker=speaker)


@pytest.fixture
def examples(tmp_path: Path) -> list[Example]:
    return [example(tmp_path, number, hum(0.6 + 0.2 * number, 140 + 20 * number)) for number in range(4)]


@pytest.fixture
def recipe(tmp_path: Path) -> SovitsRecipe:
    return made(tmp_path)


def made(folder: Path, options: SovitsTrainingOptions = OPTIONS, **lesson: Any) -> SovitsRecipe:
    store = Store(folder / "weights", offline=True)
    engine = Engine(store, precision="float32", name="sovits-tiny")
    return SovitsRecipe(engine, Lesson(options=options, lora=LoraOptions(rank=0), **lesson), store)


def generators(count: int, first: int = 0) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(first + number) for number in range(count)]


@pytest.fixture
def learner(recipe: SovitsRecipe) -> Iterator[Learner]:
    team = Team(PLAN)
    yield Learner(PLAN, recipe, team)
    team.close()


def test_the_loss_falls(recipe: SovitsRecipe, learner: Learner, examples: list[Example]) -> None:
    items = [recipe.prepare(each) for each in examples]
    watched = recipe.collate(items, generators(4, 1000))
    before = learner.look(watched)
    for step in range(25):
        learned = learner.step([Part(recipe.collate(items, generators(4, 10 * step)), 1.0)], 2e-3)
        assert {"loss_discriminator", "loss_generator", "grad_generator", "mel", "kl", "lf0"} <= learned.figures.keys()
    after = learner.look(watched)
    assert after["mel"] < 0.95 * before["mel"]
    assert after["kl"] < 0.5 * before["kl"]
    assert after["lf0"] < 0.5 * before["lf0"]


def test_an_item_counts_the_same_whatever_is_beside_it(recipe: SovitsRecipe, examples: list[Example]) -> None:
    items = [recipe.prepare(each) for each in examples]
    together = recipe.validate(recipe.networks, recipe.collate(items, generators(4)))
    alone = [
        recipe.validate(recipe.networks, recipe.collate([item], [generator]))
        for item, generator in zip(items, generators(4), strict=True)
    ]
    for name, value in together.items():
        close = 0.03 if name == "lf0" else 1e-4  # the network's pitch decoder sees the first frame of the padding
        assert value == pytest.approx(np.mean([each[name] for each in alone]), rel=close)


def test_the_discriminator_learns_first_and_nothing_of_it_reaches_the_generator(
    recipe: SovitsRecipe, examples: list[Example]
) -> None:
    batch = recipe.collate([recipe.prepare(examples[0])], generators(1))
    updates = recipe.updates(recipe.networks, batch)
    first = next(updates)
    first.loss.backward()
    networks = recipe.networks
    assert first.network == "discriminator"
    assert all(value.grad is None for value in networks["generator"].parameters())
    with torch.no_grad():
        for name, value in networks["discriminator"].named_parameters():
            value.zero_() if name.endswith(("weight_g", "bias")) else None
    second = next(updates)  # it is judged by the discriminator as it is now: one that says 0 to everything
    assert second.network == "generator"
    assert second.figures["adversarial"] == len(networks["discriminator"].get_submodule("discriminators"))


def test_a_stopped_run_goes_on_bit_for_bit(tmp_path: Path, examples: list[Example]) -> None:
    def weights(name: str, *epochs: int) -> bytes:
        for count in epochs:
            plan = replace(PLAN, run=str(tmp_path / name), epochs=count)
            outcome = train(
                plan, lambda: made(tmp_path), examples[:3], Run.create(plan.run, plan), held_out=examples[3:]
            )
            assert outcome.checkpoint is not None
        return (outcome.checkpoint.folder / "weights.safetensors").read_bytes()

    assert weights("whole", 2) == weights("halved", 1, 2)


def test_the_trial_converts_and_so_does_its_file(tmp_path: Path, recipe: SovitsRecipe, examples: list[Example]) -> None:
    batch = recipe.collate([recipe.prepare(each) for each in examples], generators(4))
    list(recipe.updates(recipe.networks, batch))
    engine, voice = recipe.trial()
    write_voice(voice, tmp_path / "tiny.voice")
    curve = Pitch(np.full(100, 170, np.float32), np.ones(100, np.float32), 0.01)
    sounds = [
        engine.converter(each, SovitsConvertOptions()).convert(hum(1.0, 200), curve, seed=3).samples
        for each in (voice, read_voice(tmp_path / "tiny.voice"))
    ]
    assert np.array_equal(*sounds)
    assert np.abs(sounds[0]).max() > 0
    assert engine.converter(voice, SovitsConvertOptions()).home_hz == pytest.approx(180, rel=0.02)


def test_the_voice_is_at_home_at_the_median_of_all_that_was_heard_of_its_speaker(tmp_path: Path) -> None:
    network, _ = begin(OPTIONS, 2, seed=1)
    f0_hz = torch.tensor([[100.0] * 3 + [220.0] * 7, [220.0] * 4 + [900.0] * 6, [110.0] * 10])
    voiced = torch.ones_like(f0_hz)
    voiced[1, 6:] = 0
    assert network.home_hz(0) == 0
    network.hear(f0_hz, voiced, torch.tensor([0, 0, 1]))
    assert network.home_hz(0) == pytest.approx(220, rel=0.015)
    assert network.home_hz(1) == pytest.approx(110, rel=0.015)


def test_what_is_kept_of_a_clip_is_small_and_fits_together(recipe: SovitsRecipe, examples: list[Example]) -> None:
    item = recipe.prepare(examples[2])
    frames = recipe.length(item)
    assert len(item["wave"]) == 64 * frames
    assert item["wave"].dtype == torch.int16
    assert item["content"].dtype == torch.float16
    assert item["wave"].abs().max() == pytest.approx(0.98 * 32767, abs=2)
    assert item["f0_hz"].median() == pytest.approx(180, rel=0.03)
    assert item["voiced"].float().mean() > 0.8


def test_clips_that_teach_nothing_are_refused_with_a_reason(tmp_path: Path, recipe: SovitsRecipe) -> None:
    with pytest.raises(BadClip, match="next to nothing"):
        recipe.prepare(example(tmp_path, 1, Clip.silence(1.0, RATE)))
    with pytest.raises(BadClip, match=r"0\.05 s"):
        recipe.prepare(example(tmp_path, 2, hum(0.05, 200)))
    with pytest.raises(BadDataset, match="'bob'"):
        made(tmp_path, speakers=("ann",)).prepare(example(tmp_path, 3, hum(1.0, 200), "bob"))


def test_speakers_are_numbered_by_name_and_the_first_is_the_voice(tmp_path: Path) -> None:
    recipe = made(tmp_path, speakers=("bob", "ann"))
    assert int(recipe.prepare(example(tmp_path, 1, hum(1.0, 200), "bob"))["speaker"]) == 1
    assert int(recipe.prepare(example(tmp_path, 2, hum(1.0, 200), "ann"))["speaker"]) == 0
    _, voice = recipe.trial()
    assert voice.settings["speaker"] == "bob"
    assert voice.settings["speakers"] == {"ann": 0, "bob": 1}


def test_long_clips_are_cut_at_random_with_all_that_belongs_to_them(tmp_path: Path) -> None:
    recipe = made(tmp_path, replace(OPTIONS, longest_frames=50, volume_augmentation=0.0))
    item = recipe.prepare(example(tmp_path, 1, hum(2.0, 200)))
    batch = recipe.collate([item] * 3, generators(3))
    assert batch["f0_hz"].shape == (3, 50)
    assert not torch.equal(batch["wave"][0], batch["wave"][1])
    whole = made(tmp_path, replace(OPTIONS, volume_augmentation=0.0)).collate(
        [item], generators(1)
    )  # its ends are mirrored, the cut ones are not
    inside = batch["wave"][0, 200:1000]
    places = whole["wave"][0].unfold(0, len(inside), 1)
    assert (places == inside).all(1).any()


def test_a_louder_clip_is_heard_as_louder(tmp_path: Path) -> None:
    item = made(tmp_path).prepare(example(tmp_path, 1, hum(1.0, 200)))
    always, never = (made(tmp_path, replace(OPTIONS, volume_augmentation=share)) for share in (1.0, 0.0))
    plain, changed = (each.collate([item], generators(1)) for each in (never, always))
    gain = float(changed["wave"].abs().max() / plain["wave"].abs().max())
    assert 0.09 < gain < 1.05
    assert abs(gain - 1) > 0.01
    assert torch.allclose(changed["volume"], plain["volume"] * gain, rtol=1e-4)


def test_it_starts_from_published_files(tmp_path: Path) -> None:
    network, discriminator = begin(OPTIONS, 2, seed=1)
    write_upstream(network.synthesizer, tmp_path / "G_0.pth", speakers={"a": 0, "b": 1})
    torch.save({"model": discriminator.state_dict(), "iteration": 1}, tmp_path / "D_0.pth")
    given = replace(OPTIONS, generator=str(tmp_path / "G_0.pth"), discriminator=str(tmp_path / "D_0.pth"))
    again, judge = begin(given, 3, seed=2)
    old, new = network.synthesizer.state_dict(), again.synthesizer.state_dict()
    assert all(torch.equal(old[name], new[name][: len(old[name])]) for name in old)
    assert len(new["emb_g.weight"]) == 3
    assert all(torch.equal(*pair) for pair in zip(discriminator.parameters(), judge.parameters(), strict=True))


def test_files_of_another_network_or_half_of_one_are_refused_by_name(tmp_path: Path) -> None:
    network, discriminator = begin(replace(OPTIONS, volume=False), 1, seed=1)
    write_upstream(network.synthesizer, tmp_path / "G_0.pth", speakers={"a": 0})
    given = replace(OPTIONS, generator=str(tmp_path / "G_0.pth"))
    with pytest.raises(BadWeights, match="emb_vol"):
        begin(given, 1, seed=1)
    torch.save({"model": dict(list(discriminator.state_dict().items())[1:])}, tmp_path / "D_0.pth")
    with pytest.raises(BadWeights, match="discriminators"):
        begin(replace(given, volume=False, discriminator=str(tmp_path / "D_0.pth")), 1, seed=1)


def test_without_the_usual_encoder_the_one_at_hand_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path / "weights", offline=True)
    lesson = Lesson(options=TinySovitsTrainingOptions(content="vec768l12", pitch="yin"), lora=LoraOptions(rank=0))
    recipe = SovitsRecipe(SovitsEngine(store, precision="float32", name="sovits-tiny"), lesson, store)
    with pytest.raises(MissingWeights, match=r"(?s)contentvec.*recipe\.content=whisper-tiny"):
        recipe.prepare(example(tmp_path, 1, hum(1.0, 200)))


@pytest.mark.parametrize(
    ("wrong", "error"),
    [({"lora": LoraOptions(rank=4)}, BadSetting), ({"options": None}, BadSetting), ({"voice": "somebody"}, BadVoice)],
)
def test_what_it_cannot_do_is_said(tmp_path: Path, wrong: dict[str, Any], error: type[Exception]) -> None:
    lesson = replace(Lesson(options=OPTIONS, lora=LoraOptions(rank=0)), **wrong)
    with pytest.raises(error):
        SovitsRecipe(Engine(Store(tmp_path)), lesson, Store(tmp_path))


@pytest.mark.parametrize(
    ("variant", "width", "speaker", "volume"),
    [("4.0", 256, 256, False), ("4.0v1", 768, 256, False), ("4.1", 768, 768, True)],
)
def test_variants_have_their_published_shapes(variant: Any, width: int, speaker: int, volume: bool) -> None:
    config = network_config(SovitsTrainingOptions(variant=variant), 1)
    assert (config.ssl_dim, config.gin_channels, config.vol_embedding) == (width, speaker, volume)


@pytest.mark.parametrize(
    "wrong",
    [{"variant": "5"}, {"segment_frames": 0}, {"kl_weight": -1}, {"discriminator": "D_0.pth"}, {"longest_frames": 10}],
)
def test_absurd_options_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadSetting):
        SovitsTrainingOptions(**wrong)


def test_what_is_suggested_grows_with_the_data() -> None:
    little, much = (SovitsTrainingOptions.suggest(minutes, clips, "en-us") for minutes, clips in ((5, 40), (60, 500)))
    assert little["steps"] < much["steps"]
    assert (little["batch_size"], much["batch_size"]) == (6, 16)


def test_a_network_in_miniature_is_tried_in_minutes() -> None:
    tried = TinySovitsTrainingOptions.suggest(60, 500, "en-us")
    assert tried["steps"] <= 400
    assert tried["lora"] == {"rank": 0}
