"""Fitting a style: it comes nearer, always in the same way, and stops when it no longer does."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from voicewright.engines.kokoro.inversion import (
    Fit,
    FitPlan,
    Inversion,
    Phrase,
    _Average,
    _Moved,
    _pitch_loss,
    _stalled,
)
from voicewright.engines.kokoro.network import Score
from voicewright.engines.kokoro.style import Style, StylePrior
from voicewright.engines.kokoro.target import Target

PLAN = FitPlan(search=8, settle=4, sentences=2, window=30, patience=-1.0)


@pytest.fixture(scope="module")
def phrases(tiny_inversion: Inversion) -> list[Phrase]:
    return [tiny_inversion.read(tokens) for tokens in (range(1, 25), range(60, 84))]


def fit(
    inversion: Inversion, start: Style, target: Target, phrases: Sequence[Phrase], plan: FitPlan = PLAN, seed: int = 0
) -> Fit:
    return inversion.fit(start, target, phrases, plan, generator=torch.Generator().manual_seed(seed))


def heard_likeness(inversion: Inversion, style: Style, phrase: Phrase, target: Target) -> float:
    with torch.inference_mode():
        wave, _ = inversion.speak(style, phrase, torch.Generator().manual_seed(1))
        return float(sum(inversion.likeness(wave, target)))


def test_a_fit_brings_a_style_nearer_to_the_target(
    tiny_inversion: Inversion, tiny_style: Style, tiny_target: Target, phrases: list[Phrase]
) -> None:
    found = fit(tiny_inversion, tiny_style, tiny_target, phrases, replace(PLAN, search=24, settle=8))
    assert found.steps == 32
    assert len(found.losses) == 16
    assert found.losses[-1] < 0.8 * found.losses[0]
    unknown = tiny_inversion.read(range(30, 55))  # a sentence that it was not fitted on
    before, after = (heard_likeness(tiny_inversion, style, unknown, tiny_target) for style in (tiny_style, found.style))
    assert after > before


def test_the_same_seed_gives_the_same_style_bit_for_bit(
    tiny_inversion: Inversion, tiny_style: Style, tiny_target: Target, phrases: list[Phrase]
) -> None:
    one, two, other = (fit(tiny_inversion, tiny_style, tiny_target, phrases, seed=seed) for seed in (5, 5, 6))
    assert torch.equal(one.style.timbre, two.style.timbre)
    assert torch.equal(one.style.prosody, two.style.prosody)
    assert one.losses == two.losses
    assert not torch.equal(one.style.timbre, other.style.timbre)


def test_the_start_stays_as_it_was(
    tiny_inversion: Inversion, tiny_style: Style, tiny_target: Target, phrases: list[Phrase]
) -> None:
    start = replace(tiny_style, stretch=1.1)
    timbre, prosody = start.timbre.clone(), start.prosody.clone()
    found = fit(tiny_inversion, start, tiny_target, phrases)
    assert torch.equal(start.timbre, timbre)
    assert torch.equal(start.prosody, prosody)
    assert not torch.equal(found.style.timbre, timbre)
    assert not torch.equal(found.style.prosody, prosody)
    assert found.style.stretch == 1.1
    assert not found.style.timbre.requires_grad


def test_the_stages_of_the_decoder_part_company(
    tiny_inversion: Inversion, tiny_style: Style, tiny_target: Target, phrases: list[Phrase]
) -> None:
    alike = replace(tiny_style, timbre=tiny_style.timbre[:1].repeat(len(tiny_style.timbre), 1))
    found = fit(tiny_inversion, alike, tiny_target, phrases).style.timbre
    assert not torch.allclose(found[0], found[1])
    assert not torch.allclose(found[1], found[2])


def test_the_weights_of_the_networks_do_not_move(
    tiny_inversion: Inversion, tiny_style: Style, tiny_target: Target, phrases: list[Phrase]
) -> None:
    before = {name: value.clone() for name, value in tiny_inversion.network.state_dict().items()}
    fit(tiny_inversion, tiny_style, tiny_target, phrases)
    assert all(torch.equal(before[name], value) for name, value in tiny_inversion.network.state_dict().items())


def test_progress_counts_to_the_end(
    tiny_inversion: Inversion, tiny_style: Style, tiny_target: Target, phrases: list[Phrase]
) -> None:
    told: list[tuple[int, int | None]] = []
    tiny_inversion.fit(
        tiny_style,
        tiny_target,
        phrases,
        PLAN,
        generator=torch.Generator().manual_seed(0),
        progress=lambda what, done, total: told.append((done, total)),
    )
    assert told == [(step, 12) for step in range(1, 13)]


@pytest.mark.parametrize(
    ("passes", "stalled"),
    [
        ([0.9, 0.8, 0.8], False),  # too early to tell
        ([0.9, 0.8, 0.7, 0.6], False),
        ([0.9, 0.6, 0.6, 0.6], True),
        ([0.9, 0.6, 0.7, 0.65], True),
        ([0.9, 0.6, 0.5, 0.6], False),  # noise: one of the last two still brought much
        ([0.9, 0.6, 0.6, 0.595], False),
        ([0.9, 0.6, 0.6, 0.597], True),
        ([0.2, 0.9, 0.7, 0.6, 0.6, 0.6], True),
    ],
)
def test_a_plateau_is_two_passes_that_bring_almost_nothing(passes: list[float], stalled: bool) -> None:
    assert _stalled(passes, patience=0.002) == stalled


def test_a_search_that_brings_nothing_ends_early_and_still_settles(
    tiny_inversion: Inversion, tiny_style: Style, tiny_target: Target, phrases: list[Phrase]
) -> None:
    plan = replace(PLAN, search=40)
    impatient = fit(tiny_inversion, tiny_style, tiny_target, phrases, replace(plan, patience=10.0))
    assert impatient.steps == 4 * len(phrases) + plan.settle  # four passes are the least to tell a plateau by
    assert len(impatient.losses) == impatient.steps // len(phrases)


def test_a_window_limits_what_is_played(tiny_inversion: Inversion, tiny_style: Style, phrases: list[Phrase]) -> None:
    whole, whole_score = tiny_inversion.speak(tiny_style, phrases[0], None)
    part, score = tiny_inversion.speak(tiny_style, phrases[0], None, window=10)
    frames = whole_score.content.shape[2]
    ends = int(whole_score.durations[0, 0] + whole_score.durations[0, -1])
    assert frames == int(whole_score.durations.sum()) - ends  # the end marks are not played
    assert frames > 40
    assert score.content.shape[2] == 10
    assert torch.equal(score.f0_hz, whole_score.f0_hz[:, :20])
    assert part.shape == (1, 10 * 600 * 2 // 3)
    assert whole.shape == (1, frames * 600 * 2 // 3)
    assert tiny_inversion.speak(tiny_style, phrases[0], None, window=9999)[0].shape == whole.shape


def test_what_is_fitted_is_shifted_to_the_length_of_the_sentence(
    tiny_inversion: Inversion, tiny_style: Style, phrases: list[Phrase]
) -> None:
    prior = tiny_inversion.prior
    plain = Inversion(
        tiny_inversion.network,
        replace(prior, by_length=prior.by_length * 0),
        tiny_inversion.ge2e,
        tiny_inversion.campplus,
    )
    timbre, prosody = prior.shift(phrases[0].tokens)
    moved = replace(tiny_style, timbre=tiny_style.timbre + timbre, prosody=tiny_style.prosody + prosody)
    shifted = tiny_inversion.speak(tiny_style, phrases[0], None, window=30)[0]
    assert torch.equal(shifted, plain.speak(moved, phrases[0], None, window=30)[0])
    assert not torch.equal(shifted, plain.speak(tiny_style, phrases[0], None, window=30)[0])


def test_likeness_does_not_depend_on_how_loud_it_is(
    tiny_inversion: Inversion, tiny_style: Style, tiny_target: Target, phrases: list[Phrase]
) -> None:
    with torch.inference_mode():
        wave, _ = tiny_inversion.speak(tiny_style, phrases[0], None)
        loud, faint = (tiny_inversion.likeness(wave * factor, tiny_target) for factor in (1.0, 0.01))
    assert np.allclose(loud, faint, atol=1e-4)


class Listener(nn.Module):
    """An ear that keeps what it was given."""

    def embed_waveform(self, wave: Tensor) -> Tensor:
        self.wave = wave
        return torch.ones(1, 10)


def test_both_ears_hear_a_voice_at_the_targets_level(tiny_inversion: Inversion, tiny_target: Target) -> None:
    one, other = Listener(), Listener()
    inversion = Inversion(tiny_inversion.network, tiny_inversion.prior, one, other)
    target = replace(tiny_target, ge2e=torch.ones(10), campplus=torch.ones(10), level_db=-23.0)
    inversion.likeness(0.7 * torch.sin(torch.arange(8000) / 9)[None], target)
    for ear in (one, other):
        assert 10 * float(ear.wave.square().mean().log10()) == pytest.approx(-23, abs=0.01)


def test_the_fitted_style_is_the_mean_of_the_last_steps(tiny_style: Style, tiny_prior: StylePrior) -> None:
    average, moved = _Average(), _Moved(tiny_style, tiny_prior)
    for step in (0.0, 1.0, 5.0):
        with torch.no_grad():
            moved.timbre.fill_(step)
            moved.prosody.fill_(-step)
        average.add(moved)
    mean = average.style(tiny_style)
    assert torch.allclose(mean.timbre, tiny_style.timbre + 2 * 0.5)  # a step is as long as the prior's spread: 0.5
    assert torch.allclose(mean.prosody, tiny_style.prosody - 2 * 0.5)


def score_with(f0_hz: Tensor) -> Score:
    none = torch.zeros(1, 1, 1)
    return Score(none, f0_hz, none, none)


def test_pitch_counts_only_where_there_is_a_voice(tiny_target: Target) -> None:
    random = torch.randn(1, 400, generator=torch.Generator().manual_seed(0))
    low = torch.exp(4.6 + 0.1 * random)
    high = torch.exp(5.1 + 0.1 * random)  # the target's own mean and spread
    lively = torch.exp(5.1 + 0.4 * random)
    silent = torch.zeros(1, 400)
    losses = [float(_pitch_loss(score_with(f0), tiny_target, PLAN)) for f0 in (low, high, lively, silent)]
    assert losses[0] == pytest.approx(0.25, rel=0.1)
    assert losses[1] == pytest.approx(0.0, abs=1e-3)
    assert losses[2] == pytest.approx(0.3 * 0.09, rel=0.15)
    assert losses[3] == 0
    with_pauses = torch.cat([high, silent], dim=1)
    assert float(_pitch_loss(score_with(with_pauses), tiny_target, PLAN)) == pytest.approx(losses[1], abs=1e-6)
    unknown = replace(tiny_target, log_f0=None, log_f0_spread=None)
    assert float(_pitch_loss(score_with(low), unknown, PLAN)) == 0
