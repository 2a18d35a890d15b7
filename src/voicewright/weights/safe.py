"""Read other people's `.pth` and `.pt` files as data: tensors, dicts, lists, numbers, texts; anything else is refused.

Arrays of numpy come out as tensors.

A file is either a zip archive (PyTorch 1.6 and later) or a row of pickles with the numbers behind them (before that).
Both hold one pickle that describes the tensors; `plain_pickle` reads it without running it. What a file can cost is
bounded by its own length: archives may not be compressed, tensors may not reach beyond their storages, and all tensors
together may not be much larger than the file.
"""

import io
import math
import re
import stat
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voicewright.errors import BadWeights
from voicewright.weights.plain_pickle import ArrayPlan, Name, StorageRef, TensorPlan, read_plain, refusal

if TYPE_CHECKING:
    import torch

MAX_PICKLE_BYTES = 512 << 20
"""The numbers of numpy arrays stand in the pickle: 10,000 centres of 768 numbers for each of a few speakers."""
MAX_LEGACY_PICKLE_BYTES = 64 << 20
MAX_OBJECTS = 5_000_000
MAX_DEPTH = 100
MAX_ENTRIES = 200_000
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
_ITEM_BYTES = {
    "float64": 8, "int64": 8, "uint64": 8, "complex64": 8, "complex128": 16, "float32": 4, "int32": 4, "uint32": 4,
    "float16": 2, "bfloat16": 2, "int16": 2, "uint16": 2,
}  # fmt: skip

ReadStorage = Callable[[StorageRef, int], bytearray]


def read_foreign(path: Path) -> dict[str, Any]:
    """What a `.pth` or `.pt` file holds, with CPU tensors; nothing in it is run, and parameters become plain tensors.

    Tensors that shared a storage share it again. The dictionary's inner ones may have whole numbers as keys.

    Raises: UnsafeFile, naming the file and what was refused, when it holds more than plain data or is built to swamp
        the reader; BadWeights when it is missing, damaged, or no such file.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadWeights(f"{path}: not a file; name a .pth or .pt file")
        with path.open("rb") as file:
            start = file.read(4)
        found = _read_zip(path) if start == b"PK\x03\x04" else _read_legacy(path)
    except (OSError, EOFError, ValueError, struct.error, zipfile.BadZipFile, NotImplementedError) as error:
        raise BadWeights(f"{path}: cannot be read ({error}); fetch it again") from error
    if not isinstance(found, dict):
        raise BadWeights(f"{path}: holds a {type(found).__name__}, not a dictionary of weights")
    return found


def _read_zip(path: Path) -> Any:
    size = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        members = _checked_members(archive, path, size)
        pickles = [name for name in members if name.rpartition("/")[2] == "data.pkl"]
        if len(pickles) != 1:
            raise refusal(str(path), f"holds {len(pickles)} pickles called data.pkl where one belongs")
        root = pickles[0].removesuffix("data.pkl")
        if f"{root}constants.pkl" in members or any(name.startswith(f"{root}code/") for name in members):
            raise refusal(str(path), "is a TorchScript program")
        if f"{root}byteorder" in members and archive.read(f"{root}byteorder") != b"little":
            raise BadWeights(f"{path}: was written on a big-endian machine; save it again on an ordinary one")
        if members[pickles[0]].file_size > MAX_PICKLE_BYTES:
            raise refusal(str(path), "has a description of more than 512 MB")
        plan = read_plain(io.BytesIO(archive.read(pickles[0])), str(path))

        def read_storage(storage: StorageRef, wanted_bytes: int) -> bytearray:
            info = members.get(f"{root}data/{storage.key}")
            if info is None or info.file_size < wanted_bytes:
                raise refusal(str(path), f"refers to {wanted_bytes} bytes of the storage {storage.key[:80]!r}, "
                              f"which has {info.file_size if info else 'none'}")  # fmt: skip
            held = bytearray(wanted_bytes)
            with archive.open(info) as member:
                if member.readinto(held) != wanted_bytes:  # type: ignore[attr-defined]
                    raise EOFError(f"the storage {storage.key} is cut short")
            return held

        return _Builder(str(path), size, read_storage).value(plan)


def _checked_members(archive: zipfile.ZipFile, path: Path, size: int) -> dict[str, zipfile.ZipInfo]:
    """The archive's entries by name, none of which can surprise whoever reads them."""
    infos = archive.infolist()
    where = str(path)
    if len(infos) > MAX_ENTRIES or sum(info.file_size for info in infos) > size:
        raise refusal(
            where, "is an archive that unpacks to more than its own length (a zip bomb, or a compressed program)"
        )
    for info in infos:
        name = info.orig_filename
        if name.startswith("/") or "\\" in name or "\0" in name or ":" in name or ".." in name.split("/"):
            raise refusal(where, f"is an archive with an entry that leads out of it, {name[:80]!r}")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise refusal(where, f"is an archive with a symbolic link, {name[:80]!r}")
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size or info.flag_bits & 1:
            raise refusal(where, f"is an archive with a compressed or encrypted entry, {name[:80]!r}")
    members = {info.filename: info for info in infos}
    if len(members) != len(infos):
        raise refusal(where, "is an archive with two entries of one name")
    return members


