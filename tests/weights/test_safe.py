"""A foreign file is data: hostile ones are refused without side effects, honest ones are read in full."""

import io
import os
import pickle
import struct
import subprocess
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voicewright.errors import BadWeights, UnsafeFile, VoicewrightError
from voicewright.weights.safe import read_foreign


class Reduced:
    """Pickles as a call."""

    def __init__(self, *reduction: Any) -> None:
        self.reduction = reduction

    def __reduce__(self) -> Any:
        return self.reduction


class WithState:
    def __setstate__(self, state: Any) -> None:
        Path(state).touch()

    def __getstate__(self) -> str:
        return "unused"


def archive(path: Path, data: bytes, **members: bytes) -> Path:
    """A zip as torch.save lays it out."""
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("a/data.pkl", data)
        out.writestr("a/version", "3\n")
        out.writestr("a/byteorder", "little")
        for name, held in members.items():
            out.writestr(f"a/data/{name.removeprefix('s')}", held)
    return path


def legacy(path: Path, data: bytes, keys: bytes = b"\x80\x02].") -> Path:
    """A file as torch.save wrote it before 1.6, around any pickle."""
    head = [pickle.dumps(0x1950A86A20F9469CFC6C, 2), pickle.dumps(1001, 2)]
    machine = pickle.dumps({"protocol_version": 1001, "little_endian": True, "type_sizes": {}}, 2)
    path.write_bytes(b"".join([*head, machine, data, keys]))
    return path


def tensor_pickle(shape: tuple[int, ...], strides: tuple[int, ...], elements: int, offset: int = 0) -> bytes:
    """{"w": one tensor over the storage "0"}, with any claim about it."""

    def plain(value: Any) -> bytes:
        return pickle.dumps(value, 2)[2:-1]

    storage = b"(" + plain("storage") + b"ctorch\nFloatStorage\n" + plain("0") + plain("cpu") + plain(elements) + b"tQ"
    args = b"(" + storage + plain(offset) + plain(shape) + plain(strides) + b"\x89ccollections\nOrderedDict\n)Rt"
    return b"\x80\x02}" + plain("w") + b"ctorch._utils\n_rebuild_tensor_v2\n" + args + b"Rs."


