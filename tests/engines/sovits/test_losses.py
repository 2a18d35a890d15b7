"""Losses are what their papers say; segments stay inside their rows; padding does not count."""

import pytest
import torch

from voicewright.engines.sovits.losses import (
    SubBandSpectra,
    discriminator_losses,
    feature_loss,
    generator_losses,
    kl_by_item,
    kl_loss,
    lf0_by_item,
    random_starts,
    slice_segments,
    sub_band_loss,
)
from voicewright.engines.sovits.noise import RandomNoise, ReplayedNoise


def noise() -> RandomNoise:
    return RandomNoise(torch.Generator().manual_seed(0))


def test_perfect_discriminators_and_perfect_generators_have_nothing_to_learn() -> None:
    ones, zeros = [torch.ones(2, 5), torch.ones(2, 3)], [torch.zeros(2, 5), torch.zeros(2, 3)]
    assert torch.stack(discriminator_losses(ones, zeros)).sum() == 0
    assert generator_losses(ones).sum() == 0
    assert generator_losses(zeros).tolist() == [1, 1]


def test_features_of_the_real_are_not_learned_from() -> None:
    real, made = torch.zeros(1, 2, 3, requires_grad=True), torch.ones(1, 2, 3, requires_grad=True)
    loss = feature_loss([[real]], [[made]])
    loss.backward()
    assert loss == 2
    assert real.grad is None
    assert made.grad is not None


def test_losses_are_float32_whatever_the_networks_run_in() -> None:
    halves = [torch.rand(2, 5).bfloat16()]
    assert generator_losses(halves).dtype == torch.float32
    assert sum(discriminator_losses(halves, halves)).dtype == torch.float32
    assert feature_loss([halves], [halves]).dtype == torch.float32


def test_equal_distributions_are_no_distance_apart() -> None:
    """In the mean: the sample of the posterior stands for the whole of it."""
    generator = torch.Generator().manual_seed(0)
    mean, logs = torch.randn(1, 4, 20_000, generator=generator), torch.full((1, 4, 20_000), 0.3)
    sample = mean + logs.exp() * torch.randn(1, 4, 20_000, generator=generator)
    mask = torch.ones(1, 1, 20_000)
    assert kl_loss(sample, logs, mean, logs, mask) == pytest.approx(0, abs=0.05)
    assert kl_loss(sample, logs, mean + 2, logs, mask) > 1


def test_padding_has_no_part_in_the_divergence() -> None:
    generator = torch.Generator().manual_seed(0)
    z, logs_q, m, logs_p = (torch.randn(1, 4, 9, generator=generator) for _ in range(4))
    mask = (torch.arange(9) < 6).float()[None, None]
    alone = kl_loss(*(each[..., :6] for each in (z, logs_q, m, logs_p)), torch.ones(1, 1, 6))
    assert kl_loss(z, logs_q, m, logs_p, mask) == pytest.approx(float(alone), rel=1e-5)


def test_an_item_counts_the_same_whatever_is_beside_it() -> None:
    generator = torch.Generator().manual_seed(0)
    z, logs_q, m, logs_p = (torch.randn(2, 4, 9, generator=generator) for _ in range(4))
    mask = (torch.arange(9) < torch.tensor([[9], [4]])).float()[:, None]
    alone = kl_by_item(*(each[1:, :, :4] for each in (z, logs_q, m, logs_p)), torch.ones(1, 1, 4))
    assert torch.allclose(kl_by_item(z, logs_q, m, logs_p, mask)[1:], alone)
    apart = lf0_by_item(torch.zeros(2, 1, 9), torch.ones(2, 1, 9) * torch.tensor([2.0, 3.0])[:, None, None], mask)
    assert apart.tolist() == [4, 9]


def test_sub_bands_that_are_the_same_are_no_distance_apart_and_louder_ones_are() -> None:
    bands = torch.randn(2, 4, 400, generator=torch.Generator().manual_seed(0))
    spectra = SubBandSpectra(n_ffts=(64, 32), hops=(8, 4), windows=(32, 16))
    assert sub_band_loss(bands, bands, spectra) == 0
    assert sub_band_loss(bands, 2 * bands, spectra) == pytest.approx(1 + torch.log(torch.tensor(2.0)).item(), rel=1e-3)


def test_segments_are_cut_at_their_own_places_and_filled_up() -> None:
    rows = torch.arange(20.0).reshape(2, 1, 10)
    assert slice_segments(rows, torch.tensor([1, 8]), 3).tolist() == [[[1, 2, 3]], [[18, 19, 0]]]
    assert slice_segments(rows[:, 0], torch.tensor([0, 0]), 99).shape == (2, 10)


@pytest.mark.parametrize("dialect", ["fork", "upstream"])
def test_random_segments_lie_within_their_rows(dialect: str) -> None:
    lengths = torch.tensor([30] * 500 + [4] * 10)
    starts = random_starts(lengths, 20, noise(), dialect=dialect)  # type: ignore[arg-type]
    assert starts.min() == 0
    assert starts[:500].max() == (10 if dialect == "upstream" else 9)
    assert starts[500:].max() == 0


def test_the_last_place_can_be_drawn_only_upstream() -> None:
    nearly_one = [torch.tensor([1 - 2**-24])]
    assert random_starts(torch.tensor([30]), 20, ReplayedNoise(nearly_one), dialect="upstream") == 10
    assert random_starts(torch.tensor([30]), 20, ReplayedNoise(nearly_one), dialect="fork") == 9
