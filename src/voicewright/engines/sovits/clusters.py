"""Clusters of a speaker's content: what is said is drawn towards how this speaker says it.

t frames · n frames to learn from · k clusters · d width of the content
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voicewright.errors import BadDataset, BadWeights
from voicewright.weights.safe import read_foreign
from voicewright.weights.tensors import read_tensors

Table = NDArray[np.float32]

COUNT = 2000
BATCH = 4096
ROUNDS = 80
STILL = 1e-4
"""Centres that move less than this, relative to the spread of what they stand for, have settled."""
AT_ONCE = 16_000_000
"""Distances held in memory at a time."""


def nearest(content: Table, centres: Table) -> NDArray[np.int64]:
    """(t, d), (k, d) → (t,) which centre is the nearest to each frame; the first of several that are as near."""
    lengths = (centres.astype(np.float64) ** 2).sum(1).astype(np.float32)
    found = np.empty(len(content), np.int64)
    step = max(1, AT_ONCE // max(1, len(centres)))
    for start in range(0, len(content), step):
        part = content[start : start + step]
        found[start : start + step] = (lengths - 2 * part @ centres.T).argmin(1)
    return found


def pull_to_clusters(content: Table, centres: Table, ratio: float) -> Table:
    """(t, d) → (t, d): `ratio` (0 to 1) of the nearest centre and the rest of what was there."""
    if not ratio or not len(content):
        return content
    return np.float32(ratio) * centres[nearest(content, centres)] + np.float32(1 - ratio) * content


def learn_clusters(features: Table, *, count: int = COUNT, seed: int = 0) -> Table:
    """(n, d) → (k, d) centres by mini-batch k-means (Sculley 2010); no more of them than a third of the frames.

    Content at the encoder's own frame rate is meant: stretched content would only repeat itself.

    Raises:
        BadDataset: fewer than three frames.
    """
    count = min(count, len(features) // 3)
    if count < 1:
        raise BadDataset(f"clusters need at least three frames of content, got {len(features)}")
    draw = np.random.default_rng(seed)
    features = np.ascontiguousarray(features, np.float32)
    centres = features[draw.choice(len(features), count, replace=False)].copy()
    spread = float(features.var(0).sum()) or 1.0
    seen = np.zeros(count)
    whole = len(features) <= BATCH
    for _ in range(ROUNDS):
        if whole:  # Lloyd's own k-means: nothing is remembered from round to round
            seen[:] = 0
        batch = features if whole else features[draw.choice(len(features), BATCH, replace=False)]
        moved = _step(centres, seen, batch)
        _revive(centres, seen, batch, draw)
        if moved < STILL * spread:
            break
    return centres


def _step(centres: Table, seen: NDArray[np.float64], batch: Table) -> float:
    """Move each centre to the mean of all that it stood for so far; the mean squared way."""
    owner = nearest(batch, centres)
    counts = np.bincount(owner, minlength=len(centres))
    used = counts > 0
    sums = np.zeros(centres.shape)
    np.add.at(sums, owner, batch)
    seen += counts
    way = (sums[used] - counts[used, None] * centres[used]) / seen[used, None]
    centres[used] += way.astype(np.float32)
    return float((way**2).sum(1).mean())


def _revive(centres: Table, seen: NDArray[np.float64], batch: Table, draw: np.random.Generator) -> None:
    """A centre that stands for nothing begins again at a frame."""
    lost = np.flatnonzero(seen == 0)
    centres[lost] = batch[draw.choice(len(batch), len(lost), replace=len(lost) > len(batch))]


def write_clusters(by_speaker: Mapping[str, Table], path: Path) -> None:
    """Centres of each speaker (k, d) as safetensors."""
    from safetensors.numpy import save_file

    save_file({speaker: np.ascontiguousarray(centres, np.float32) for speaker, centres in by_speaker.items()}, path)


def read_clusters(path: Path) -> dict[str, Table]:
    """Centres (k, d) by speaker, from a safetensors file of ours, or from a `kmeans.pt` of so-vits-svc, read as data.

    Raises:
        BadWeights: there is no such file, or it holds something else. UnsafeFile: it holds more than plain data.
    """
    if path.suffix == ".safetensors":
        found = {speaker: np.asarray(centres, np.float32) for speaker, centres in read_tensors(path).items()}
    else:
        found = {str(speaker): _centres(entry, path) for speaker, entry in read_foreign(path).items()}
    if not found or any(centres.ndim != 2 or not centres.size for centres in found.values()):
        raise BadWeights(f"{path}: it holds no clusters (a table of centres for each speaker)")
    return found


def _centres(entry: object, path: Path) -> Table:
    table = entry.get("cluster_centers_") if isinstance(entry, dict) else None
    if table is None:
        raise BadWeights(f"{path}: this is not a k-means file of so-vits-svc (no cluster_centers_)")
    centres: Table = table.float().numpy()
    return centres