def hostile(canary: Path) -> dict[str, tuple[bytes, str]]:
    """Pickles that would touch `canary`, each with the word its refusal must contain."""
    touch = f"touch {canary}"
    code = f"__import__('pathlib').Path({str(canary)!r}).touch()"

    def text(value: str) -> bytes:
        return b"X" + struct.pack("<I", len(value)) + value.encode()

    def protocol(obj: Any, number: int = 2) -> bytes:
        return pickle.dumps(obj, number)

    return {
        "os.system": (protocol(Reduced(os.system, (touch,))), "system"),
        "os.system, protocol 4": (protocol(Reduced(os.system, (touch,)), 4), "system"),
        "eval": (protocol(Reduced(eval, (code,))), "eval"),
        "exec": (protocol(Reduced(exec, (code,))), "exec"),
        "subprocess": (protocol(Reduced(subprocess.Popen, (["touch", str(canary)],))), "Popen"),
        "nested": (protocol({"model": {"layers": [1, {"w": Reduced(os.system, (touch,))}]}}), "system"),
        "as a key's value in OrderedDict": (protocol(OrderedDict(a=Reduced(os.system, (touch,)))), "system"),
        "list items": (protocol(Reduced(list, (), None, iter([Reduced(os.system, (touch,))]))), "list"),
        "dict items": (protocol(Reduced(dict, (), None, None, iter([(1, Reduced(eval, (code,)))]))), "dict"),
        "torch.load": (protocol(Reduced(torch.load, (str(canary), None))), "load"),
        "torch.hub": (b"\x80\x02ctorch.hub\nload\n" + text("x/y") + b"\x85R.", "torch.hub.load"),
        "builtins open": (protocol(Reduced(open, (str(canary), "w"))), "open"),
        "getattr": (protocol(Reduced(getattr, (Reduced(__import__, ("os",)), "system"))), "getattr"),
        "dotted name": (b"\x80\x04" + text("torch") + text("serialization.os.system") + b"\x93" + text(touch)
                        + b"\x85R.", "os.system"),
        "dotted name under an allowed one": (b"\x80\x04" + text("torch._utils")
                                             + text("_rebuild_tensor_v2.__globals__") + b"\x93.", "__globals__"),
        "numpy object array": (protocol({"w": np.array([Reduced(os.system, (touch,))], dtype=object)}), "numpy"),
        "numpy array of texts": (protocol({"w": np.array(["a"])}), "numpy.dtype"),
        "numpy array of another byte order": (protocol({"w": np.zeros(2, ">f4")}), "inner state"),
        "numpy array that claims more": (protocol({"w": np.zeros(2, "<f4")}).replace(b"K\x02\x85", b"K\x09\x85"),
                                         "as long as"),
        "numpy array without numbers": (b"\x80\x02}" + text("w") + b"cnumpy._core.multiarray\n_reconstruct\n"
                                        b"cnumpy\nndarray\nK\x00\x85c_codecs\nencode\n" + text("b") + text("latin1")
                                        + b"\x86R\x87Rs.", "without its numbers"),
        "numpy type as a value": (b"\x80\x02}" + text("w") + b"cnumpy\nndarray\ns.", "numpy.ndarray"),
        "numpy class called": (b"\x80\x02cnumpy\nndarray\nK\x05\x85\x85R.", "numpy.ndarray"),
        "another codec": (b"\x80\x02c_codecs\nencode\n" + text("a") + text("rot13") + b"\x86R.", "_codecs.encode"),
        "numpy scalar": (protocol({"best": np.float64(1)}), "numpy"),
        "setstate": (protocol(WithState()), "WithState"),
        "build on a class": (b"\x80\x02ctorch\nFloatStorage\n}" + text("a") + text("b") + b"sb.", "inner state"),
        "build with attributes": (b"\x80\x02}}" + text("__class__") + text("x") + b"sb.", "inner state"),
        "persistent id with a call": (b"\x80\x02cos\nsystem\n" + text(touch) + b"\x85RQ.", "os.system"),
        "persistent id, not a storage": (b"\x80\x02" + text(touch) + b"Q.", "outside itself"),
        "text persistent id": (b"Pmodule\n.", "PERSID"),
        "INST": (b"(S'" + touch.encode() + b"'\nios\nsystem\n.", "STRING"),
        "OBJ": (b"\x80\x02(cos\nsystem\n" + text(touch) + b"o.", "os.system"),
        "bare INST": (b"\x80\x02(" + text(touch) + b"ios\nsystem\n.", "os system"),
        "NEWOBJ": (b"\x80\x02ctorch\nFloatStorage\n)\x81.", "NEWOBJ"),
        "extension registry": (b"\x80\x02\x82\x01.", "EXT1"),
        "memo: name called later": (b"\x80\x02cposix\nsystem\nq\x00" + text(touch) + b"\x85h\x00R.", "posix.system"),
        "memo: name as an argument": (b"\x80\x02ccollections\nOrderedDict\nq\x00h\x00h\x00\x85R.", "OrderedDict"),
        "memo: a text called": (b"\x80\x02" + text("os.system") + text(touch) + b"\x85R.", "str"),
        "memo: a tensor type called": (b"\x80\x02ctorch\nfloat32\n" + text(touch) + b"\x85R.", "torch.float32"),
        "bytes through codecs": (protocol({"a": b"raw"}), "_codecs.encode"),
        "set": (protocol({"a": {1}}), "set"),
        "a type as a value": (protocol({"a": torch.float32}), "torch.float32"),
        "a tuple as a key": (protocol({(1, 2): 3}), "key that is a tuple"),
        "out of its own list": (b"\x80\x02}" + text("a") + b"]q\x00h\x00as.", "contains itself"),
        "module object": (b"\x80\x02ctorch.nn.modules.linear\nLinear\n)\x81}b.", "Linear"),
        "python 2 names": (b"\x80\x02c__builtin__\neval\n" + text(code) + b"\x85R.", "__builtin__.eval"),
    }  # fmt: skip


NAMES = sorted(hostile(Path("canary")))


