"""Checkpoints as so-vits-svc 4.0, 4.1 and the fork keep them (`G_*.pth` beside a config.json): read and written.

A file is {"model": tensors by name, "iteration", "optimizer", "learning_rate"}; our network uses the same names. Read
are also safetensors files, bare tables of tensors, half precision, "module." before every name (of several processes),
both ways in which PyTorch has stored weight norm, and files without the posterior encoder ("compressed").
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from voicewright.engines.sovits.config import SovitsConfig
from voicewright.engines.sovits.normed import fold
from voicewright.engines.sovits.shapes import Shapes, differences, fitted
from voicewright.engines.sovits.snake import low_pass
from voicewright.engines.sovits.synthesizer import Synthesizer
from voicewright.errors import BadWeights, NotWritten
from voicewright.nn.frozen import fill_frozen
from voicewright.weights.download import settle
from voicewright.weights.safe import read_foreign

TRAINING_ONLY: Final = "enc_q."
DERIVED: Final = ".filter"
"""The low-pass filters of the snake decoder: constants, which the original stores and does not use when it reads."""
RENAMED: Final = {".parametrizations.weight.original0": ".weight_g", ".parametrizations.weight.original1": ".weight_v"}
OTHERS: Final = {
    "discriminators.": "the discriminator (D_….pth), which only training needs",
    "decoder.denoise_fn.": "a shallow diffusion model",
    "generator.m_source.": "a vocoder",
}
SHOWN: Final = 5


@dataclass(frozen=True)
class Facts:
    """What a checkpoint says beside its tensors.

    Args:
        iteration: epochs (the fork, 4.0, 4.1 count so); 0 where it is not told.
        half: whether it was stored in half precision.
        has_posterior: whether it can be trained on.
        speakers: the number of each by name, out of the config.
        remarks: where the config disagrees with the tensors, in words.
    """

    iteration: int
    learning_rate: float
    half: bool
    has_posterior: bool
    speakers: Mapping[str, int]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Checkpoint:
    """A generator as it was published: float32 tensors by name, under weight norm."""

    config: SovitsConfig
    tensors: dict[str, Tensor]
    facts: Facts


def read_checkpoint(path: Path, config: Mapping[str, Any] | None = None) -> Checkpoint:
    """A generator, read as data; nothing in the file is run. Every tensor in it has its place in the network, and
    every place its tensor; only the posterior encoder may be missing as a whole.

    Args:
        config: what its config.json holds; None leaves everything to the tensors, which tell it for published sizes.

    Raises:
        UnsafeFile: it holds more than plain data.
        BadWeights: it is damaged, something else, not finite, or not such a network; names the tensors.
    """
    stored, told = _stored(path)
    tensors = _plain(stored, str(path))
    shapes = Shapes({name: tuple(tensor.shape) for name, tensor in tensors.items()}, str(path))
    _refuse_others(shapes)
    base = _published(shapes) if config is None else SovitsConfig.from_json(config)
    found = fitted(base, shapes)
    if found.hop != found.hop_samples:
        raise BadWeights(
            f"{path}: its decoder makes {found.hop} samples of a frame, and the config's hop_length is "
            f"{found.hop_samples}; use the config.json that came with the file"
        )
    has_posterior = shapes.any(TRAINING_ONLY)
    with torch.device("meta"):
        wanted = Synthesizer(found, posterior=has_posterior).state_dict()
    _check_names(tensors, wanted, str(path))
    tensors |= {name: low_pass() for name in tensors if name.endswith(DERIVED)}
    _check_repeats(tensors, found, str(path))
    facts = Facts(
        iteration=_number(told.get("iteration")),
        learning_rate=float(told["learning_rate"]) if isinstance(told.get("learning_rate"), float) else 0.0,
        half=any(tensor.dtype in (torch.float16, torch.bfloat16) for tensor in stored.values()),
        has_posterior=has_posterior,
        speakers=_speakers({} if config is None else config),
        remarks=() if config is None else tuple(differences(base, found)),
    )
    return Checkpoint(found, tensors, facts)


def load_synthesizer(
    path: Path, config: Mapping[str, Any] | None = None, *, training: bool = False
) -> tuple[Synthesizer, Facts]:
    """The network of a checkpoint.

    Args:
        training: whole, to be trained on; else in eval mode, weight norm folded, without its posterior encoder.

    Raises:
        UnsafeFile, BadWeights: as `read_checkpoint`; or it cannot be trained on.
    """
    checkpoint = read_checkpoint(path, config)
    if training and not checkpoint.facts.has_posterior:
        raise BadWeights(f"{path}: it was compressed (no {TRAINING_ONLY}*) and cannot be trained on; use the whole one")
    net = Synthesizer(checkpoint.config, posterior=training)
    kept = {name: t for name, t in checkpoint.tensors.items() if training or not name.startswith(TRAINING_ONLY)}
    fill(net, kept, str(path))
    if training:
        net.train().requires_grad_(True)
    else:
        fold(net)
    return net, checkpoint.facts


def fill(net: Synthesizer, tensors: Mapping[str, Tensor], where: str) -> Synthesizer:
    """`net` with these tensors, in eval mode, without gradients; every one is used, and none is missing.

    Raises:
        BadWeights: they belong to another network; names the keys.
    """
    own = {name: value for name, value in net.state_dict().items() if name.endswith(DERIVED) and name in tensors}
    return fill_frozen(net, {**tensors, **own}, where)


def write_upstream(
    synthesizer: Synthesizer,
    path: Path,
    *,
    speakers: Mapping[str, int],
    iteration: int = 0,
    learning_rate: float = 1e-4,
    content: str = "",
) -> None:
    """Writes `path` (a G_….pth) and the config.json beside it, as the original programs read them.

    Args:
        content: the content encoder, by the name that 4.1 has for it; "" is the usual one for the network's width.

    Raises:
        BadWeights: the network is folded: the originals know it under weight norm only.
        NotWritten: the disk is full, or the folder cannot be written.
    """
    state = {name: tensor.detach().float().cpu() for name, tensor in synthesizer.state_dict().items()}
    if "dec.conv_pre.weight_g" not in state:
        raise BadWeights("this network was folded for use; export one that was loaded unfolded")
    groups = [{"lr": learning_rate, "initial_lr": learning_rate, "params": synthesizer.parameters()}]
    optimizer = torch.optim.AdamW(groups, learning_rate, betas=(0.8, 0.99), eps=1e-9).state_dict()
    whole = {"model": state, "iteration": iteration, "optimizer": optimizer, "learning_rate": learning_rate}
    text = json.dumps(synthesizer.config.to_json(speakers, content), indent=2, ensure_ascii=False)
    _put(path, lambda partial: torch.save(whole, partial))
    _put(path.with_name("config.json"), lambda partial: partial.write_text(text + "\n", "utf-8"))


def _put(path: Path, write: Callable[[Path], object]) -> None:
    """A file that is there whole or not at all."""
    partial = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(partial)
        settle(partial, path)
    except (OSError, RuntimeError) as problem:  # PyTorch reports a full disk as the latter
        raise NotWritten(f"{path}: cannot be written ({problem}); is there room, and may you write there?") from problem
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _stored(path: Path) -> tuple[dict[str, Tensor], Mapping[str, Any]]:
    """The tensors of a file by the names in it, and what stands beside them."""
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path), {}
        except (SafetensorError, OSError) as problem:
            raise BadWeights(f"{path}: not a whole safetensors file ({problem}); fetch it again") from problem
    found = read_foreign(path)
    model = found.get("model", found)
    if not isinstance(model, dict) or not model or not all(isinstance(value, Tensor) for value in model.values()):
        raise BadWeights(f'{path}: this is not a checkpoint of so-vits-svc (its "model" is not a table of tensors)')
    return {str(name): value for name, value in model.items()}, found


def _plain(stored: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
    """Float32 tensors by their published names, none of them broken."""
    tensors: dict[str, Tensor] = {}
    for name, tensor in stored.items():
        plain = name.removeprefix("module.")
        for new, old in RENAMED.items():
            plain = plain.replace(new, old)
        if plain in tensors:
            raise BadWeights(f"{where}: it holds {plain} twice")
        tensors[plain] = tensor.float()
    if broken := [name for name, tensor in tensors.items() if not tensor.isfinite().all()]:
        raise BadWeights(f"{where}: its training had failed: {_listed(broken)} is not finite; use an earlier one")
    return tensors


def _refuse_others(shapes: Shapes) -> None:
    for before, what in OTHERS.items():
        if shapes.any(before):
            raise BadWeights(f"{shapes.where}: this is {what}; a voice is in the generator (G_….pth)")


def _published(shapes: Shapes) -> SovitsConfig:
    """What published files have in common; only 4.1 has speakers of more than 256 channels."""
    return SovitsConfig(dialect="upstream" if shapes.size("emb_g.weight", 1) > 256 else "fork")


def _check_names(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor], where: str) -> None:
    missing = [name for name in wanted if name not in tensors]
    unknown = [name for name in tensors if name not in wanted]
    shaped = [
        f"{name} ({tuple(tensors[name].shape)} instead of {tuple(value.shape)})"
        for name, value in wanted.items()
        if name in tensors and tensors[name].shape != value.shape
    ]
    wrong = {"missing": missing, "unknown": unknown, "of another shape": shaped}
    if any(wrong.values()):
        told = "; ".join(f"{len(names)} {what}: {_listed(names)}" for what, names in wrong.items() if names)
        raise BadWeights(f"{where}: its tensors are not those of a so-vits-svc generator: {told}")


def _check_repeats(tensors: Mapping[str, Tensor], config: SovitsConfig, where: str) -> None:
    """What all steps of a flow share is stored once for each of them, and once more."""
    if not config.flow_share_parameter:
        return
    for name in [name for name in tensors if name.startswith("flow.wn.")]:
        for step in range(config.couplings):
            again = f"flow.flows.{2 * step}.enc.{name.removeprefix('flow.wn.')}"
            if not torch.equal(tensors[name], tensors[again]):
                raise BadWeights(f"{where}: {name} and {again} should be the same and are not; fetch it again")


def _speakers(config: Mapping[str, Any]) -> dict[str, int]:
    """Raises BadWeights: the config's table of speakers is not one."""
    told = config.get("spk", {})
    if not isinstance(told, Mapping) or not all(type(number) is int for number in told.values()):
        raise BadWeights("the config's \"spk\" does not give each speaker's name a number; mend it by hand")
    return {str(name): number for name, number in told.items()}


def _number(value: Any) -> int:
    return value if type(value) is int else 0


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
