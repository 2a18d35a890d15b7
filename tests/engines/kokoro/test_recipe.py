"""Tuning a voice, on the tiny twin: what is learned lowers the loss, is the same again, and is what is spoken."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from voicewright.engines.kokoro.config import KokoroConfig
from voicewright.engines.kokoro.engine import KokoroEngine
from voicewright.engines.kokoro.options import TuningOptions
from voicewright.engines.kokoro.recipe import TuningRecipe
from voicewright.engines.options import LoraOptions, SpeakOptions
from voicewright.engines.recipe import Example, Lesson, Trains
from voicewright.errors import BadSetting, BadVoice
from voicewright.samples import samples
from voicewright.text.piece import Piece
from voicewright.voice.file import read_voice, write_voice
from voicewright.voice.voice import Voice

SOUND_ONLY = TuningOptions(crop_s=0.2, spoken_s=0.3, likeness_weight=0.0)
HELLO = Piece(text="Hello.", spoken="Hello.")


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def lesson(engine: KokoroEngine, options: object = SOUND_ONLY, **changes: object) -> Lesson:
    return replace(Lesson(options=options, voice=engine.own_voice(), lora=LoraOptions(rank=2)), **changes)  # type: ignore[arg-type]


def item(seed: int, frames_each: int = 6, tokens: int = 5) -> Mapping[str, Tensor]:
    """As `prepare` makes them: somebody's noise, coloured."""
    draw = seeded(seed)
    config, frames = KokoroConfig.tiny(), frames_each * tokens
    wave = 0.05 * torch.randn(600 * frames, generator=draw)
    return {
        "tokens": torch.tensor([0, *range(1, tokens - 1), 0]),
        "durations": torch.full((tokens,), frames_each),
        "f0": torch.full((2 * frames,), 150.0),
        "energy": torch.zeros(2 * frames),
        "wave": (wave + wave.roll(1)).half(),
        "content": torch.randn(config.width, tokens, generator=draw).half(),
        "meaning": torch.randn(tokens, config.width, generator=draw).half(),
        "spoken.durations": torch.full((tokens,), frames_each),
        "spoken.f0": torch.full((2 * frames,), 140.0),
        "spoken.energy": torch.zeros(2 * frames),
        "band_hz": torch.tensor(8_000.0),
        "ge2e": torch.nn.functional.normalize(torch.randn(256, generator=draw), dim=0),
        "campplus": torch.nn.functional.normalize(torch.randn(192, generator=draw), dim=0),
    }


def trained(recipe: TuningRecipe, steps: int, *, rate: float = 0.01) -> list[float]:
    """The decoder's losses of some steps on one batch."""
    batch = recipe.collate([item(seed) for seed in range(2)], [seeded(seed) for seed in range(2)])
    networks = recipe.networks
    learning = [p for p in networks["decoder"].parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(learning, lr=rate)
    losses = []
    for _ in range(steps):
        update = next(iter(recipe.updates(networks, batch)))
        optimizer.zero_grad()
        update.loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(update.loss.detach()))
    return losses


def spoken(engine: KokoroEngine, voice: Voice) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    (clip,) = engine.stream([HELLO], voice, SpeakOptions())
    return np.array(clip.samples)


def test_the_default_engine_trains(twin: KokoroEngine) -> None:
    assert isinstance(twin, Trains)


def test_ten_steps_lower_the_loss(twin: KokoroEngine) -> None:
    losses = trained(twin.recipe(lesson(twin)), 10)
    assert losses[-1] < 0.9 * losses[0]


def test_likeness_has_a_gradient_to_every_adapter(twin: KokoroEngine) -> None:
    recipe = twin.recipe(lesson(twin, replace(SOUND_ONLY, spectral_weight=0, log_mel_weight=0, likeness_weight=1)))
    batch = recipe.collate([item(0)], [seeded(0)])
    (update,) = (u for u in recipe.updates(recipe.networks, batch) if u.network == "decoder")
    assert {"unlike_ge2e", "unlike_campplus"} <= update.figures.keys()
    update.loss.backward()  # type: ignore[no-untyped-call]
    for name, p in recipe.networks["decoder"].named_parameters():
        if name.startswith("adapters.ups") or name == "moved":
            assert p.grad is not None
            assert bool(p.grad.abs().sum() > 0), name