@pytest.mark.parametrize("wrap", [archive, legacy])
@pytest.mark.parametrize("name", NAMES)
def test_hostile_pickles_are_refused_by_name_and_run_nothing(
    name: str, wrap: Callable[[Path, bytes], Path], tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    data, word = hostile(canary)[name]
    path = wrap(tmp_path / "weights.pth", data)
    with pytest.raises(UnsafeFile) as caught:
        read_foreign(path)
    assert word in str(caught.value)
    assert str(path) in str(caught.value)
    assert not canary.exists()


def test_the_gallery_is_real(tmp_path: Path) -> None:
    """The canary does sing when such a pickle is loaded the ordinary way, so the test above can fail."""
    canary = tmp_path / "canary"
    pickle.loads(hostile(canary)["exec"][0])
    assert canary.exists()


def test_bare_pickle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.pkl"
    path.write_bytes(pickle.dumps({"a": 1}, 2))
    with pytest.raises((UnsafeFile, BadWeights)):
        read_foreign(path)


def test_hostile_key_list_of_the_old_format(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    path = legacy(tmp_path / "w.pth", pickle.dumps({}, 2), keys=hostile(canary)["os.system"][0])
    with pytest.raises(UnsafeFile, match="system"):
        read_foreign(path)
    assert not canary.exists()


@pytest.mark.parametrize(
    ("shape", "strides", "elements", "offset", "word"),
    [
        ((10**12,), (1,), 4, 0, "far larger"),
        ((3_000_000,), (1,), 4, 0, "beyond its storage"),
        ((5,), (1,), 4, 0, "beyond its storage"),
        ((2, 2), (4, 1), 4, 0, "beyond its storage"),
        ((2,), (1,), 4, 3, "beyond its storage"),
        ((2,), (-1,), 4, 3, "impossible shape"),
        ((-2,), (1,), 4, 0, "impossible shape"),
        ((2, 2), (1,), 4, 0, "impossible shape"),
        ((1,) * 20, (1,) * 20, 4, 0, "impossible shape"),
        ((10**9,), (0,), 4, 0, "far larger"),
        ((4,), (1,), 10**12, 0, "more than the file has"),
        ((4,), (1,), 8, 0, "which has 16"),
    ],
)
def test_absurd_tensors_are_refused(
    shape: tuple[int, ...], strides: tuple[int, ...], elements: int, offset: int, word: str, tmp_path: Path
) -> None:
    path = archive(tmp_path / "w.pth", tensor_pickle(shape, strides, elements, offset), s0=bytes(16))
    with pytest.raises(UnsafeFile, match=word):
        read_foreign(path)


def test_the_absurd_tensors_differ_from_a_good_one_only_in_their_claims(tmp_path: Path) -> None:
    numbers = np.arange(4, dtype="<f4").tobytes()
    path = archive(tmp_path / "w.pth", tensor_pickle((2, 2), (1, 2), 4), s0=numbers)
    assert read_foreign(path)["w"].tolist() == [[0, 2], [1, 3]]


def test_zip_bomb(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a/data.pkl", tensor_pickle((25_000_000,), (1,), 25_000_000))
        out.writestr("a/data/0", bytes(100_000_000))
    assert path.stat().st_size < 200_000
    with pytest.raises(UnsafeFile, match="zip bomb"):
        read_foreign(path)


@pytest.mark.parametrize("entry", ["../evil", "/etc/evil", "a/../../evil", "a\\evil", "C:evil"])
def test_entries_that_lead_out_are_refused(entry: str, tmp_path: Path) -> None:
    path = archive(tmp_path / "w.pth", pickle.dumps({}, 2))
    with zipfile.ZipFile(path, "a") as out:
        out.writestr(entry, b"x")
    with pytest.raises(UnsafeFile, match="leads out"):
        read_foreign(path)


def test_symbolic_link_entry_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "w.pth", pickle.dumps({}, 2))
    link = zipfile.ZipInfo("a/data/0")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as out:
        out.writestr(link, "/etc/passwd")
    with pytest.raises(UnsafeFile, match="symbolic link"):
        read_foreign(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "w.pth", pickle.dumps({}, 2))
    with zipfile.ZipFile(path, "a") as out:
        out.writestr("a/data.pkl", b"other")
    with pytest.raises(UnsafeFile, match="two entries"):
        read_foreign(path)


def test_torchscript_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "w.pt", pickle.dumps({}, 2))
    with zipfile.ZipFile(path, "a") as out:
        out.writestr("a/code/__torch__.py", b"")
    with pytest.raises(UnsafeFile, match="TorchScript"):
        read_foreign(path)


def test_a_whole_module_is_refused(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "w.pth")
    with pytest.raises(UnsafeFile, match=r"torch\.nn\.modules\.linear\.Linear"):
        read_foreign(tmp_path / "w.pth")


def test_a_thousand_million_laughs(tmp_path: Path) -> None:
    """Forty lists, each holding the one before twice: a few hundred bytes that unfold to 2^40 entries."""
    data = b"\x80\x02}X\x01\x00\x00\x00a]q\x00" + b"".join(
        b"](h" + bytes([n]) + b"h" + bytes([n]) + b"eq" + bytes([n + 1]) for n in range(40)
    )
    # Only the last list is kept: each stands on the stack above the one before, so they are gathered in a tuple.
    path = archive(tmp_path / "w.pth", data.replace(b"}X\x01\x00\x00\x00a", b"}X\x01\x00\x00\x00a(", 1) + b"ts.")
    with pytest.raises(UnsafeFile, match="unfolds to more"):
        read_foreign(path)


def test_work_is_bounded(tmp_path: Path) -> None:
    """One long list of pairs, turned into a dictionary over and over."""
    pairs = b"]q\x00(" + b"K\x01K\x01\x86" * 10_000 + b"e"
    again = b"ccollections\nOrderedDict\nq\x01" + b"h\x01h\x00\x85R" * 5_000
    path = archive(tmp_path / "w.pth", b"\x80\x02(" + pairs + again + b"t.")
    with pytest.raises(UnsafeFile, match="steps"):
        read_foreign(path)


def test_deep_nesting_is_refused_rather_than_overflowing_the_stack(tmp_path: Path) -> None:
    path = archive(tmp_path / "w.pth", b"\x80\x02}X\x01\x00\x00\x00a" + b"]" * 50_000 + b"a" * 49_999 + b"s.")
    with pytest.raises(UnsafeFile, match="deep"):
        read_foreign(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200), zipped=st.booleans())