def _read_legacy(path: Path) -> Any:
    """Magic number, protocol, machine, the described object, the storages' keys, then each storage's numbers."""
    size, where = path.stat().st_size, str(path)
    with path.open("rb") as file:
        head = io.BytesIO(file.read(MAX_LEGACY_PICKLE_BYTES))
    try:
        magic, protocol = read_plain(head, where), read_plain(head, where)
    except BadWeights as error:
        raise BadWeights(f"{path}: not a PyTorch file of weights") from error
    if magic != _LEGACY_MAGIC or protocol != _LEGACY_PROTOCOL:
        raise refusal(where, "is a bare pickle, not what torch.save writes")
    machine = read_plain(head, where)
    if not isinstance(machine, dict) or machine.get("little_endian") is not True:
        raise BadWeights(f"{path}: was written on a big-endian machine; save it again on an ordinary one")
    plan, keys = read_plain(head, where), read_plain(head, where)
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or len(set(keys)) != len(keys):
        raise BadWeights(f"{path}: its list of storages is damaged; fetch it again")
    spans = _legacy_spans(path, head.tell(), keys, _storages_in(plan, where), size)

    def read_storage(storage: StorageRef, wanted_bytes: int) -> bytearray:
        if storage.key not in spans:
            raise refusal(where, f"refers to the storage {storage.key[:80]!r}, which it does not hold")
        with path.open("rb") as file:
            file.seek(spans[storage.key])
            return bytearray(file.read(wanted_bytes))

    return _Builder(where, size, read_storage).value(plan)


def _legacy_spans(path: Path, at: int, keys: list[str], storages: dict[str, StorageRef], size: int) -> dict[str, int]:
    """Where each storage's numbers begin; they stand one after another, each behind its count (int64)."""
    spans: dict[str, int] = {}
    with path.open("rb") as file:
        for key in keys:
            file.seek(at)
            count = int.from_bytes(file.read(8), "little")
            storage = storages.get(key)
            if storage is None or count != storage.elements:
                raise BadWeights(f"{path}: the storage {key[:80]!r} is not as described; fetch it again")
            spans[key] = at + 8
            at += 8 + count * _ITEM_BYTES.get(storage.dtype, 1)
            if at > size:
                raise BadWeights(f"{path}: the file is cut short; fetch it again")
    return spans


def _storages_in(plan: Any, where: str) -> dict[str, StorageRef]:
    """Every storage that the description mentions, by key; each object is looked at once."""
    found: dict[str, StorageRef] = {}
    seen: set[int] = set()
    waiting = [plan]
    while waiting:
        node = waiting.pop()
        if isinstance(node, TensorPlan):
            if found.setdefault(node.storage.key, node.storage) != node.storage:
                raise refusal(where, f"describes the storage {node.storage.key[:80]!r} in two ways")
        elif isinstance(node, dict | list | tuple) and id(node) not in seen:
            seen.add(id(node))
            waiting.extend(node.values() if isinstance(node, dict) else node)
    return found


