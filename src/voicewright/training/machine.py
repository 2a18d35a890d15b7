"""`Machine`: what a plan must know of the computer it is for."""

import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from voicewright.doctor import GIB, cores, memory_gib


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What there is to train with; free amounts are as they are now."""

    device: str = "cpu"
    cores: int = 1
    memory_gib: float = 0.0
    """Free main memory."""
    gpus: tuple[float, ...] = ()
    """Free memory of each GPU in GiB."""
    native_bfloat16: bool = False
    """Whether the device multiplies bfloat16 in hardware."""
    bitsandbytes: bool = False
    """Whether that package is installed."""
    disk_gib: float = float("inf")
    """Free space where the run will be."""

    @property
    def on_gpu(self) -> bool:
        """Whether networks run on a GPU."""
        return self.device.startswith("cuda")


def this_machine(device: str = "cpu", folder: Path = Path()) -> Machine:
    """The machine that this process runs on.

    Args:
        device: where networks are to run, "cpu" or "cuda".
        folder: where the run will be; it need not exist.
    """
    import torch

    from voicewright.nn.precision import has_native_bfloat16

    folder = folder.absolute()
    place = next(each for each in (folder, *folder.parents) if each.exists())
    seen = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    gpus = tuple(torch.cuda.mem_get_info(number)[0] / GIB for number in seen)
    usable = bool(gpus) or not device.startswith("cuda")
    return Machine(
        device=device,
        cores=cores(),
        memory_gib=memory_gib()[1],
        gpus=gpus,
        native_bfloat16=usable and has_native_bfloat16(device),
        bitsandbytes=find_spec("bitsandbytes") is not None,
        disk_gib=shutil.disk_usage(place).free / GIB,
    )
