"""`merge`: checkpoints of one shape, averaged with weights, as a run of their own.

Weights that learn as they are are averaged one by one (Izmailov et al. 2018, Wortsman et al. 2022). An adapter is a
product of two thin matrices, and the mean of products is not the product of means: the products are averaged, and the
nearest adapter of the same rank is taken (truncated singular value decomposition; Eckart & Young 1936).
"""

import math
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from voicewright.errors import BadCheckpoint, BadSetting
from voicewright.training.checkpoint import Checkpoint, Snapshot, read_checkpoint, write_checkpoint
from voicewright.training.run import START, Run

if TYPE_CHECKING:
    from torch import Tensor

    Tensors: TypeAlias = Mapping[str, Tensor]

KEPT = "merged_kept"
"""Figure of a merged checkpoint: how much of the adapters' averaged change the same rank can hold, 0 to 1."""
PARTNERS = (
    (re.compile(r"(^|\.)downs(\.\d+)$"), r"\1ups\2"),
    (re.compile(r"(^|\.)lora_A(\.\w+)?\.weight$"), r"\1lora_B\2.weight"),
)
"""What the thin matrices of an adapter are called: the one that is applied first, and its partner. Ours; peft's."""
SHOWN = 4


def merge(checkpoints: Sequence[Path], weights: Sequence[float], out: Path) -> Run:
    """A new run in `out` whose one checkpoint is the weighted mean of `checkpoints`, of their moving averages where
    they have them. It speaks, is heard, exported, and trained from (`source`) like any other; it cannot be resumed.

    Args:
        checkpoints: two or more folders (…/checkpoints/step-00000120), each in its run.
        weights: one for each, 0 or more; they are divided by their sum.

    Raises:
        BadCheckpoint: one is damaged, or they differ in engine, its weights, the voice they started from, the names or
            the shapes of what they learned.
        BadSetting: fewer than two, weights that make no mean, or `out` is taken.
    """
    shares = _shares(len(checkpoints), weights)
    found = [read_checkpoint(folder) for folder in checkpoints]
    first = found[0]
    for other in found[1:]:
        _require_same(first, other)
    if out.exists() and any(out.iterdir()):
        raise BadSetting(f"{out} is not empty; a merge needs a folder of its own")
    run_of_first = Run.open(_run_folder(first))
    parts = [checkpoint.networks() for checkpoint in found]
    for other, part in zip(found[1:], parts[1:], strict=True):
        _require_same_shapes(first, parts[0], other, part)
    networks, kept = {}, []
    for name in parts[0]:
        networks[name], held = merged([part[name] for part in parts], shares)
        kept += held
    parent = " + ".join(f"{share:.3g} × {each.folder}" for share, each in zip(shares, found, strict=True))
    run = Run.create(out, replace(run_of_first.plan, run=str(out)))
    try:
        if run_of_first.start_voice.is_file():
            shutil.copyfile(run_of_first.start_voice, run.start_voice)
        step = max(each.step for each in found)
        info = replace(
            first,
            step=step,
            steps=step,
            epoch=max(each.epoch for each in found),
            parent=parent,
            figures={KEPT: math.fsum(kept) / len(kept)} if kept else {},
            files={},
        )
        write_checkpoint(run.checkpoint_folder, Snapshot(info=info, networks=networks))
        run.update(status="finished", step=step, steps=step, message=f"merged: {parent}")
    except OSError:
        shutil.rmtree(out, ignore_errors=True)
        raise
    return run


def merged(parts: "Sequence[Tensors]", shares: Sequence[float]) -> "tuple[dict[str, Tensor], list[float]]":
    """The weighted mean of one network's tensors, and for each adapter how much of the mean change its rank holds.

    Whole numbers (counters) are the first's.
    """
    import torch

    result: dict[str, Tensor] = {}
    kept = []
    for name, tensor in parts[0].items():
        if name in result:
            continue
        partner = _partner(name, parts[0])
        if partner:
            pairs = [(part[name], part[partner]) for part in parts]
            result[name], result[partner], held = _merged_adapter(pairs, shares)
            kept.append(held)
        elif tensor.is_floating_point():
            mean = torch.stack([part[name].double() * share for part, share in zip(parts, shares, strict=True)]).sum(0)
            result[name] = mean.to(tensor.dtype)
        else:
            result[name] = tensor
    return {name: result[name] for name in parts[0]}, kept


