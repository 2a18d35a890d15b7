"""Reading weights into a network that is only used, never trained."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from voicewright.errors import BadWeights, MissingWeights

Net = TypeVar("Net", bound=nn.Module)


def load_frozen(net: Net, path: Path) -> Net:
    """`net` with the tensors of a safetensors file, float32, in eval mode, its parameters without gradients.

    Every key must be there, none may be left over, and all shapes must agree.

    Raises:
        MissingWeights: no such file.
        BadWeights: not a safetensors file, or one that belongs to another network; names the keys.
    """
    if not path.is_file():
        raise MissingWeights(f"no weights at {path}; see what is installed: voicewright weights")
    try:
        tensors = load_file(path)
    except SafetensorError as problem:
        raise BadWeights(
            f"{path} is not a readable safetensors file ({problem}); delete it and pull it again"
        ) from problem
    return fill_frozen(net, tensors, str(path))


def fill_frozen(net: Net, tensors: Mapping[str, Tensor], where: str) -> Net:
    """`net` with these tensors, as `load_frozen` does it; `where` begins the message.

    Raises:
        BadWeights: they belong to another network; names the keys.
    """
    wanted = {key: tuple(value.shape) for key, value in net.state_dict().items()}
    found = {key: tuple(value.shape) for key, value in tensors.items()}
    if wrong := sorted(key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key)):
        detail = ", ".join(f"{key} (expected {wanted.get(key)}, found {found.get(key)})" for key in wrong[:5])
        raise BadWeights(f"{where} does not fit {type(net).__name__}: {len(wrong)} keys differ: {detail}")
    net.load_state_dict({key: value.float() for key, value in tensors.items()})
    return net.eval().requires_grad_(False)
