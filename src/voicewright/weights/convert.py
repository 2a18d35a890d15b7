"""`python -m voicewright.weights.convert SOURCE OUT --licence SPDX`: a foreign `.pth` once into safetensors."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voicewright.errors import BadWeights, VoicewrightError
from voicewright.weights.download import settle
from voicewright.weights.safe import read_foreign
from voicewright.weights.verified import sha256_of

if TYPE_CHECKING:
    import torch

FORMAT_VERSION = "1"
MAX_NOTE_BYTES = 1 << 20


def flatten(tree: Any, prefix: str = "") -> tuple[dict[str, "torch.Tensor"], dict[str, Any]]:
    """A nested state as tensors by dotted name, and everything else in it by dotted name.

    Raises: BadWeights when two entries come to the same name.
    """
    import torch

    tensors: dict[str, torch.Tensor] = {}
    values: dict[str, Any] = {}
    waiting = [(prefix, tree)]
    while waiting:
        name, node = waiting.pop()
        if isinstance(node, dict | list | tuple) and node:
            pairs = node.items() if isinstance(node, dict) else enumerate(node)
            waiting.extend((f"{name}.{key}" if name else str(key), child) for key, child in pairs)
            continue
        if name in tensors or name in values:
            raise BadWeights(f"two entries are both called {name!r}; rename one before converting")
        if isinstance(node, torch.Tensor):
            tensors[name] = node
        else:
            values[name] = node
    return tensors, values


def convert_foreign(
    source: Path,
    out: Path,
    *,
    licence: str,
    attribution: str = "",
    keep: Callable[[str], bool] = lambda name: True,
    half: bool = False,
) -> dict[str, str]:
    """Read a `.pth` or `.pt` with the restricted reader and write its tensors as safetensors.

    Args:
        keep: whether a tensor is wanted, by its dotted name (leave out an optimiser's state).
        half: store floating-point tensors as float16.

    Returns: the notes in the new file's header: format_version, source, source_sha256, licence, attribution, and
        `values`, the numbers and texts found beside the tensors, as JSON.
    Raises: as `read_foreign`; BadWeights when no tensor is left.
    """
    import torch
    from safetensors.torch import save_file

    tensors, values = flatten(read_foreign(source))
    kept = {name: tensor for name, tensor in tensors.items() if keep(name)}
    if not kept:
        raise BadWeights(f"{source}: no tensors to convert; it has {len(tensors)}, and none was asked for")
    text = json.dumps({name: value for name, value in values.items() if keep(name)}, sort_keys=True)
    notes = {
        "format_version": FORMAT_VERSION,
        "source": source.name,
        "source_sha256": sha256_of(source),
        "licence": licence,
        "attribution": attribution,
        "values": text if len(text) <= MAX_NOTE_BYTES else "{}",
    }

    def plain(tensor: torch.Tensor) -> torch.Tensor:
        wanted = tensor.half() if half and tensor.is_floating_point() else tensor
        return wanted.contiguous().clone()  # safetensors wants each tensor to own its numbers

    temporary = out.with_name(f".{out.name}.tmp")
    save_file({name: plain(tensor) for name, tensor in kept.items()}, temporary, metadata=notes)
    settle(temporary, out)
    return notes


def convert_plain(source: Path, out: Path) -> None:
    """Every tensor as it is; for sets whose licence and attribution the store adds. Raises: as `convert_foreign`."""
    convert_foreign(source, out, licence="")


def main(arguments: list[str] | None = None) -> int:
    """The command line; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m voicewright.weights.convert", description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--licence", required=True, help="SPDX identifier of the weights, such as Apache-2.0")
    parser.add_argument("--attribution", default="", help="who made them, and where")
    parser.add_argument("--only", default="", help="keep tensors whose dotted name begins with this")
    parser.add_argument("--half", action="store_true", help="store floating-point tensors as float16")
    asked = parser.parse_args(arguments)
    try:
        notes = convert_foreign(
            asked.source,
            asked.out,
            licence=asked.licence,
            attribution=asked.attribution,
            keep=lambda name: name.startswith(asked.only),
            half=asked.half,
        )
    except VoicewrightError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{asked.out}: {json.dumps(notes, indent=1)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
