"""What learns, in and out of networks and optimizers: by name, whole and on the CPU, also where processes share it.

Under FSDP (torch's `fully_shard`) every tensor is in parts on all processes: these functions are then called by all of
them, in the same order.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.optim import Optimizer

SHOWN = 4


def learning(network: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that learn, by name; a shared one once."""
    return {name: value for name, value in network.named_parameters() if value.requires_grad}


def buffers_of(network: nn.Module) -> dict[str, Tensor]:
    """The buffers that a network's own state has: they may change while it learns (statistics of norms)."""
    own = network.state_dict(keep_vars=True)
    return {name: value for name, value in network.named_buffers() if name in own}


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """Copies of what learns, and of the buffers that are kept with it; (any shape), the network's own dtypes."""
    return {name: _whole(value) for name, value in _kept(network)}


def put_weights(networks: Mapping[str, nn.Module], given: Mapping[str, Mapping[str, Tensor]]) -> None:
    """Put copies from `weights_of` back, by network.

    Raises:
        ValueError: a network, a name or a shape is another one; names them.
    """
    homes = {f"{name}/{key}": home for name, network in networks.items() for key, home in _kept(network)}
    values = {f"{name}/{key}": value for name, own in given.items() for key, value in own.items()}
    wrong = [
        f"{key} ({_shape(values, key)} in the file, {_shape(homes, key)} here)"
        for key in sorted(homes.keys() | values.keys())
        if _shape(values, key) != _shape(homes, key)
    ]
    if wrong:
        more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise ValueError(", ".join(wrong[:SHOWN]) + more)
    with torch.no_grad():
        for key, home in homes.items():
            home.copy_(_shared(values[key], home))


def optimizer_state(network: nn.Module, optimizer: Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """An optimizer's memory as tensors and plain numbers, both as "parameter/what"."""
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, Any] = {}
    for name, parameter in learning(network).items():
        for what, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                tensors[f"{name}/{what}"] = _whole(value)
            else:
                numbers[f"{name}/{what}"] = value
    return tensors, numbers


def put_optimizer_state(
    network: nn.Module, optimizer: Optimizer, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]
) -> None:
    """Give an optimizer its memory back.

    Raises:
        ValueError: it is of a parameter that the network does not have; names it.
    """
    parameters = learning(network)
    for key, value in [*tensors.items(), *numbers.items()]:
        name, _, what = key.rpartition("/")
        if name not in parameters:
            raise ValueError(f"the optimizer's memory is of {name}, which does not learn here")
        parameter = parameters[name]
        if isinstance(value, Tensor):
            value = _placed(value, parameter)
        optimizer.state[parameter][what] = value


def finite(networks: Mapping[str, nn.Module]) -> bool:
    """Whether every number that was learned is a number; under FSDP, of this process's part."""
    return all(
        bool(torch.isfinite(local(value)).all())
        for network in networks.values()
        for value in learning(network).values()
    )


def local(value: Tensor) -> Tensor:
    """This process's part of a tensor, or all of it; the same memory, without gradient."""
    value = value.detach()
    return value.to_local() if isinstance(value, DTensor) else value


def _kept(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from learning(network).items()
    yield from buffers_of(network).items()


def _whole(value: Tensor) -> Tensor:
    full = value.full_tensor() if isinstance(value, DTensor) else value
    return full.detach().to("cpu", copy=True).contiguous()


def _shared(value: Tensor, home: Tensor) -> Tensor:
    """`value` as `home` keeps it: whole, or this process's part."""
    value = value.to(device=home.device, dtype=home.dtype)
    return distribute_tensor(value, home.device_mesh, home.placements) if isinstance(home, DTensor) else value


def _placed(value: Tensor, parameter: Tensor) -> Tensor:
    """A moment where its parameter is. Counts of steps (no dimension) stay on the CPU, where torch keeps them."""
    if value.ndim == 0:
        return value
    if isinstance(parameter, DTensor) and value.shape == parameter.shape:
        return distribute_tensor(value.to(parameter.device), parameter.device_mesh, parameter.placements)
    return value.to(parameter.device)


def _shape(tensors: Mapping[str, Tensor], key: str) -> str:
    return "x".join(str(size) for size in tensors[key].shape) or "one number" if key in tensors else "none"
