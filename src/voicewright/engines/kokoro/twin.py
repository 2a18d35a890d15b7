"""The engine's tiny twin: the same layers in miniature, with random weights, to try the machinery."""

import hashlib

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from voicewright.engines.kokoro.config import KokoroConfig
from voicewright.engines.kokoro.content import ContentConfig, ContentPredictor, Hearing
from voicewright.engines.kokoro.network import Kokoro
from voicewright.engines.kokoro.style import StylePrior
from voicewright.nn.phones import PhoneConfig, PhoneNetwork

TYPICAL_HZ = 150.0
FEWER_STEPS = 2.5
"""Taken off the duration head, so that a token lasts about four frames."""
SPREAD = 0.5
VOICES = 5


def tiny_network(seed: int = 7) -> tuple[Kokoro, str]:
    """The network in miniature, frozen, with a pitch that counts as a voice, and the content id of its weights."""
    with torch.random.fork_rng(devices=[]):  # what the layers begin with is drawn and thrown away
        network = Kokoro(KokoroConfig.tiny())
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in network.modules():
            for parameter in module.parameters(recurse=False):
                _begin(module, parameter, draw)
        network.get_parameter("predictor.F0_proj.bias").add_(TYPICAL_HZ)
        network.get_parameter("predictor.duration_proj.linear_layer.bias").sub_(FEWER_STEPS)
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        digest.update(name.encode() + tensor.numpy().tobytes())
    return network.eval().requires_grad_(False), digest.hexdigest()


def _begin(module: nn.Module, parameter: Tensor, draw: torch.Generator) -> None:
    """What a layer usually begins with, drawn from `draw`; norms and activations keep what they have."""
    if isinstance(module, nn.Embedding):
        parameter.normal_(generator=draw)
    elif isinstance(module, (nn.Linear, nn.Conv1d, nn.ConvTranspose1d, nn.RNNBase)):
        weight = module.get_parameter("weight_hh_l0" if isinstance(module, nn.RNNBase) else "weight")
        reach = weight[0].numel() ** -0.5
        parameter.uniform_(-reach, reach, generator=draw)


def tiny_prior(*, ge2e: int = 256, campplus: int = 192) -> StylePrior:
    """Styles of voices that nobody has, heard at random by encoders of these widths."""
    width = 2 * KokoroConfig.tiny().style
    draw = torch.Generator().manual_seed(1)
    return StylePrior(
        mean=torch.zeros(width),
        spread=torch.full((width,), SPREAD),
        by_length=0.01 * torch.randn(510, width, generator=draw),
        voices=torch.randn(VOICES, width, generator=draw),
        ge2e=F.normalize(torch.randn(VOICES, ge2e, generator=draw).abs(), dim=1),
        campplus=F.normalize(torch.randn(VOICES, campplus, generator=draw).abs(), dim=1),
    )


def tiny_listener(seed: int = 11) -> tuple[ContentPredictor, Hearing]:
    """What the twin hears with when it converts, and what it takes that for; frozen."""
    sizes = PhoneConfig.tiny()
    with torch.random.fork_rng(devices=[]):  # what the layers begin with is drawn and thrown away
        phones = PhoneNetwork(sizes)
        predictor = ContentPredictor(
            ContentConfig.tiny(content=KokoroConfig.tiny().width, phones=sizes.width, mels=sizes.mels)
        )
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for network in (phones, predictor):
            for module in network.modules():
                for parameter in module.parameters(recurse=False):
                    _begin(module, parameter, draw)
            network.eval().requires_grad_(False)
    return predictor, Hearing(None, phones)
