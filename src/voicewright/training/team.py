"""`Team`: the processes that train together, and the precision they work in; one process is a team too.

They are started by `accelerate launch` or torchrun, never here. Gradients are summed once a step, by hand, and not by
DistributedDataParallel: its bookkeeping of who has a gradient breaks where a discriminator is called several times
before one backward, and it would send the discriminator's gradients of the generator's loss, which nobody wants
(audiocraft's flashy does the same, for the same reason). The price is that sending does not overlap with computing.
"""

import os
import resource
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from importlib import import_module
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn

from voicewright.errors import BadPlan, MissingExtra
from voicewright.nn.precision import choose_precision
from voicewright.training.options import TrainingPlan
from voicewright.training.state import buffers_of, learning

Thing = TypeVar("Thing")

BUCKET = 1 << 25
"""Numbers that are sent at once."""
PATIENCE = timedelta(hours=6)
"""How long the others wait for the main process: it listens to checkpoints alone."""


class Team:
    """All processes of a run, seen from one of them.

    Raises:
        BadPlan: the plan's device or precision cannot be had here, or what the launcher asks for.
        MissingExtra: the package accelerate is missing.
    """

    def __init__(self, plan: TrainingPlan) -> None:
        try:
            from accelerate import Accelerator
        except ImportError:
            raise MissingExtra("accelerate", needed_for="training", extra="train") from None
        from accelerate.state import is_initialized
        from accelerate.utils import DistributedType, InitProcessGroupKwargs

        # Its functions' defaults are the group that is there when it is imported, which torch's optimizers do: a group
        # so held outlives `close`, and its threads abort one process in seven at its end.
        import_module("torch.distributed.nn.functional")
        cpu = plan.device == "cpu"
        if not cpu and not torch.cuda.is_available():
            raise BadPlan(f"device {plan.device}: no GPU is found here; set device: cpu")
        if _asked("ACCELERATE_USE_DEEPSPEED"):
            raise BadPlan(
                "DeepSpeed does not train here; launch with FSDP (version 2), which shares weights out like it"
            )
        self.precision = _precision(plan)
        self._owner = not is_initialized()
        self._accelerator = Accelerator(
            cpu=cpu,
            mixed_precision={"float32": "no", "bfloat16": "bf16", "float16": "fp16"}[self.precision],
            kwargs_handlers=[InitProcessGroupKwargs(timeout=PATIENCE)],
        )
        kind = self._accelerator.distributed_type
        self.device: torch.device = self._accelerator.device
        self.number: int = self._accelerator.process_index
        self.size: int = self._accelerator.num_processes
        self.main: bool = self.number == 0
        # accelerate itself shards on accelerators only; on CPUs, torch can.
        shared_out = kind == DistributedType.FSDP or (cpu and _asked("ACCELERATE_USE_FSDP"))
        self.sharded: bool = self.size > 1 and shared_out
        self.scaler: Any = self._accelerator.scaler
        plain = {DistributedType.NO, DistributedType.MULTI_CPU, DistributedType.MULTI_GPU, DistributedType.FSDP}
        if kind not in plain:
            self.close()
            raise BadPlan(f"{kind.value} does not train here; launch without it, or with FSDP (version 2)")

    def wrap(self, networks: Mapping[str, nn.Module]) -> None:
        """Put networks on this process's device, with the main process's weights; under FSDP, this process's part."""
        for network in networks.values():
            network.to(self.device)
            if self.size > 1:
                for value in (*learning(network).values(), *buffers_of(network).values()):
                    torch.distributed.broadcast(value.detach(), 0)
            if self.sharded and learning(network):
                self._shard(network)

    def _shard(self, network: nn.Module) -> None:
        if self.device.type == "cpu":
            from torch.distributed.device_mesh import init_device_mesh
            from torch.distributed.fsdp import fully_shard

            fully_shard(network, mesh=init_device_mesh("cpu", (self.size,)))
        else:
            from accelerate.utils.fsdp_utils import fsdp2_prepare_model

            plugin = self._accelerator.state.fsdp_plugin
            if plugin.fsdp_version != 2:
                raise BadPlan("FSDP of version 1 does not train here; launch with fsdp_version: 2")
            plugin.cpu_ram_efficient_loading = False  # every process has the weights already
            fsdp2_prepare_model(self._accelerator, network)
        # By default the outermost layer stays whole after a forward without a backward (validation, a judged network),
        # and its parameters would not be those that the optimizer knows.
        network.set_reshard_after_forward(True)  # type: ignore[operator]

    def autocast(self) -> AbstractContextManager[Any]:
        """The plan's precision, for what is computed in it."""
        return cast(AbstractContextManager[Any], self._accelerator.autocast())

    def backward(self, loss: Tensor, share: float) -> None:
        """Gradients of a part's loss, of which `share` (0 to 1) counts in the step's."""
        # FSDP takes the mean over the processes, `share_gradients` the sum.
        loss = loss * (share * self.size if self.sharded else share)
        if self.scaler is not None:
            loss = self.scaler.scale(loss)
        loss.backward()  # type: ignore[no-untyped-call]

    def share_gradients(self, network: nn.Module) -> None:
        """Every process's gradients become the sum over all; a parameter without one on any process stays without."""
        if self.size == 1 or self.sharded:
            return
        parameters = list(learning(network).values())
        there = torch.tensor([each.grad is not None for each in parameters], dtype=torch.float32, device=self.device)
        torch.distributed.all_reduce(there)
        wanted = [each for each, seen in zip(parameters, there.tolist(), strict=True) if seen]
        for parameter in wanted:
            parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        for bucket in _buckets([each.grad for each in wanted if each.grad is not None]):
            flat = torch.cat([gradient.reshape(-1) for gradient in bucket])
            torch.distributed.all_reduce(flat)
            for gradient, summed in zip(bucket, torch.split(flat, [each.numel() for each in bucket]), strict=True):
                gradient.copy_(summed.view_as(gradient))

    def total(self, values: Mapping[str, float | Tensor]) -> dict[str, float]:
        """The sum over all processes of some figures, by name; all give the same names."""
        names = sorted(values)
        found = torch.stack([torch.as_tensor(values[name], device=self.device).detach().double() for name in names])
        if self.size > 1:
            torch.distributed.all_reduce(found)
        return dict(zip(names, found.tolist(), strict=True))

    def any(self, flag: bool) -> bool:
        """Whether one of the processes says so."""
        return flag if self.size == 1 else self.total({"": float(flag)})[""] > 0

    def everybodys(self, thing: Thing) -> list[Thing]:
        """Something small from each process, in their order."""
        if self.size == 1:
            return [thing]
        found: list[Any] = [None] * self.size
        torch.distributed.all_gather_object(found, thing)
        return found

    @contextmanager
    def drawing(self, *seed_parts: object) -> Iterator[None]:
        """Draw from a generator of this moment's own; torch's own generators are as before afterwards."""
        from voicewright.training.batches import seed_of

        seed = seed_of(*seed_parts, self.number)
        cuda = self.device.type == "cuda"
        with torch.random.fork_rng(devices=[self.device] if cuda else []):
            torch.default_generator.manual_seed(seed)
            if cuda:
                torch.cuda.manual_seed(seed)
            yield

    def close(self) -> None:
        """Part. Another run can then begin in this process, with another precision."""
        from accelerate.state import AcceleratorState

        if self._owner:
            self._accelerator.state.destroy_process_group()
            AcceleratorState._reset_state(reset_partial_state=True)


def peak_memory_mb(device: torch.device) -> float:
    """The most memory so far: the GPU's, or this process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def _asked(name: str) -> bool:
    """Whether the launcher asks for something: it does so by the environment."""
    return os.environ.get(name, "").lower() == "true"


def _precision(plan: TrainingPlan) -> str:
    if plan.precision == "float16":
        if plan.device == "cpu":
            raise BadPlan("precision float16 needs a GPU, and this run is on the CPU; set precision: auto")
        return "float16"
    return str(choose_precision(plan.precision, device=plan.device)).removeprefix("torch.")


def _buckets(tensors: list[Tensor]) -> Iterator[list[Tensor]]:
    """In order, of one dtype each, about `BUCKET` numbers."""
    bucket: list[Tensor] = []
    for each in tensors:
        full = sum(other.numel() for other in bucket) + each.numel() > BUCKET
        if bucket and (full or bucket[0].dtype != each.dtype):
            yield bucket
            bucket = []
        bucket.append(each)
    if bucket:
        yield bucket
