"""A voice with the network that speaks it, for other programs: as hexgrad publishes Kokoro, and as ONNX.

What a voice of ours has and theirs has not is folded into the weights, exactly: adapters; a timbre of its own for each
stage of the decoder; the output's gain. What changes with the length of a text becomes their table of 510 styles. Only
`stretch`, how slow the voice speaks, has no place in their files: the README beside them says which speed to ask for.

b batch · n tokens · s width of half a style · k stages of the decoder
"""

import json
import math
import os
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from voicewright.engines.kokoro.adapters import has_adapters, merge, twin
from voicewright.engines.kokoro.config import KokoroConfig
from voicewright.engines.kokoro.layers import AdaptiveInstanceNorm
from voicewright.engines.kokoro.network import Kokoro
from voicewright.engines.kokoro.style import Style, StylePrior
from voicewright.text.tokens import VOCABULARY
from voicewright.voice.names import voice_name

if TYPE_CHECKING:
    from voicewright.voice.voice import Voice

FORMATS: Mapping[str, str] = {
    "upstream": "weights, configuration and voice as hexgrad publishes them, for the package kokoro",
    "onnx": "a float32 ONNX network and a file of voices, for kokoro-onnx and its like",
}
ROWS = 510
"""Rows of a voice's table: one for each number of tokens from 1 on."""
WEIGHT_NORMED = re.compile(
    r"^text_encoder\.cnn\.\d+\.0\.weight$"
    r"|^predictor\.(F0|N)\.\d+\.(conv1|conv2|conv1x1|pool)\.weight$"
    r"|^decoder\.(encode|decode\.\d+)\.(conv1|conv2|conv1x1|pool)\.weight$"
    r"|^decoder\.(F0_conv|N_conv|asr_res\.0)\.weight$"
    r"|^decoder\.generator\.(ups\.\d+|conv_post)\.weight$"
    r"|^decoder\.generator\.(noise_res|resblocks)\.\d+\.convs[12]\.\d+\.weight$"
)
"""Weights that upstream keeps as a gain and a direction (weight norm)."""

README = """{name}: a voice made with voicewright, with the network that speaks it.
{speed}
{how}

The network is Kokoro-82M (hexgrad, Apache-2.0), changed for this voice alone: other voices will not sound right with
it. This is synthetic speech; say so where you use it.
"""
UPSTREAM = """
    from kokoro import KModel, KPipeline
    model = KModel(repo_id="hexgrad/Kokoro-82M", config="config.json", model="kokoro-v1_0.pth")
    pipeline = KPipeline(lang_code="a", repo_id="hexgrad/Kokoro-82M", model=model)
    for _, _, audio in pipeline("Any text.", voice="{name}.pt", speed={speed:.3f}): ...
"""
ONNX = """
    from kokoro_onnx import Kokoro
    kokoro = Kokoro("{name}.onnx", "voices.bin")
    samples, rate = kokoro.create("Any text.", voice="{name}", speed=1.0)
"""


def export_voice(
    network: Kokoro, prior: StylePrior, voice: "Voice", style: Style, format: str, folder: Path
) -> list[Path]:
    """Write `voice` into `folder` as one of `FORMATS`; the files, each whole or not there.

    Args:
        network: the published one, in float32.

    Raises:
        BadVoice: an adapter does not fit, or the name cannot be a file's.
    """
    name = voice_name(voice.name)
    if has_adapters(voice.tensors):
        network = merge(network, voice.tensors)
    whole, table = folded(network, style), styles(prior, style)
    folder.mkdir(parents=True, exist_ok=True)
    if format == "onnx":
        from voicewright.engines.kokoro.onnx_export import write_onnx

        how, speed = ONNX.format(name=name), ""
        files = {
            f"{name}.onnx": lambda path: write_onnx(whole, path, stretch=style.stretch),
            "voices.bin": lambda path: _save_voices(path, name, table),
        }
    else:
        told = 1 / style.stretch
        how, speed = UPSTREAM.format(name=name, speed=told), f"It speaks as its speaker does at speed {told:.3f}."
        files = {
            "kokoro-v1_0.pth": lambda path: torch.save(upstream_state(whole), path),
            f"{name}.pt": lambda path: torch.save(table, path),
            "config.json": lambda path: _write(path, json.dumps(upstream_config(network.config), indent=1)),
        }
    readme = README.format(name=name, speed=speed, how=how)
    files["README.txt"] = lambda path: _write(path, readme)
    return [_settled(folder / name, write) for name, write in files.items()]


