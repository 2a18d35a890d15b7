"""Names, order and shapes of every published variant at its full size; the key lists were read off the originals."""

import gzip
import json
from pathlib import Path

import pytest
import torch

from voicewright.engines.sovits.config import SovitsConfig
from voicewright.engines.sovits.shapes import Shapes, differences, fitted
from voicewright.engines.sovits.synthesizer import Synthesizer

KEYS = Path(__file__).parents[2] / "golden" / "sovits" / "generator_keys.json.gz"
SHORT = {"upsample_rates": (8, 4), "upsample_kernel_sizes": (32, 16)}
UP = {"dialect": "upstream", "gin_channels": 768, "n_speakers": 1}
VARIANTS = {
    "fork_G_4.0v1": {},
    "fork_G_4.0v1-legacy": {"ssl_dim": 256},
    "fork_G_quickvc": {"decoder": "ms-istft", **SHORT},
    "fork_G_mb-istft(quickvc cfg)": {"decoder": "mb-istft", **SHORT},
    "fork_G_istft(quickvc cfg)": {"decoder": "istft", **SHORT},
    "up_G_4.1": UP,
    "up_G_4.1(template,200spk)": {**UP, "n_speakers": 200},
    "up_G_4.1_vol": {**UP, "vol_embedding": True},
    "up_G_4.1_vec256l9(=4.0)": {"dialect": "upstream", "ssl_dim": 256, "n_speakers": 200},
    "up_G_4.1_tiny": {
        **UP,
        "use_depthwise_conv": True,
        "flow_share_parameter": True,
        "upsample_initial_channel": 400,
        "filter_channels": 512,
    },
    "up_G_4.1_transflow": {**UP, "use_transformer_flow": True},
    "up_G_4.1_transflow_share": {**UP, "use_transformer_flow": True, "flow_share_parameter": True},
    "up_G_4.1_snake": {**UP, "decoder": "nsf-snake-hifigan"},
    "up_G_4.1_no_autof0": {**UP, "use_automatic_f0_prediction": False},
}


def published(variant: str) -> dict[str, tuple[int, ...]]:
    rows = json.loads(gzip.decompress(KEYS.read_bytes()))[variant]
    return {name: tuple(map(int, shape.split("x"))) for name, shape in map(str.split, rows)}


def test_every_published_variant_is_known() -> None:
    assert json.loads(gzip.decompress(KEYS.read_bytes())).keys() == VARIANTS.keys()


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_network_has_the_published_names_in_their_order_and_their_shapes(variant: str) -> None:
    with torch.device("meta"):
        net = Synthesizer(SovitsConfig(**VARIANTS[variant]))
    made = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    assert list(made.items()) == list(published(variant).items())


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_tensors_tell_which_network_it_is(variant: str) -> None:
    wanted = SovitsConfig(**VARIANTS[variant])
    base = SovitsConfig(dialect=wanted.dialect, **(SHORT if not wanted.has_source else {}))
    assert differences(fitted(base, Shapes(published(variant), variant)), wanted) == []
