"""Read a pickle as a description, without ever resolving a name or calling anything that it asks for.

The standard unpickler is a small machine that imports names and calls them: that is how a weight file runs programs.
Here `pickletools.genops` only lists the machine's instructions, and this module acts out the few that `torch.save`
needs, on plain containers. A name stays a string; "call `torch._utils._rebuild_tensor_v2`" becomes a `TensorPlan`;
numpy's arrays become `ArrayPlan`s the same way. Every other name, call or instruction is refused. So safety does not
rest on the list being complete: there is no instruction here that could run code.

`torch.load(weights_only=True)` also refuses unknown names, but it obeys a list that any library in the process may
extend (`add_safe_globals`), builds sets, byte arrays and device objects, and unzips as much as a file pretends to hold.
"""

import math
import pickletools
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from voicewright.errors import BadWeights, UnsafeFile

MAX_STEPS = 5_000_000
MAX_AXES = 16

DTYPES = {
    "Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16",
    "Long": "int64", "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool",
    "ComplexFloat": "complex64", "ComplexDouble": "complex128",
}  # fmt: skip
_STORAGES = {f"torch.{device}{name}Storage": dtype for name, dtype in DTYPES.items() for device in ("", "cuda.")} | {
    "torch.storage.UntypedStorage": "uint8",
    "torch.UntypedStorage": "uint8",
}
_TYPES = {f"torch.{name}" for name in (*DTYPES.values(), "uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e5m2")}
_CALLS = {
    "collections.OrderedDict", "torch.Size", "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor_v3", "torch._utils._rebuild_parameter",
}  # fmt: skip
ARRAY_DTYPES = {
    "f2": "float16", "f4": "float32", "f8": "float64", "i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64",
    "u1": "uint8", "b1": "bool",
}  # fmt: skip
_ARRAY_CALLS = {
    "numpy.dtype", "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct", "_codecs.encode",
}  # fmt: skip
_CALLS = _CALLS | _ARRAY_CALLS
ALLOWED = frozenset(_STORAGES) | _TYPES | _CALLS | {"numpy.ndarray"}


@dataclass(frozen=True, slots=True)
class Name:
    """An allowed global, as text."""

    full: str


@dataclass(frozen=True, slots=True)
class StorageRef:
    """Raw numbers kept elsewhere in the file: `elements` of `dtype` under `key`."""

    dtype: str
    key: str
    elements: int


@dataclass(frozen=True, slots=True)
class TensorPlan:
    """How to look at a storage as a tensor; offset and strides in elements."""

    storage: StorageRef
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class NumberType:
    """The element type of a numpy array, by its code."""

    code: str


@dataclass(slots=True)
class ArrayPlan:
    """A numpy array: its numbers stand in the pickle itself. Empty until its state was read."""

    dtype: str = ""
    shape: tuple[int, ...] = ()
    by_columns: bool = False
    data: bytes = b""


@dataclass
class _Machine:
    where: str
    stack: list[Any] = field(default_factory=list)
    marks: list[list[Any]] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)
    steps: int = 0

    def spend(self, steps: int) -> None:
        """Count work, so that a small file cannot ask for hours of it."""
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise self.refuse("takes more than five million steps to read")

    def refuse(self, what: str) -> UnsafeFile:
        return refusal(self.where, what)

    def pop_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.marks.pop()
        return items


def refusal(where: str, what: str) -> UnsafeFile:
    """The error for a file that holds more than plain data."""
    return UnsafeFile(
        f"{where}: refused, it {what}; a file of weights holds tensors, dictionaries, lists, numbers and texts and "
        "nothing else. Get these weights as safetensors, or ask their author for a plain state dictionary"
    )


