"""`Case`: tensors that an original computed, and what is known of how; `Compared`: how near ours come.

A case is two files: NAME.json (facts: constructor, calls, traps) and NAME.safetensors with `w.<key>` (weights, by
their original keys), `in.<call>.<name>`, `in.<call>.noise<i>` (random draws, in the order of the call) and
`out.<call>.<name>`. A case without tensors is its JSON alone.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voicewright.errors import BadClip

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Compared:
    """One output of one call: the largest error, and the largest that is let through; NaN is never let through.

    Args:
        error: the largest |ours - theirs|; infinite for another shape or for a tensor that ours does not make.
        excused: why the original is not followed here; its error does not count then.
    """

    call: str
    output: str
    error: float
    tolerance: float
    excused: str = ""

    @property
    def passed(self) -> bool:
        return bool(self.excused) or self.error <= self.tolerance


@dataclass(frozen=True)
class Case:
    """What an original computed. `facts` is its JSON, `tensors` all of its tensors by their full names."""

    name: str
    facts: Mapping[str, Any]
    tensors: "Mapping[str, Tensor]"

    @classmethod
    def read(cls, path: Path) -> "Case":
        """The case whose JSON is at `path`. Raises BadClip: it is not such a file."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        tensors = path.with_suffix(".safetensors")
        try:
            facts = json.loads(path.read_text("utf-8"))
            return cls(path.stem, facts, load_file(tensors) if tensors.exists() else {})
        except (ValueError, SafetensorError) as problem:
            raise BadClip(f"{path}: this is not a parity case ({problem})") from problem

    @property
    def constructor(self) -> Mapping[str, Any]:
        """The keyword arguments that the original was built with."""
        return self.facts.get("constructor") or {}

    @cached_property
    def weights(self) -> "dict[str, Tensor]":
        """The original's state dict."""
        return self._under("w.")

    @cached_property
    def calls(self) -> list[str]:
        """The names of the calls that have outputs, in the order of the file's facts."""
        known = [str(call["call"]) for call in self.facts.get("calls", [])]
        stored = [name[4:] for name in self.tensors if name.startswith("out.")]
        other = {name.rsplit(".", 1)[0] for name in stored if not name.startswith(tuple(f"{call}." for call in known))}
        return [call for call in known if self.outputs(call)] + sorted(other)

    def about(self, call: str) -> Mapping[str, Any]:
        """What the facts say of a call."""
        return next((entry for entry in self.facts.get("calls", []) if entry.get("call") == call), {})

    def inputs(self, call: str) -> "dict[str, Tensor]":
        """What a call was given, by name, random draws left out."""
        given = self._under(f"in.{call}.")
        return {name: tensor for name, tensor in given.items() if not _is_noise(name)}

    def noise(self, call: str) -> "list[Tensor]":
        """The random draws of a call, in order."""
        given = self._under(f"in.{call}.")
        return [given[name] for name in sorted(filter(_is_noise, given), key=lambda name: int(name[5:]))]

    def outputs(self, call: str) -> "dict[str, Tensor]":
        """What a call gave, by name."""
        return self._under(f"out.{call}.")

    def compare(
        self,
        call: str,
        made: Mapping[str, Any],
        *,
        atol: float = 1e-5,
        rtol: float = 0.0,
        excused: Mapping[str, str] | None = None,
    ) -> Iterator[Compared]:
        """Every output of a call with what ours made of it, by name (tensors, arrays or numbers).

        Args:
            atol, rtol: an error passes up to atol + rtol x the largest |output|.
            excused: outputs in which the original is not followed, and why.
        """
        for name, theirs in self.outputs(call).items():
            tolerance = atol + rtol * (float(theirs.double().abs().max()) if theirs.numel() else 0.0)
            error = _error(made[name], theirs) if name in made else float("inf")
            yield Compared(call, name, error, tolerance, (excused or {}).get(name, ""))

    def _under(self, prefix: str) -> "dict[str, Tensor]":
        return {name[len(prefix) :]: tensor for name, tensor in self.tensors.items() if name.startswith(prefix)}


Check = Callable[[Case], Iterator[Compared]]
"""Runs ours on all calls of a case."""


def _is_noise(name: str) -> bool:
    return name.startswith("noise") and name[5:].isdecimal()


def _error(ours: Any, theirs: "Tensor") -> float:
    import torch

    made = torch.as_tensor(ours).detach().double()
    wanted = theirs.double()
    if made.shape != wanted.shape:
        return float("inf")
    if not wanted.numel():
        return 0.0
    same = (made == wanted) | (made.isnan() & wanted.isnan())  # infinities and NaN that the original gave, too
    return float(torch.where(same, torch.zeros_like(made), (made - wanted).abs()).max())