def _merged_adapter(
    pairs: "Sequence[tuple[Tensor, Tensor]]", shares: Sequence[float]
) -> "tuple[Tensor, Tensor, float]":
    """down (r, i, …) and up (o, r, …) of the same rank whose product is nearest to the mean of the products, and how
    much of that mean's energy it holds."""
    import torch

    down, up = pairs[0]
    rank = down.shape[0]
    ups = torch.cat([up.double().flatten(1) * share for (_, up), share in zip(pairs, shares, strict=True)], dim=1)
    downs = torch.cat([down.double().flatten(1) for down, _ in pairs])
    left, left_small = torch.linalg.qr(ups)
    right, right_small = torch.linalg.qr(downs.T)
    u, values, vh = torch.linalg.svd(left_small @ right_small.T, full_matrices=False)
    half = values[:rank].sqrt()
    whole = float(values.square().sum())
    held = float(values[:rank].square().sum()) / whole if whole else 1.0
    new_up, new_down = left @ (u[:, :rank] * half), (half[:, None] * vh[:rank]) @ right.T
    missing = rank - new_down.shape[0]
    if missing > 0:  # the weight is thinner than the rank
        new_up = torch.nn.functional.pad(new_up, (0, missing))
        new_down = torch.nn.functional.pad(new_down, (0, 0, 0, missing))
    return new_down.to(down.dtype).view_as(down), new_up.to(up.dtype).view_as(up), held


def _partner(name: str, tensors: "Tensors") -> str:
    """The other half of the adapter whose first half is called `name`; "" when it is none."""
    for pattern, replacement in PARTNERS:
        partner, count = pattern.subn(replacement, name)
        if count and partner in tensors:
            return partner
    return ""


def _shares(count: int, weights: Sequence[float]) -> list[float]:
    if count < 2:
        raise BadSetting("a merge takes two checkpoints or more")
    if len(weights) != count:
        raise BadSetting(f"{count} checkpoints need {count} weights, not {len(weights)}")
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights) or not sum(weights):
        raise BadSetting(f"weights of a merge are 0 or more, and not all 0: got {', '.join(map(str, weights))}")
    return [weight / sum(weights) for weight in weights]


def _run_folder(checkpoint: Checkpoint) -> Path:
    return checkpoint.folder.resolve().parent.parent


def _require_same(first: Checkpoint, other: Checkpoint) -> None:
    """That two checkpoints learned the same thing from the same beginning."""
    for what, a, b in (
        ("engine", first.engine, other.engine),
        ("weights below it", first.weights[:12], other.weights[:12]),
        ("adapters", first.plan.get("lora"), other.plan.get("lora")),
        ("recipe", first.plan.get("recipe"), other.plan.get("recipe")),
        ("voice it started from", *(_start_of(each) for each in (first, other))),
    ):
        if a != b:
            raise BadCheckpoint(
                f"{other.folder} cannot be merged with {first.folder}: the {what} differs ({a} there, {b} here); merge "
                "checkpoints of one run, or of runs with the same start and the same settings"
            )


def _require_same_shapes(
    first: Checkpoint, a: "Mapping[str, Tensors]", other: Checkpoint, b: "Mapping[str, Tensors]"
) -> None:
    shapes = [
        {f"{network}/{name}": tuple(tensor.shape) for network, own in each.items() for name, tensor in own.items()}
        for each in (a, b)
    ]
    wrong = [
        f"{name} ({shapes[0].get(name, 'nothing')} there, {shapes[1].get(name, 'nothing')} here)"
        for name in sorted(shapes[0].keys() | shapes[1].keys())
        if shapes[0].get(name) != shapes[1].get(name)
    ]
    if wrong:
        more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise BadCheckpoint(
            f"{other.folder} cannot be merged with {first.folder}, what they learned has other names or shapes: "
            f"{', '.join(wrong[:SHOWN])}{more}"
        )


def _start_of(checkpoint: Checkpoint) -> str:
    """What the voice that a checkpoint's run started from holds, as a short text; "none" when there is no such voice.

    Its numbers count, not its file: the same voice may have been saved twice.
    """
    import hashlib

    from voicewright.voice.file import read_voice

    path = _run_folder(checkpoint) / START
    if not path.is_file():
        return "none"
    digest = hashlib.sha256()
    for name, tensor in sorted(read_voice(path).tensors.items()):
        digest.update(f"{name} {tensor.shape} ".encode() + tensor.tobytes())
    return digest.hexdigest()[:12]
