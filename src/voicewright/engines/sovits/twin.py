"""Voices of the engine's tiny twin: the layers in miniature, with random weights, behind a real content encoder."""

from typing import Any

import torch

from voicewright.engines.sovits.config import SovitsConfig
from voicewright.engines.sovits.singer import voice_from
from voicewright.engines.sovits.synthesizer import Synthesizer
from voicewright.voice.voice import Voice

CONTENT, WIDTH = "whisper-tiny", 384
HOME_HZ = 150.0


def tiny_network(seed: int = 7, **changes: Any) -> Synthesizer:
    """The network in miniature for the bundled Whisper's content; `changes` are to `SovitsConfig.tiny`."""
    with torch.random.fork_rng(devices=[]):  # what the layers begin with is drawn and thrown away
        network = Synthesizer(SovitsConfig.tiny(**({"ssl_dim": WIDTH} | changes))).eval()
    draw = torch.Generator().manual_seed(seed)
    tensors = dict(network.named_parameters())
    with torch.no_grad():
        for name, tensor in tensors.items():
            if name.endswith("gamma"):
                tensor.fill_(1)
            elif name.endswith("weight_g"):
                tensor.copy_(torch.ones(tensor.shape))
            else:
                spread = tensor[0].numel() ** -0.5 if tensor.ndim > 1 else 0.02
                tensor.copy_(spread * torch.randn(tensor.shape, generator=draw))
    return network


def tiny_voice(name: str = "nobody", *, seed: int = 7, **changes: Any) -> Voice:
    """A voice of nobody, by a network in miniature."""
    network = tiny_network(seed, **changes)
    speakers = {f"speaker-{number}": number for number in range(network.config.n_speakers)}
    return voice_from(
        network,
        name=name,
        speaker="speaker-0",
        speakers=speakers,
        content=CONTENT,
        home_hz=HOME_HZ,
        engine="sovits-tiny",
    )