@dataclass
class _Builder:
    """Turns a description into values, within bounds."""

    where: str
    file_bytes: int
    read_storage: ReadStorage
    _tensor_bytes: int = 0
    _storages: "dict[StorageRef, torch.Tensor]" = field(default_factory=dict)
    _done: dict[int, tuple[Any, int, Any]] = field(default_factory=dict)
    _open: set[int] = field(default_factory=set)

    def value(self, node: Any) -> Any:
        return self._value(node, 0)[0]

    def _value(self, node: Any, depth: int) -> tuple[Any, int]:
        """The value, and how many objects it is when every shared one is counted each time it is met."""
        if node is None or type(node) in (bool, int, float, str):
            return node, 1
        if type(node) not in (dict, list, tuple, TensorPlan, ArrayPlan):
            raise refusal(self.where, f"holds {_what(node)!r} as a value")
        if (known := self._done.get(id(node))) is not None:
            return known[0], known[1]
        if id(node) in self._open:
            raise refusal(self.where, "holds a container that contains itself")
        if depth > MAX_DEPTH:
            raise refusal(self.where, f"is nested more than {MAX_DEPTH} deep")
        self._open.add(id(node))
        if isinstance(node, ArrayPlan):
            value, count = self._array(node), 1
        else:
            value, count = (self._tensor(node), 1) if isinstance(node, TensorPlan) else self._container(node, depth)
        self._open.discard(id(node))
        if count > MAX_OBJECTS:
            raise refusal(self.where, f"unfolds to more than {MAX_OBJECTS:,} objects")
        self._done[id(node)] = value, count, node  # the node is kept so that its id stays its own
        return value, count

    def _container(self, node: Any, depth: int) -> tuple[Any, int]:
        inner = [self._value(child, depth + 1) for child in (node.values() if type(node) is dict else node)]
        values, count = [value for value, _ in inner], 1 + sum(count for _, count in inner)
        if type(node) is dict:
            return dict(zip(node, values, strict=True)), count
        return (values if type(node) is list else tuple(values)), count

    def _array(self, plan: ArrayPlan) -> "torch.Tensor":
        import torch

        if not plan.dtype:
            raise refusal(self.where, "holds a numpy array without its numbers")
        dtype = getattr(torch, plan.dtype)
        self._count(len(plan.data))
        if not plan.data:
            return torch.empty(plan.shape, dtype=dtype)
        flat = torch.frombuffer(bytearray(plan.data), dtype=dtype)
        if plan.by_columns:
            return flat.reshape(plan.shape[::-1]).permute(*reversed(range(len(plan.shape))))
        return flat.reshape(plan.shape)

    def _count(self, more_bytes: int) -> None:
        self._tensor_bytes += more_bytes
        if self._tensor_bytes > 2 * self.file_bytes + (64 << 20):
            raise refusal(self.where, "describes tensors far larger than itself")

    def _tensor(self, plan: TensorPlan) -> "torch.Tensor":
        import torch

        dtype = getattr(torch, plan.dtype)
        elements = math.prod(plan.shape)
        self._count(elements * _ITEM_BYTES.get(plan.dtype, 1))
        if elements == 0:
            return torch.empty(plan.shape, dtype=dtype)
        flat = self._storage(plan.storage)
        if plan.dtype != plan.storage.dtype:
            whole = len(flat) * flat.element_size() // dtype.itemsize * dtype.itemsize
            flat = flat.view(torch.uint8)[:whole].view(dtype)
        last = plan.offset + sum((n - 1) * stride for n, stride in zip(plan.shape, plan.strides, strict=True))
        if last >= len(flat):
            raise refusal(self.where, f"describes a tensor that reaches beyond its storage of {len(flat)} numbers")
        return torch.as_strided(flat, plan.shape, plan.strides, plan.offset)

    def _storage(self, storage: StorageRef) -> "torch.Tensor":
        """The storage's numbers as a flat tensor; read once."""
        import torch

        if storage not in self._storages:
            if not re.fullmatch(r"\w{1,80}", storage.key):
                raise refusal(self.where, f"has a storage called {storage.key[:80]!r}")
            wanted = storage.elements * _ITEM_BYTES.get(storage.dtype, 1)
            if wanted > self.file_bytes:
                raise refusal(self.where, f"describes a storage of {wanted:,} bytes, more than the file has")
            held = self.read_storage(storage, wanted)
            if len(held) != wanted:
                raise BadWeights(f"{self.where}: the file is cut short; fetch it again")
            dtype = getattr(torch, storage.dtype)
            self._storages[storage] = torch.frombuffer(held, dtype=dtype) if held else torch.empty(0, dtype=dtype)
        return self._storages[storage]


def _what(node: object) -> str:
    if isinstance(node, Name):
        return node.full
    return "bytes (of _codecs.encode)" if isinstance(node, bytes) else "a storage without a tensor"