def read_plain(stream: BinaryIO, where: str) -> Any:
    """The next pickle of `stream`, as dicts, lists, tuples, numbers, texts, `TensorPlan`s, `ArrayPlan`s,
    `StorageRef`s and `Name`s.

    Raises: UnsafeFile, naming what was refused; BadWeights when the pickle is damaged.
    """
    machine = _Machine(where)
    try:
        for opcode, arg, _ in pickletools.genops(stream):
            if opcode.name == "STOP":
                return machine.stack.pop()
            machine.spend(1)
            act = _ACTIONS.get(opcode.name)
            if act is None:
                detail = f" for {arg[:200]!r}" if isinstance(arg, str) else ""
                raise machine.refuse(f"uses the pickle instruction {opcode.name}{detail}")
            act(machine, arg)
    except (ValueError, IndexError, KeyError, TypeError, struct.error, OverflowError) as error:
        raise BadWeights(f"{where}: the file is damaged ({type(error).__name__}); fetch it again") from error
    raise BadWeights(f"{where}: the file is cut short; fetch it again")


def _name(machine: _Machine, full: str) -> None:
    if full not in ALLOWED:
        raise machine.refuse(f"asks for {full[:200]!r}")
    machine.stack.append(Name(full))


def _stack_name(machine: _Machine, _: Any) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    if not isinstance(name, str) or not isinstance(module, str):
        raise machine.refuse("asks for a name that is not a text")
    _name(machine, f"{module}.{name}")


def _call(machine: _Machine, _: Any) -> None:
    args, function = machine.stack.pop(), machine.stack.pop()
    if not isinstance(function, Name) or function.full not in _CALLS or type(args) is not tuple or len(args) > 8:
        called = function.full if isinstance(function, Name) else type(function).__name__
        raise machine.refuse(f"calls {called!r}")
    machine.stack.append(_result(machine, function.full, args))


def _result(machine: _Machine, function: str, args: tuple[Any, ...]) -> Any:
    match function.rpartition(".")[2], args:
        case "OrderedDict", ():
            return {}
        case "OrderedDict", (list(pairs),):
            machine.spend(len(pairs))
            return {_key(machine, key): value for key, value in pairs}
        case "Size", (tuple(shape),) if len(shape) <= MAX_AXES:
            return shape
        case "_rebuild_parameter", (TensorPlan() as plan, bool(), dict(hooks)) if not hooks:
            return plan
        case "_rebuild_tensor", (StorageRef() as storage, offset, shape, strides):
            return _plan(machine, storage, offset, shape, strides, storage.dtype)
        case "_rebuild_tensor_v2", (StorageRef() as storage, offset, shape, strides, bool(), dict(hooks), *notes):
            if not hooks and not any(notes):
                return _plan(machine, storage, offset, shape, strides, storage.dtype)
        case "_rebuild_tensor_v3", (StorageRef() as storage, offset, shape, strides, bool(), dict(hooks), *notes):
            match notes:
                case (Name(full), *rest) if full in _TYPES and not hooks and not any(rest):
                    return _plan(machine, storage, offset, shape, strides, full.removeprefix("torch."))
        case "encode", (str(text), "latin1"):  # how protocol 2 writes bytes
            return text.encode("latin1")
        case "dtype", (str(code), bool() | 0 | 1, bool() | 0 | 1) if code in ARRAY_DTYPES:
            return NumberType(code)
        case "_reconstruct", (Name("numpy.ndarray"), (0,), bytes()):
            return ArrayPlan()
    raise machine.refuse(f"calls {function!r} with unusual arguments")


def _plan(machine: _Machine, storage: StorageRef, offset: Any, shape: Any, strides: Any, dtype: str) -> TensorPlan:
    sane = type(shape) is tuple and type(strides) is tuple and len(shape) == len(strides) <= MAX_AXES
    if not sane or not all(map(_whole, (offset, *shape, *strides))):
        raise machine.refuse("describes a tensor with an impossible shape")
    return TensorPlan(storage, offset, shape, strides, dtype)