def test_the_same_seed_gives_the_same_weights(twin: KokoroEngine) -> None:
    first, second, other = (twin.recipe(lesson(twin, seed=seed)) for seed in (1, 1, 2))
    for recipe in (first, second, other):
        trained(recipe, 2)
    weights = [recipe.networks["decoder"].state_dict() for recipe in (first, second, other)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert not all(torch.equal(weights[0][name], weights[2][name]) for name in weights[0])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_loop_in_lower_precision_gets_the_same_loss(twin: KokoroEngine, dtype: torch.dtype) -> None:
    recipe = twin.recipe(lesson(twin))
    batch = recipe.collate([item(0)], [seeded(0)])
    plain = next(iter(recipe.updates(recipe.networks, batch))).loss
    with torch.autocast("cpu", dtype=dtype):
        lowered = next(iter(recipe.updates(recipe.networks, batch))).loss
    assert torch.equal(plain, lowered)


def test_recordings_become_items_that_both_networks_learn_from(twin: KokoroEngine) -> None:
    recipe = twin.recipe(lesson(twin))
    sample = min(samples(), key=lambda each: each.path.stat().st_size)
    made = recipe.prepare(Example(id="one", audio=sample.path, sha256="", seconds=3.0, text=sample.text))
    assert recipe.length(made) == int(made["durations"].sum()) == len(made["wave"]) // 600
    assert float(made["ge2e"].norm()) == pytest.approx(1, abs=1e-3)
    assert recipe.preparation
    batch = recipe.collate([made], [seeded(0)])
    updates = {update.network: update for update in recipe.updates(recipe.networks, batch)}
    assert updates.keys() == recipe.networks.keys()
    for name, network in recipe.networks.items():
        updates[name].loss.backward()  # type: ignore[no-untyped-call]
        assert any(p.grad is not None and bool(p.grad.any()) for p in network.parameters())


def test_a_crop_holds_what_belongs_together_and_a_short_item_is_filled_up(twin: KokoroEngine) -> None:
    recipe = twin.recipe(lesson(twin))
    long, short = item(0, frames_each=8), item(1, frames_each=1)
    batch = recipe.collate([long, short], [seeded(3), seeded(4)])
    assert batch["wave"].shape == (2, 8 * 600)
    assert batch["source"].shape == (2, 8 * 600)
    assert batch["content"].shape == (2, KokoroConfig.tiny().width, 8)
    assert batch["f0"].shape == batch["energy"].shape == (2, 16)
    content = long["content"].float().repeat_interleave(long["durations"], dim=1)
    (start,) = (s for s in range(33) if torch.equal(content[:, s : s + 8], batch["content"][0]))
    assert torch.equal(batch["wave"][0], long["wave"].float()[600 * start : 600 * (start + 8)])
    assert not batch["wave"][1, 5 * 600 :].any()
    assert not batch["f0"][1, 10:].any()


def test_a_batch_is_the_same_as_its_parts(twin: KokoroEngine) -> None:
    recipe = twin.recipe(lesson(twin))
    together = recipe.collate([item(0), item(1)], [seeded(0), seeded(1)])
    alone = recipe.collate([item(1)], [seeded(1)])
    assert all(torch.equal(together[name][1:], alone[name]) for name in alone)


def test_the_trial_voice_sounds_as_the_trained_decoder_and_survives_its_file(
    twin: KokoroEngine, tmp_path: Path
) -> None:
    recipe = twin.recipe(lesson(twin))
    untouched = spoken(twin, twin.own_voice())
    same = recipe.trial()[1]
    assert np.array_equal(spoken(twin, same), untouched)
    trained(recipe, 2)
    engine, voice = recipe.trial()
    tuned = spoken(twin, voice)
    assert engine is twin
    assert not np.allclose(tuned, untouched)
    write_voice(voice, tmp_path / "tuned.voice")
    assert np.array_equal(spoken(twin, read_voice(tmp_path / "tuned.voice")), tuned)
    assert np.array_equal(spoken(twin, twin.own_voice()), untouched)
    assert voice.settings["tuned"]["rank"] == 2


def test_figures_of_clips_that_are_not_learned_from(twin: KokoroEngine) -> None:
    recipe = twin.recipe(lesson(twin))
    batch = recipe.collate([item(5)], [seeded(0)])
    before = recipe.validate(recipe.networks, batch)
    trained(recipe, 6)
    after = recipe.validate(recipe.networks, batch)
    assert before.keys() == after.keys()
    assert after["mel_cepstral_db"] < before["mel_cepstral_db"]


def test_what_cannot_be_tuned_is_refused(twin: KokoroEngine) -> None:
    with pytest.raises(BadVoice, match="needs a voice"):
        twin.recipe(lesson(twin, voice=None))
    with pytest.raises(BadSetting, match="rank"):
        twin.recipe(lesson(twin, lora=LoraOptions(rank=0)))
    tuned = twin.recipe(lesson(twin)).trial()[1]
    with pytest.raises(BadVoice, match="tuned already"):
        twin.recipe(lesson(twin, voice=tuned))
    with pytest.raises(BadSetting, match="TuningOptions"):
        twin.recipe(lesson(twin, options=SpeakOptions()))
