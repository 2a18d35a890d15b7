"""Weights from a hub: resumed, retried, checked, and never half there."""

import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from voicewright.errors import BadSetting, BadWeights, MissingWeights
from voicewright.weights.catalogue import Hub
from voicewright.weights.download import hub_url
from voicewright.weights.store import Store


@pytest.fixture
def store(toys: Any, tmp_path: Path, hub: Any, content: bytes) -> Store:
    """A store with one set, which the hub has."""
    file = toys.file(content)
    hub.add(file, content)
    return Store(tmp_path / "store", mirror=hub.address, sets=toys.sets(file), patience=toys.patience)


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.suffix in (".part", ".tmp")]


def test_a_file_arrives_whole_and_is_not_fetched_twice(store: Store, hub: Any, content: bytes, tmp_path: Path) -> None:
    steps: list[tuple[str, float, float]] = []
    path = store.file("toy", progress=lambda *step: steps.append(step))
    assert path.read_bytes() == content
    assert leftovers(tmp_path) == []
    loading = [done for name, done, total in steps if name == "downloading model.bin" and total == len(content)]
    assert loading == sorted(loading)
    assert loading[-1] == len(content)
    assert store.file("toy") == path
    assert len(hub.asked) == 1


def test_a_cut_connection_is_resumed_where_it_broke(store: Store, hub: Any, content: bytes) -> None:
    hub.cuts = [1_000_000, 500_000]
    assert store.file("toy").read_bytes() == content
    assert hub.asked == ["", "bytes=1000000-", "bytes=1500000-"]


def test_a_broken_program_is_resumed_by_the_next(
    toys: Any, store: Store, hub: Any, content: bytes, tmp_path: Path
) -> None:
    hub.cuts = [1_000_000, 0, 0, 0]
    with pytest.raises(MissingWeights, match="connection ended after 1,000,000"):
        store.file("toy")
    assert not (tmp_path / "store/toy/model.bin").exists()
    again = Store(tmp_path / "store", mirror=hub.address, sets=toys.sets(toys.file(content)), patience=toys.patience)
    assert again.file("toy").read_bytes() == content
    assert hub.asked[-1] == "bytes=1000000-"


def test_a_server_that_cannot_resume_sends_it_all_again(store: Store, hub: Any, content: bytes) -> None:
    hub.cuts, hub.ranges = [1_000_000], False
    assert store.file("toy").read_bytes() == content


def test_passing_trouble_is_retried(store: Store, hub: Any, content: bytes) -> None:
    hub.statuses = [503, 429]
    assert store.file("toy").read_bytes() == content


def test_redirects_are_followed_with_the_range(store: Store, hub: Any, content: bytes) -> None:
    hub.cuts, hub.redirect = [1_000_000], True
    assert store.file("toy").read_bytes() == content
    assert hub.asked[-1] == "bytes=1000000-"


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_is_not_asked_again(status: int, store: Store, hub: Any) -> None:
    hub.statuses = [status]
    with pytest.raises(MissingWeights, match=f"HTTP {status}"):
        store.file("toy")
    assert len(hub.asked) == 1


@pytest.mark.parametrize("change", [lambda c: b"x" + c[1:], lambda c: c + b"more", lambda c: b"<html>" + c[6:]])
def test_wrong_bytes_never_reach_the_store(
    change: Callable[[bytes], bytes], store: Store, hub: Any, content: bytes, tmp_path: Path
) -> None:
    hub.files = {path: change(held) for path, held in hub.files.items()}
    with pytest.raises(MissingWeights, match=r"wrong SHA-256|more than"):
        store.file("toy")
    assert not (tmp_path / "store/toy/model.bin").exists()
    assert leftovers(tmp_path) == []


def test_a_bad_beginning_from_before_is_thrown_away(toys: Any, store: Store, content: bytes, tmp_path: Path) -> None:
    part = tmp_path / "store/toy" / f"model.bin.{toys.file(content).sha256[:12]}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(1000))
    assert store.file("toy").read_bytes() == content


