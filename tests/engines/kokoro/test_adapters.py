"""Adapters: what is learned beside a weight is what is spoken with after it was merged."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call

from voicewright.engines.kokoro.adapters import Adapters, merge, twin
from voicewright.engines.kokoro.network import Kokoro
from voicewright.engines.kokoro.tuning import adapted_weights
from voicewright.engines.options import LoraOptions
from voicewright.errors import BadVoice

LORA = LoraOptions(rank=2, alpha=4.0)
FC = "decoder.encode.norm1.fc.weight"


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def learned(network: nn.Module, names: list[str]) -> Adapters:
    """Adapters as if something had been learned."""
    adapters = Adapters(network, names, LORA, seeded())
    with torch.no_grad():
        for up in adapters.ups:
            up.copy_(0.3 * torch.randn(up.shape, generator=seeded()))
    return adapters


def test_new_adapters_change_nothing(tiny: Kokoro) -> None:
    adapters = Adapters(tiny.decoder, adapted_weights(tiny.decoder, "convolutions"), LORA, seeded())
    for name, weight in adapters.merged(tiny.decoder).items():
        assert torch.equal(weight, tiny.decoder.get_parameter(name))


def test_every_kind_of_layer_can_be_adapted_and_what_is_merged_computes_the_same(tiny: Kokoro) -> None:
    names = adapted_weights(tiny.decoder, "convolutions")
    kinds = {type(tiny.decoder.get_submodule(name.rpartition(".")[0])) for name in names}
    assert kinds == {nn.Linear, nn.Conv1d, nn.ConvTranspose1d}
    adapters = learned(tiny.decoder, names)
    config, t = tiny.config, 6
    inputs = (
        torch.randn(1, config.width, t, generator=seeded()),
        torch.full((1, 2 * t), 150.0),
        torch.zeros(1, 2 * t),
        torch.randn(1, config.stages, config.style, generator=seeded()),
        0.1 * torch.randn(1, t * config.samples_per_frame, generator=seeded()),
    )
    merged = merge(tiny, adapters.to_tensors("decoder."))
    with torch.no_grad():
        trained = functional_call(tiny.decoder, adapters.merged(tiny.decoder), inputs)
        assert torch.equal(merged.decoder(*inputs), trained)
        assert not torch.allclose(tiny.decoder(*inputs), trained)


def test_recurrent_weights_can_be_adapted_too(tiny: Kokoro) -> None:
    adapters = learned(tiny.predictor, ["lstm.weight_ih_l0", "lstm.weight_hh_l0_reverse"])
    merged = merge(tiny, adapters.to_tensors("predictor."))
    meaning, style = torch.randn(1, 5, tiny.config.width), torch.randn(1, tiny.config.style)
    before, after = (network.predictor.durations(meaning, style)[0] for network in (tiny, merged))
    assert not torch.allclose(before, after)


def test_a_merged_network_shares_every_tensor_that_was_not_adapted(tiny: Kokoro) -> None:
    merged = merge(tiny, learned(tiny, [FC]).to_tensors(""))
    for name, tensor in tiny.named_parameters():
        same = tensor.data_ptr() == merged.get_parameter(name).data_ptr()
        assert same == (name != FC)
    assert torch.equal(tiny.get_parameter(FC), twin(tiny).get_parameter(FC))


def test_moving_a_twin_leaves_the_first_where_it_was(tiny: Kokoro) -> None:
    copy = twin(tiny).double()
    assert copy.get_parameter(FC).dtype == torch.float64
    assert tiny.get_parameter(FC).dtype == torch.float32


def test_dropout_leaves_out_inputs_only_while_learning(tiny: Kokoro) -> None:
    adapters = Adapters(tiny, [FC], replace(LORA, dropout=0.5), seeded())
    with torch.no_grad():
        adapters.ups[0].fill_(1.0)
        unchanged = (adapters.merged(tiny)[FC] == tiny.get_parameter(FC)).all(0)
        assert 0 < unchanged.sum() < len(unchanged)
        adapters.eval()
        assert not (adapters.merged(tiny)[FC] == tiny.get_parameter(FC)).all(0).any()


@pytest.mark.parametrize(
    ("harm", "complaint"),
    [
        (lambda t: t | {"adapter.decoder.nowhere.weight.down": t[f"adapter.{FC}.down"]}, "no half of an adapter"),
        (lambda t: {k.replace("encode", "elsewhere"): v for k, v in t.items()}, "elsewhere"),
        (lambda t: {k: v[:, :1] if k.endswith("up") else v for k, v in t.items()}, "do not fit"),
        (lambda t: {k: v[:, 1:] if k.endswith("down") else v for k, v in t.items()}, "do not fit"),
        (lambda t: {k.replace(FC, "decoder.encode.conv1.bias"): v for k, v in t.items()}, "do not fit"),
        (lambda t: {k: v for k, v in t.items() if k.endswith("up")}, "no half of an adapter"),
        (lambda t: {k: v * np.float32("nan") for k, v in t.items()}, "not numbers"),
        (lambda t: {k.replace(".weight", ""): v for k, v in t.items()}, "does not have"),
    ],
)
def test_a_damaged_adapter_is_refused_by_name(tiny: Kokoro, harm: object, complaint: str) -> None:
    tensors = learned(tiny, [FC]).to_tensors("")
    assert callable(harm)
    with pytest.raises(BadVoice, match=complaint):
        merge(tiny, harm(tensors))
