"""Retrieval: content is drawn towards the most similar frames that the speaker really said.

t frames · n stored frames · d width of the content · k neighbours
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voicewright.engines.sovits.clusters import AT_ONCE, Table, learn_clusters
from voicewright.errors import BadWeights, UnsafeFile
from voicewright.weights.tensors import read_tensors

NEIGHBOURS = 8
MOST = 200_000
"""More frames than this are replaced by centres of them."""
THINNED = 10_000
KEY = "vectors"


def search(content: Table, vectors: Table, k: int = NEIGHBOURS) -> tuple[NDArray[np.int64], Table]:
    """(t, d), (n, d) → the nearest min(k, n) stored frames of each frame, nearest first: (t, k) which, and (t, k) their
    squared distances. Exact: every stored frame is looked at."""
    k = min(k, len(vectors))
    found = np.empty((len(content), k), np.int64)
    squared = np.empty((len(content), k), np.float32)
    lengths = (vectors.astype(np.float64) ** 2).sum(1).astype(np.float32)
    more = min(len(vectors), 2 * k)
    step = max(1, AT_ONCE // max(1, len(vectors), more * content.shape[1]))
    for start in range(0, len(content), step):
        part = content[start : start + step]
        rough = lengths - 2 * part @ vectors.T
        likely = np.argpartition(rough, more - 1, axis=1)[:, :more]
        likely.sort(axis=1)
        exact = ((part[:, None] - vectors[likely]) ** 2).sum(2)  # the quick way is too rough for what is very near
        order = np.argsort(exact, axis=1, kind="stable")[:, :k]
        found[start : start + step] = np.take_along_axis(likely, order, 1)
        squared[start : start + step] = np.take_along_axis(exact, order, 1)
    return found, squared


def weights_of(squared: Table) -> Table:
    """(t, k) squared distances → (t, k) how much each neighbour counts: 1 / distance⁴, in sum 1.

    A frame that is stored as it is counts alone; the original divides by zero there.
    """
    first = squared.min(1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        near = np.where(first > 0, (first / squared) ** 2, (squared == 0).astype(np.float32))
    weights: Table = (near / near.sum(1, keepdims=True)).astype(np.float32)
    return weights


def pull_to_neighbours(content: Table, vectors: Table, ratio: float) -> Table:
    """(t, d) → (t, d): `ratio` (0 to 1) of the weighted mean of the 8 nearest stored frames, and the rest of what was
    there."""
    if not ratio or not len(content):
        return content
    found, squared = search(content, vectors)
    mean = np.einsum("tk,tkd->td", weights_of(squared), vectors[found])
    pulled: Table = np.float32(ratio) * mean + np.float32(1 - ratio) * content
    return pulled


def learn_index(features: Table, *, most: int = MOST, seed: int = 0) -> Table:
    """(n, d) → the frames to store: all of them, or centres of them where there are more than `most`."""
    features = np.ascontiguousarray(features, np.float32)
    return features if len(features) <= most else learn_clusters(features, count=min(THINNED, most), seed=seed)


def write_index(vectors: Table, path: Path) -> None:
    """The stored frames (n, d) of one speaker as safetensors."""
    from safetensors.numpy import save_file

    save_file({KEY: np.ascontiguousarray(vectors, np.float32)}, path)


def read_index(path: Path) -> Table:
    """The stored frames (n, d) in a file of `write_index`.

    Raises:
        UnsafeFile: an index of so-vits-svc, which is a pickled program.
        BadWeights: there is no such file, or it holds something else.
    """
    if path.suffix in {".pkl", ".pickle"}:
        raise UnsafeFile(
            f"{path}: so-vits-svc keeps its index as a pickle, which runs whatever its maker put into it; make the "
            "index again from the speaker's recordings, it takes a minute"
        )
    found = read_tensors(path)
    vectors = found.get(KEY)
    if vectors is None or vectors.ndim != 2 or not vectors.size:
        raise BadWeights(f"{path}: it holds no index (a table called {KEY!r})")
    return np.asarray(vectors, np.float32)