def test_a_damaged_file_in_the_store_is_fetched_again(store: Store, content: bytes) -> None:
    path = store.file("toy")
    path.write_bytes(b"x" + content[1:])
    assert store.file("toy").read_bytes() == content


def test_a_full_disk_is_said_before_anything_is_written(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=10**9, used=10**9, free=1000))
    with pytest.raises(BadWeights, match=r"3 MB are still to be written.*make room"):
        store.file("toy")
    assert leftovers(tmp_path) == []


def test_a_dead_server_is_given_up_on_and_named(toys: Any, tmp_path: Path, content: bytes, hub: Any) -> None:
    store = Store(
        tmp_path / "s", mirror="http://127.0.0.1:9", sets=toys.sets(toys.file(content)), patience=toys.patience
    )
    with pytest.raises(MissingWeights, match=r"127\.0\.0\.1:9.*refused.*3 tries"):
        store.file("toy")


def test_the_environment_names_a_mirror(
    toys: Any, tmp_path: Path, content: bytes, hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = toys.file(content)
    hub.add(file, content)
    monkeypatch.setenv("HF_ENDPOINT", hub.address + "/")
    assert Store(tmp_path / "s", sets=toys.sets(file), patience=toys.patience).file("toy").read_bytes() == content


def test_addresses() -> None:
    source = Hub("a/b c", "rev", "dir/f.bin")
    assert hub_url(source, "https://m.example/hub/") == "https://m.example/hub/a/b%20c/resolve/rev/dir/f.bin"
    for bad in ("file:///etc", "ftp://x", "m.example", "http://"):
        with pytest.raises(BadSetting, match="not an address"):
            hub_url(source, bad)


@pytest.mark.usefixtures("no_sockets")
def test_offline_opens_no_socket_and_says_so(toys: Any, tmp_path: Path, content: bytes) -> None:
    store = Store(tmp_path / "s", offline=True, sets=toys.sets(toys.file(content)))
    with pytest.raises(MissingWeights, match=r"maker/model: not asked, because this is offline"):
        store.file("toy")
    with pytest.raises(MissingWeights):
        store.pull("toy")
    assert [row.ready for row in store.status()] == [False]


@pytest.mark.usefixtures("no_sockets")
def test_the_hubs_own_switch_is_obeyed(
    toys: Any, tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(MissingWeights, match="offline"):
        Store(tmp_path / "s", sets=toys.sets(toys.file(content))).file("toy")


def test_the_socket_guard_would_notice(toys: Any, tmp_path: Path, content: bytes, hub: Any, no_sockets: None) -> None:
    store = Store(tmp_path / "s", mirror=hub.address, sets=toys.sets(toys.file(content)), patience=toys.patience)
    with pytest.raises(AssertionError, match="socket"):
        store.file("toy")


def test_two_programs_pull_at_once_and_one_fetches(toys: Any, tmp_path: Path, content: bytes, hub: Any) -> None:
    file = toys.file(content)
    hub.add(file, content)
    program = textwrap.dedent(f"""
        from pathlib import Path
        from voicewright.weights.catalogue import Hub, WeightFile, WeightSet
        from voicewright.weights.store import Store
        file = WeightFile({file.name!r}, {file.sha256!r}, {file.bytes}, ({file.sources[0]!r},))
        sets = {{"toy": WeightSet("toy", "", "MIT", "", (file,))}}
        store = Store(Path({str(tmp_path / "store")!r}), mirror={hub.address!r}, sets=sets)
        print(store.file("toy"))
    """)
    running = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    results = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0, 0], results
    assert (tmp_path / "store/toy/model.bin").read_bytes() == content
    assert len(hub.asked) == 1
    assert leftovers(tmp_path) == []


def test_whole_folder_from_the_hub(toys: Any, tmp_path: Path, hub: Any) -> None:
    contents = {"model.bin": b"m" * 100, "config.json": b"{}"}
    files = [toys.file(held, name) for name, held in contents.items()]
    for file in files:
        hub.add(file, contents[file.name])
    store = Store(tmp_path / "s", mirror=hub.address, sets=toys.sets(*files), patience=toys.patience)
    folder = store.folder("toy")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == contents