def folded(network: Kokoro, style: Style) -> Kokoro:
    """A float32 network that does with the first stage's timbre everywhere, at gain 1, what `network` does with
    `style`.

    A layer under a style takes W·style + b from it. W·(t_j + shift) + b = W·(t_0 + shift) + [b + W·(t_j - t_0)], so
    what stage j has of its own goes into its bias. The gain is added to the log-magnitudes.
    """
    whole = twin(network)
    whole.decoder.run_in(torch.float32)
    generator = whole.decoder.generator
    kernels = len(generator.resblocks) // len(generator.ups)
    with torch.no_grad():
        for stage in range(len(generator.ups)):
            difference = style.timbre[stage + 1] - style.timbre[0]
            blocks = [generator.noise_res[stage], *generator.resblocks[stage * kernels : (stage + 1) * kernels]]
            for layer in (m for block in blocks for m in block.modules() if isinstance(m, AdaptiveInstanceNorm)):
                layer.fc.bias = _fixed(layer.fc.bias + layer.fc.weight @ difference)
        louder = torch.zeros(generator.n_fft + 2)
        louder[: generator.n_fft // 2 + 1] = math.log(style.gain)
        bias = generator.conv_post.bias
        generator.conv_post.bias = _fixed(louder if bias is None else bias + louder)
    return whole


def styles(prior: StylePrior, style: Style) -> Tensor:
    """The voice as a table: (510, 1, 2s); row i is for a text of i + 1 tokens."""
    halves = [torch.cat([style.timbre[0] + t, style.prosody + p]) for t, p in map(prior.shift, range(1, ROWS + 1))]
    return torch.stack(halves).unsqueeze(1).float()


def upstream_state(network: Kokoro) -> dict[str, dict[str, Tensor]]:
    """The weights as hexgrad's file has them: five state dicts, names from a `DataParallel`, gains apart from
    directions (weight norm over all but the first axis), instance norms with a gain of their own that does nothing.

    ALBERT's pooler, which nothing uses, is left out: the official loader does not mind.
    """
    state: dict[str, dict[str, Tensor]] = {}
    for name, tensor in network.state_dict().items():
        module, _, rest = name.partition(".")
        own = state.setdefault(module, {})
        value = tensor.detach().float().clone()
        if WEIGHT_NORMED.match(name):
            gain = value.flatten(1).norm(dim=1).view(-1, *[1] * (value.dim() - 1))
            own[f"module.{rest}_g"] = gain
            own[f"module.{rest}_v"] = torch.where(gain > 0, value, torch.ones_like(value))
        else:
            own[f"module.{rest}"] = value
    for name, layer in network.named_modules():
        if isinstance(layer, AdaptiveInstanceNorm):
            module, _, rest = name.partition(".")
            channels = layer.fc.out_features // 2
            state[module][f"module.{rest}.norm.weight"] = torch.ones(channels)
            state[module][f"module.{rest}.norm.bias"] = torch.zeros(channels)
    return state


def upstream_config(config: KokoroConfig) -> dict[str, Any]:
    """What `config.json` holds beside the weights upstream."""
    return {
        "istftnet": {
            "upsample_kernel_sizes": list(config.upsample_kernels),
            "upsample_rates": list(config.upsample_rates),
            "gen_istft_hop_size": config.hop,
            "gen_istft_n_fft": config.n_fft,
            "resblock_dilation_sizes": [list(config.resblock_dilations)] * len(config.resblock_kernels),
            "resblock_kernel_sizes": list(config.resblock_kernels),
            "upsample_initial_channel": config.width,
        },
        "dim_in": 64,
        "dropout": 0.2,
        "hidden_dim": config.width,
        "max_conv_dim": 512,
        "max_dur": config.longest_duration,
        "multispeaker": True,
        "n_layer": config.text_layers,
        "n_mels": 80,
        "n_token": config.symbols,
        "style_dim": config.style,
        "text_encoder_kernel_size": config.text_kernel,
        "plbert": {
            "hidden_size": config.bert_width,
            "num_attention_heads": config.bert_heads,
            "intermediate_size": config.bert_inner,
            "max_position_embeddings": config.bert_positions,
            "num_hidden_layers": config.bert_repeats,
            "dropout": 0.1,
        },
        "vocab": dict(VOCABULARY),
    }


def _fixed(value: Tensor) -> nn.Parameter:
    return nn.Parameter(value.detach(), requires_grad=False)


def _save_voices(path: Path, name: str, table: Tensor) -> None:
    # as np.savez, in which no voice could be called "file"
    with zipfile.ZipFile(path, "w") as archive, archive.open(f"{name}.npy", "w") as entry:
        np.lib.format.write_array(entry, table.numpy(), allow_pickle=False)


def _write(path: Path, text: str) -> None:
    path.write_text(text + "\n", "utf-8")


def _settled(path: Path, write: Callable[[Path], None]) -> Path:
    """`path` with what `write` writes, whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        write(part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
