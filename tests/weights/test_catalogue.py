"""The table agrees with the files it describes."""

import re
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from voicewright.errors import BadWeights
from voicewright.weights.catalogue import Hub, Package, Parts, known_sets, read_seal
from voicewright.weights.places import package_place
from voicewright.weights.seal import disagreements, write_seal
from voicewright.weights.store import Store

SETS = known_sets()


def test_bundled_files_are_as_sealed() -> None:
    """Fails when a bundled file was added or changed: run `python -m voicewright.weights.seal`."""
    assert disagreements() == []


def test_seal_notices_every_kind_of_difference(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_file({"w": np.ones(2, np.float32)}, tmp_path / f"{name}.safetensors")
    write_seal(tmp_path)
    assert disagreements(tmp_path) == []
    assert set(read_seal(tmp_path)) == {"a.safetensors", "b.safetensors"}
    (tmp_path / "a.safetensors").write_bytes(b"changed")
    (tmp_path / "b.safetensors").rename(tmp_path / "c.safetensors")
    assert [line.split(":")[0] for line in disagreements(tmp_path)] == [
        "b.safetensors",
        "c.safetensors",
        "a.safetensors",
    ]
    (tmp_path / "SHA256SUMS").write_text("not a hash  a.safetensors\n")
    with pytest.raises(BadWeights, match="line 1"):
        read_seal(tmp_path)


def test_a_bundled_file_that_nobody_sealed_is_not_used(tmp_path: Path) -> None:
    save_file({"w": np.ones(2, np.float32)}, tmp_path / "ge2e.safetensors")
    store = Store(tmp_path / "s", offline=True, bundled=tmp_path)
    with pytest.raises(BadWeights, match="not sealed"):
        store.file("ge2e")
    write_seal(tmp_path)
    assert Store(tmp_path / "s", offline=True, bundled=tmp_path).file("ge2e") == tmp_path / "ge2e.safetensors"


@pytest.mark.parametrize("name", sorted(SETS))
def test_every_set_says_whose_it_is_and_is_pinned(name: str) -> None:
    chosen = SETS[name]
    assert chosen.name == name
    assert chosen.licence in {"Apache-2.0", "MIT"}
    assert chosen.title
    assert chosen.attribution
    for file in chosen.files:
        assert file.sources
        assert bool(file.convert) == bool(chosen.makes)
        assert re.fullmatch(r"[\w.-]+", file.name)
        for source in file.sources:
            if isinstance(source, Hub):
                assert re.fullmatch(r"[0-9a-f]{40}", source.revision)
            if isinstance(source, Hub | Package | Parts):
                assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
                assert file.bytes > 0


@pytest.mark.parametrize("name", ["silero-vad", "swift-f0", "dnsmos", "ge2e", "campplus"])
def test_small_sets_on_this_machine_hold_the_bytes_in_the_table(name: str, tmp_path: Path) -> None:
    chosen = SETS[name]
    packages = [source for file in chosen.files for source in file.sources if isinstance(source, Package)]
    if any(package_place(package).path is None for package in packages):
        pytest.skip(f"{packages[0].distribution} is not installed")
    store = Store(tmp_path, offline=True)
    for file in chosen.files:
        assert store.file(name, file.name).stat().st_size == file.bytes
    assert len(store.content_id(name)) == 64