def test_any_bytes_give_a_value_or_our_own_error(data: bytes, zipped: bool, tmp_path: Path) -> None:
    path = (archive if zipped else legacy)(tmp_path / "w.pth", b"\x80\x02" + data)
    with suppress(VoicewrightError):
        assert isinstance(read_foreign(path), dict)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_gives_our_own_error_or_the_same_kind_of_value(data: st.DataObject, tmp_path: Path) -> None:
    held = io.BytesIO()
    torch.save({"w": torch.arange(6.0), "n": 3}, held, _use_new_zipfile_serialization=data.draw(st.booleans()))
    raw = bytearray(held.getvalue())
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "w.pth"
    path.write_bytes(raw[: data.draw(st.integers(1, len(raw)))])
    with suppress(VoicewrightError):
        assert isinstance(read_foreign(path), dict)


def kokoro_like() -> dict[str, OrderedDict[str, torch.Tensor]]:
    """Five state dictionaries as DataParallel saves them."""
    torch.manual_seed(0)
    return {
        part: OrderedDict({f"module.{name}.weight": torch.randn(3, 4), f"module.{name}.bias": torch.randn(3)})
        for part, name in [("bert", "encoder"), ("predictor", "lstm"), ("decoder", "generator.conv_post")]
    }


def saved(value: Any, path: Path, new: bool) -> Path:
    torch.save(value, path, _use_new_zipfile_serialization=new)
    return path


@pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])
class TestHonestFiles:
    def test_nested_state(self, new: bool, tmp_path: Path) -> None:
        state = kokoro_like()
        found = read_foreign(saved(state, tmp_path / "w.pth", new))
        assert list(found) == list(state)
        for part, tensors in state.items():
            assert list(found[part]) == list(tensors)
            assert all(torch.equal(found[part][name], tensor) for name, tensor in tensors.items())

    def test_a_real_state_dict_and_its_optimizer(self, new: bool, tmp_path: Path) -> None:
        net = torch.nn.Sequential(torch.nn.LSTM(3, 4), torch.nn.Linear(4, 2))
        optimizer = torch.optim.Adam(net.parameters())
        net[1](net[0](torch.randn(2, 3))[0]).sum().backward()
        optimizer.step()
        state = {"model": net.state_dict(), "optimizer": optimizer.state_dict(), "step": 7}
        found = read_foreign(saved(state, tmp_path / "w.pth", new))
        assert found["step"] == 7
        assert torch.equal(found["model"]["1.weight"], net[1].weight)
        assert torch.equal(found["optimizer"]["state"][0]["exp_avg"], optimizer.state_dict()["state"][0]["exp_avg"])

    @pytest.mark.parametrize(
        "dtype",
        [torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.int32, torch.uint8, torch.bool,
         torch.complex64],
    )  # fmt: skip
    def test_types(self, new: bool, dtype: torch.dtype, tmp_path: Path) -> None:
        tensor = torch.arange(-3, 3).to(dtype)
        found = read_foreign(saved({"w": tensor}, tmp_path / "w.pth", new))["w"]
        assert found.dtype == dtype
        assert torch.equal(found, tensor)

    def test_shared_storage_stays_shared(self, new: bool, tmp_path: Path) -> None:
        table = torch.arange(12.0).reshape(3, 4)
        found = read_foreign(saved({"in": table, "out": table, "row": table[1]}, tmp_path / "w.pth", new))
        found["in"][1, 0] = 99
        assert found["out"][1, 0] == 99
        assert found["row"][0] == 99

    def test_views_that_are_not_contiguous(self, new: bool, tmp_path: Path) -> None:
        table = torch.arange(24.0).reshape(4, 6)
        views = {
            "t": table.T,
            "every other": table[1:, ::2],
            "expanded": table[:, :1].expand(4, 5),
            "scalar": table[2, 3],
        }
        found = read_foreign(saved(views, tmp_path / "w.pth", new))
        assert all(torch.equal(found[name], view) for name, view in views.items())

    def test_plain_values(self, new: bool, tmp_path: Path) -> None:
        state = {
            "step": 3, "loss": 0.25, "name": "Zoë 声", "flag": True, "none": None, 5: [1, (2.5, "x")], "big": 2**60,
            "size": torch.Size([3, 4]), "empty": {}, "neg": -7,
        }  # fmt: skip
        assert read_foreign(saved(state, tmp_path / "w.pth", new)) == state

    def test_parameters_and_empty_tensors(self, new: bool, tmp_path: Path) -> None:
        state = {"p": torch.nn.Parameter(torch.ones(2)), "e": torch.empty(0, 3)}
        found = read_foreign(saved(state, tmp_path / "w.pth", new))
        assert type(found["p"]) is torch.Tensor
        assert not found["p"].requires_grad
        assert found["e"].shape == (0, 3)

    def test_arrays_of_numpy_come_out_as_tensors(self, new: bool, tmp_path: Path) -> None:
        table = np.arange(6, dtype=np.float32).reshape(2, 3) + 0.1
        state = {
            "ann": {"centres": table, "n": 3}, "columns": np.asfortranarray(table), "double": table.astype(np.float64),
            "whole": np.arange(-2, 2), "same": table, "one": np.array(7.0),
        }  # fmt: skip
        found = read_foreign(saved(state, tmp_path / "w.pt", new))
        for name, array in (("columns", table), ("double", table.astype(float)), ("whole", np.arange(-2, 2))):
            assert found[name].numpy().dtype == array.dtype
            assert np.array_equal(found[name].numpy(), array)
        assert np.array_equal(found["ann"]["centres"].numpy(), table)
        assert found["ann"]["centres"] is found["same"]
        assert found["one"].item() == 7

    def test_tensors_can_be_written_to(self, new: bool, tmp_path: Path) -> None:
        found = read_foreign(saved({"w": torch.zeros(3)}, tmp_path / "w.pth", new))["w"]
        found += 1
        assert found.sum() == 3


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_newer_pickle_protocols(protocol: int, tmp_path: Path) -> None:
    torch.save(kokoro_like(), tmp_path / "w.pth", pickle_protocol=protocol)
    assert read_foreign(tmp_path / "w.pth")["bert"]["module.encoder.weight"].shape == (3, 4)


def test_types_without_a_storage_class_of_their_own(tmp_path: Path) -> None:
    tensor = torch.tensor([1, 2, 65535], dtype=torch.uint16)
    torch.save({"w": tensor}, tmp_path / "w.pth")
    assert torch.equal(read_foreign(tmp_path / "w.pth")["w"], tensor)


@pytest.mark.parametrize("content", [b"", b"x", b"RIFF....WAVE", b"PK\x03\x04", b"PK\x03\x04" + bytes(100)])
def test_other_files_are_said_to_be_other_files(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(content)
    with pytest.raises(VoicewrightError, match=r"w\.pth"):
        read_foreign(path)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.pth", tmp_path):
        with pytest.raises(BadWeights, match=path.name):
            read_foreign(path)


def test_a_list_at_the_top_is_not_a_set_of_weights(tmp_path: Path) -> None:
    torch.save([torch.zeros(1)], tmp_path / "w.pth")
    with pytest.raises(BadWeights, match="list"):
        read_foreign(tmp_path / "w.pth")


def test_cut_short(tmp_path: Path) -> None:
    whole = saved({"w": torch.arange(1000.0)}, tmp_path / "w.pth", False).read_bytes()
    (tmp_path / "w.pth").write_bytes(whole[:-100])
    with pytest.raises(BadWeights, match="cut short"):
        read_foreign(tmp_path / "w.pth")
