"""Discriminators hear every sample, judge rows alone, and have the names of the published files."""

import pytest
import torch

from voicewright.engines.sovits.discriminators import Discriminator, DiscriminatorConfig, ScaleDiscriminators
from voicewright.engines.sovits.normed import NormedConv1d, NormedConvTranspose1d, fold


@pytest.fixture(scope="module")
def tiny() -> Discriminator:
    return Discriminator(DiscriminatorConfig.tiny()).eval()


def test_the_published_size() -> None:
    with torch.device("meta"):
        tensors = Discriminator().state_dict()
    assert len(tensors) == 111
    assert sum(tensor.numel() for tensor in tensors.values()) == 46_747_132


def test_three_scales_have_the_names_of_their_norms() -> None:
    with torch.device("meta"):
        tensors = ScaleDiscriminators().state_dict()
    assert len(tensors) == 70
    assert {"discriminators.0.conv_post.weight_orig", "discriminators.1.conv_post.weight_g"} <= tensors.keys()


def test_a_row_is_judged_alone(tiny: Discriminator) -> None:
    waves = torch.randn(2, 1, 301, generator=torch.Generator().manual_seed(0))
    together, alone = tiny(waves), tiny(waves[1:])
    for both, one in zip(together[0], alone[0], strict=True):
        assert torch.allclose(both[1:], one, atol=1e-6)


def test_the_last_sample_counts(tiny: Discriminator) -> None:
    """301 samples do not divide by 2 or 3: what is left over is mirrored, not cut off."""
    wave = torch.randn(1, 1, 301, generator=torch.Generator().manual_seed(0), requires_grad=True)
    for logits in tiny(wave)[0]:
        (gradient,) = torch.autograd.grad(logits.square().sum(), wave, retain_graph=True)
        assert gradient[..., -1].abs() > 0


def test_the_last_features_are_the_judgements(tiny: Discriminator) -> None:
    logits, features = tiny(torch.zeros(1, 1, 120))
    assert all(torch.equal(row[-1].flatten(1), each) for row, each in zip(features, logits, strict=True))


@pytest.mark.parametrize("kind", [NormedConv1d, NormedConvTranspose1d])
def test_a_folded_layer_computes_the_same(kind: type[NormedConv1d]) -> None:
    torch.manual_seed(0)
    layer = kind(4, 4, 4, stride=2, padding=1)
    with torch.no_grad():
        layer.get_parameter("weight_g").mul_(1.7)
        x = torch.randn(1, 4, 12)
        before = layer(x)
        fold(layer)
        assert torch.equal(layer(x), before)
    assert list(layer.state_dict()) == ["bias", "weight"]
