"""Styles survive a voice file; the prior shifts, blends and guesses within what public voices do."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from voicewright.engines.kokoro.start import hearing, load_start
from voicewright.engines.kokoro.style import Style, StylePrior, load_prior
from voicewright.engines.kokoro.target import Target
from voicewright.errors import BadVoice, BadWeights
from voicewright.weights.catalogue import BUNDLED

STAGES, WIDTH = 3, 128


@pytest.fixture(scope="module")
def real() -> StylePrior:
    return load_prior(BUNDLED / "kokoro-prior.safetensors")


def style() -> Style:
    generator = torch.Generator().manual_seed(0)
    timbre, prosody = torch.randn(STAGES, WIDTH, generator=generator), torch.randn(WIDTH, generator=generator)
    return Style(timbre=timbre, prosody=prosody, stretch=1.125, gain=0.75)


def test_a_style_comes_back_from_a_voices_tensors() -> None:
    tensors = style().to_tensors()
    assert all(array.dtype == np.float32 for array in tensors.values())
    back = Style.from_tensors(tensors | {"embedding.ge2e": np.zeros(256, np.float32)}, stages=STAGES, width=WIDTH)
    assert torch.equal(back.timbre, style().timbre)
    assert torch.equal(back.prosody, style().prosody)
    assert (back.stretch, back.gain) == (1.125, 0.75)


def test_a_style_does_not_share_memory_with_the_voice() -> None:
    tensors = style().to_tensors()
    for array in tensors.values():
        array.setflags(write=False)  # as a voice's tensors are
    back = Style.from_tensors(tensors, stages=STAGES, width=WIDTH)
    back.timbre.zero_()
    assert tensors["timbre"].any()


@pytest.mark.parametrize("name", ["timbre", "prosody", "stretch", "gain"])
@pytest.mark.parametrize("missing", [True, False])
def test_a_voice_with_other_tensors_is_refused(name: str, missing: bool) -> None:
    tensors = style().to_tensors()
    if missing:
        del tensors[name]
    else:
        tensors[name] = np.zeros((2, 5), np.float32)
    with pytest.raises(BadVoice, match=f"'{name}'.*{'nothing' if missing else '(2, 5)'}"):
        Style.from_tensors(tensors, stages=STAGES, width=WIDTH)


def test_the_prior_knows_54_voices_at_every_length(real: StylePrior) -> None:
    assert (real.width, len(real.voices), len(real.by_length)) == (WIDTH, 54, 510)
    assert float(real.spread.min()) > 0
    assert torch.allclose(real.ge2e.norm(dim=1), torch.ones(54), atol=1e-3)
    assert torch.allclose(real.campplus.norm(dim=1), torch.ones(54), atol=1e-3)
    assert float((real.voices.mean(0) - real.mean).abs().max()) < float(real.spread.max())


@pytest.mark.parametrize(("tokens", "row"), [(-5, 0), (0, 0), (1, 0), (2, 1), (510, 509), (9999, 509)])
def test_the_shift_is_that_of_the_nearest_known_length(real: StylePrior, tokens: int, row: int) -> None:
    timbre, prosody = real.shift(tokens)
    assert torch.equal(torch.cat([timbre, prosody]), real.by_length[row])
    assert timbre.shape == prosody.shape == (WIDTH,)


def test_a_blend_lies_among_the_voices_and_near_the_one_most_alike(real: StylePrior) -> None:
    for voice in range(0, 54, 9):
        blend = real.blend(real.ge2e[voice], real.campplus[voice])
        assert bool((blend <= real.voices.amax(0) + 1e-5).all())
        assert bool((blend >= real.voices.amin(0) - 1e-5).all())
        assert int((real.voices - blend).norm(dim=1).argmin()) == voice
        alone = real.blend(real.ge2e[voice], real.campplus[voice], most=1)
        assert torch.allclose(alone, real.voices[voice], atol=1e-6)


def test_a_blend_of_more_voices_than_there_are_is_a_blend_of_all(tiny_prior: StylePrior) -> None:
    ge2e, campplus = tiny_prior.ge2e[0], tiny_prior.campplus[0]
    all_of_them = tiny_prior.blend(ge2e, campplus, most=99, sharpness=0.0)
    assert torch.allclose(all_of_them, tiny_prior.voices.mean(0), atol=1e-6)


def test_files_that_are_no_prior_or_no_start_are_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.safetensors"
    for load in (load_prior, load_start):
        bad.write_bytes(b"nothing")
        with pytest.raises(BadWeights, match="install voicewright again"):
            load(bad)
        save_file({"mean": torch.zeros(3)}, bad)
        with pytest.raises(BadWeights, match="install voicewright again"):
            load(bad)
    tensors = load_file(BUNDLED / "kokoro-start.safetensors")
    save_file(tensors | {"network.linear.weight": torch.zeros(2, 2)}, bad)
    with pytest.raises(BadWeights, match=r"linear\.weight"):
        load_start(bad)


def test_a_guess_lies_among_voices_and_knows_a_known_one(real: StylePrior) -> None:
    start = load_start(BUNDLED / "kokoro-start.safetensors")
    voices = real.voices[::6]
    alike = []
    for ge2e, campplus, own in zip(real.ge2e[::6], real.campplus[::6], voices, strict=True):
        heard = Target(ge2e=ge2e, campplus=campplus, log_f0=None, log_f0_spread=None, level_db=-20.0, articulation=0.0)
        guess = start.guess(heard, real)
        offset = (guess - real.mean) / real.spread
        assert float(offset.abs().max()) < 6
        alike.append(torch.cosine_similarity(offset, (own - real.mean) / real.spread, dim=0))
    assert float(torch.stack(alike).mean()) > 0.2


def test_an_unknown_pitch_counts_as_a_typical_one(tiny_target: Target) -> None:
    unknown = hearing(replace(tiny_target, log_f0=None, log_f0_spread=None))
    assert torch.equal(unknown, hearing(replace(tiny_target, log_f0=5.0, log_f0_spread=0.2)))
    assert not torch.equal(unknown, hearing(tiny_target))