def _whole(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 62


def _persistent(machine: _Machine, _: Any) -> None:
    match machine.stack.pop():
        case ("storage", Name(full), str(key), str(), elements, *view) if (
            full in _STORAGES and _whole(elements) and view in ([], [None])
        ):
            machine.stack.append(StorageRef(_STORAGES[full], key, elements))
        case _:
            raise machine.refuse("refers to something outside itself that is not a tensor's storage")


def _build(machine: _Machine, _: Any) -> None:
    state, target = machine.stack.pop(), machine.stack[-1]
    match target, state:
        case NumberType(), (int(), "<" | "|" | "=", None, None, None, -1, -1, 0):
            return
        case ArrayPlan(dtype=""), (int(), tuple(shape), NumberType(code), bool(by_columns), bytes(data)):
            _fill(machine, target, code, shape, data)
            target.by_columns = by_columns
            return
    # torch.save keeps a state dictionary's `_metadata` as an attribute of its OrderedDict: nothing that we need.
    if type(target) is not dict or type(state) is not dict or not state.keys() <= {"_metadata"}:
        raise machine.refuse(f"sets the inner state of a {type(target).__name__}")


def _fill(machine: _Machine, plan: ArrayPlan, code: str, shape: tuple[Any, ...], data: bytes) -> None:
    if len(shape) > MAX_AXES or not all(map(_whole, shape)) or math.prod(shape) * int(code[1:]) != len(data):
        raise machine.refuse("describes a numpy array that is not as long as its numbers")
    plan.dtype, plan.shape, plan.data = ARRAY_DTYPES[code], shape, data


def _set_items(machine: _Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if type(target) is not dict or len(items) % 2:
        raise machine.refuse(f"sets items of a {type(target).__name__}")
    for key, value in zip(items[::2], items[1::2], strict=True):
        target[_key(machine, key)] = value


def _key(machine: _Machine, key: Any) -> str | int:
    if not isinstance(key, str | int):
        raise machine.refuse(f"has a dictionary key that is a {type(key).__name__}")
    return key


def _extend(machine: _Machine, items: list[Any]) -> None:
    if type(machine.stack[-1]) is not list:
        raise machine.refuse(f"appends to a {type(machine.stack[-1]).__name__}")
    machine.stack[-1].extend(items)


def _close_tuple(machine: _Machine, _: Any) -> None:
    items = machine.pop_mark()
    machine.stack.append(tuple(items))


def _mark(machine: _Machine, _: Any) -> None:
    machine.marks.append(machine.stack)
    machine.stack = []


def _tuple_of(count: int) -> Callable[[_Machine, Any], None]:
    def act(machine: _Machine, _: Any) -> None:
        if len(machine.stack) < count:
            raise IndexError
        machine.stack[-count:] = [tuple(machine.stack[-count:])]

    return act


def _push(machine: _Machine, arg: Any) -> None:
    machine.stack.append(arg)


def _constant(make: Callable[[], Any]) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: machine.stack.append(make())


def _remember(machine: _Machine, arg: Any) -> None:
    machine.memo[len(machine.memo) if arg is None else arg] = machine.stack[-1]


_ACTIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": lambda machine, arg: None,
    "FRAME": lambda machine, arg: None,
    "MARK": _mark,
    "NONE": _constant(lambda: None),
    "NEWTRUE": _constant(lambda: True),
    "NEWFALSE": _constant(lambda: False),
    "EMPTY_DICT": _constant(dict),
    "EMPTY_LIST": _constant(list),
    "EMPTY_TUPLE": _constant(tuple),
    "TUPLE": _close_tuple,
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "SETITEM": lambda machine, arg: _set_items(machine, [machine.stack.pop(-2), machine.stack.pop()]),
    "SETITEMS": lambda machine, arg: _set_items(machine, machine.pop_mark()),
    "APPEND": lambda machine, arg: _extend(machine, [machine.stack.pop()]),
    "APPENDS": lambda machine, arg: _extend(machine, machine.pop_mark()),
    "GLOBAL": lambda machine, arg: _name(machine, arg.replace(" ", ".", 1)),
    "STACK_GLOBAL": _stack_name,
    "REDUCE": _call,
    "BUILD": _build,
    "BINPERSID": _persistent,
    "BINGET": lambda machine, arg: machine.stack.append(machine.memo[arg]),
    "LONG_BINGET": lambda machine, arg: machine.stack.append(machine.memo[arg]),
    "BINPUT": _remember,
    "LONG_BINPUT": _remember,
    "MEMOIZE": _remember,
} | dict.fromkeys(
    ("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINSTRING",
     "SHORT_BINSTRING"), _push,
)  # fmt: skip
