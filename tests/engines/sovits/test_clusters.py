"""Clusters and retrieval: content is drawn to what is nearest, and files are data."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from voicewright.engines.sovits import retrieval
from voicewright.engines.sovits.clusters import (
    BATCH,
    learn_clusters,
    nearest,
    pull_to_clusters,
    read_clusters,
    write_clusters,
)
from voicewright.engines.sovits.retrieval import (
    learn_index,
    pull_to_neighbours,
    read_index,
    search,
    weights_of,
    write_index,
)
from voicewright.errors import BadDataset, BadWeights, UnsafeFile


def spots(count: int, *, each: int, width: int = 6, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Clouds around a few far-off spots, in any order, and the spots."""
    draw = np.random.default_rng(seed)
    centres = 10 * draw.normal(size=(count, width))
    features = np.repeat(centres, each, 0) + 0.1 * draw.normal(size=(count * each, width))
    return draw.permutation(features).astype(np.float32), centres.astype(np.float32)


def test_the_nearest_centre_is_the_nearest() -> None:
    draw = np.random.default_rng(2)
    content, centres = (draw.normal(size=(n, 5)).astype(np.float32) for n in (300, 40))
    distances = ((content[:, None] - centres) ** 2).sum(2)
    assert np.array_equal(nearest(content, centres), distances.argmin(1))


def test_drawing_content_to_clusters() -> None:
    content, centres = np.array([[1.0, 0], [9, 1]], np.float32), np.array([[0, 0], [10, 0]], np.float32)
    assert np.array_equal(pull_to_clusters(content, centres, 0), content)
    assert np.array_equal(pull_to_clusters(content, centres, 1), centres)
    assert np.allclose(pull_to_clusters(content, centres, 0.5), [[0.5, 0], [9.5, 0.5]])


@pytest.mark.parametrize("each", [30, BATCH // 2])
def test_learned_clusters_stand_where_the_content_is(each: int) -> None:
    features, centres = spots(4, each=each)
    learned = learn_clusters(features, count=12, seed=3)
    to_nearest = ((features - learned[nearest(features, learned)]) ** 2).sum(1).mean()
    assert learned.shape == (12, 6)
    assert to_nearest < 0.1 * ((features - centres[nearest(features, centres)] + 1) ** 2).sum(1).mean()
    assert np.array_equal(learned, learn_clusters(features, count=12, seed=3))


def test_there_are_no_more_clusters_than_there_is_content_for() -> None:
    features, _ = spots(2, each=15)
    assert len(learn_clusters(features, count=2000)) == 10
    with pytest.raises(BadDataset, match="three frames"):
        learn_clusters(features[:2])


def test_clusters_are_kept_and_found_again(tmp_path: Path) -> None:
    by_speaker = {"alice": np.eye(3, dtype=np.float32), "bob": np.ones((2, 3), np.float32)}
    write_clusters(by_speaker, tmp_path / "k.safetensors")
    found = read_clusters(tmp_path / "k.safetensors")
    assert found.keys() == by_speaker.keys()
    assert all(np.array_equal(found[name], by_speaker[name]) for name in found)


@pytest.mark.parametrize("number", [np.float32, np.float64])
def test_files_of_the_original_are_read_as_data(number: type, tmp_path: Path) -> None:
    centres = np.random.default_rng(1).normal(size=(5, 4)).astype(number)
    entry = {"n_features_in_": 4, "_n_threads": 2, "cluster_centers_": centres}
    torch.save({"alice": entry}, tmp_path / "kmeans.pt")
    assert np.allclose(read_clusters(tmp_path / "kmeans.pt")["alice"], centres)
    torch.save({"alice": {"other": 1}}, tmp_path / "other.pt")
    with pytest.raises(BadWeights, match="cluster_centers_"):
        read_clusters(tmp_path / "other.pt")


def test_search_is_exact_even_very_near() -> None:
    draw = np.random.default_rng(4)
    vectors = (100 + draw.normal(size=(500, 8))).astype(np.float32)
    content = vectors[:20] + np.float32(1e-4)
    found, squared = search(content, vectors)
    assert np.array_equal(found[:, 0], np.arange(20))
    distances = ((content[:, None].astype(float) - vectors) ** 2).sum(2)
    assert np.array_equal(found, np.argsort(distances, axis=1)[:, :8])
    assert np.allclose(squared, np.sort(distances, axis=1)[:, :8], rtol=1e-4)


def test_parts_of_a_search_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(5)
    content, vectors = (draw.normal(size=(n, 8)).astype(np.float32) for n in (50, 90))
    whole = search(content, vectors)
    monkeypatch.setattr(retrieval, "AT_ONCE", 900)
    assert all(np.array_equal(one, other) for one, other in zip(search(content, vectors), whole, strict=True))


def test_near_neighbours_count_by_the_fourth_power() -> None:
    assert np.allclose(weights_of(np.array([[1.0, 4.0]], np.float32)), [[16 / 17, 1 / 17]])


def test_a_frame_that_is_stored_counts_alone() -> None:
    assert np.array_equal(weights_of(np.array([[0, 1, 2]], np.float32)), [[1, 0, 0]])
    vectors = np.random.default_rng(6).normal(size=(20, 4)).astype(np.float32)
    assert np.array_equal(pull_to_neighbours(vectors[:3], vectors, 1), vectors[:3])
    assert np.array_equal(pull_to_neighbours(vectors[:3] + 1, vectors, 0), vectors[:3] + 1)


def test_fewer_frames_than_neighbours() -> None:
    vectors = np.eye(3, dtype=np.float32)
    drawn = pull_to_neighbours(np.full((2, 3), 0.2, np.float32), vectors, 1)
    assert np.allclose(drawn, 1 / 3, atol=1e-6)


def test_a_large_index_is_thinned() -> None:
    features, _ = spots(3, each=100)
    assert learn_index(features) is not None
    assert len(learn_index(features)) == 300
    assert len(learn_index(features, most=60)) == 60


def test_an_index_is_kept_and_a_pickle_is_refused(tmp_path: Path) -> None:
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    write_index(vectors, tmp_path / "index.safetensors")
    assert np.array_equal(read_index(tmp_path / "index.safetensors"), vectors)
    (tmp_path / "feature_and_index.pkl").write_bytes(pickle.dumps({0: "index"}))
    with pytest.raises(UnsafeFile, match="make the index again"):
        read_index(tmp_path / "feature_and_index.pkl")
    write_clusters({"alice": vectors}, tmp_path / "other.safetensors")
    with pytest.raises(BadWeights, match="no index"):
        read_index(tmp_path / "other.safetensors")
