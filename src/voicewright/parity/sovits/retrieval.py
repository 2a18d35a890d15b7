"""Clusters and feature retrieval, against so-vits-svc-fork (k-means) and so-vits-svc 4.1 (faiss).

t frames · n stored frames · d width of the content · k lists
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from voicewright.engines.sovits.clusters import nearest, pull_to_clusters
from voicewright.engines.sovits.curves import Rule, expanded, interpolated
from voicewright.engines.sovits.retrieval import NEIGHBOURS, search, weights_of
from voicewright.parity.case import Case, Compared

if TYPE_CHECKING:
    from torch import Tensor

Table = NDArray[np.float32]
TRAINING_SEED, TRAINING_ROUNDS, PER_LIST = 1234, 10, 256
"""How faiss trains the lists of an inverted index: its `Clustering`, with the settings of `IndexIVF`."""
FAR = np.float32(3.4028235e38)
"""The squared distance that faiss gives for a neighbour that is not there (its number is -1)."""


def clusters(case: Case) -> Iterator[Compared]:
    """cluster_fork: which centre is the nearest, and content drawn towards it behind the fork's pitch."""
    for call in case.calls:
        given = {name: tensor.numpy() for name, tensor in case.inputs(call).items()}
        speaker = next(name for name in _speakers(given) if call.endswith(f"_{name}"))
        centres = given[f"centers_{speaker}"]
        if "x" in given:
            wanted = json.loads(_found(r"get_center\((\[[\d, ]*\])\)", case, call, "[1, 0, 2]"))
            owner = nearest(given["x"], centres)
            made = {"index": owner, "center": centres[owner], "center_of_7": centres[wanted]}
        else:
            f0_hz, voiced = interpolated(given["raw_f0"], "fork")
            made = _pitch(f0_hz, voiced, _number(r"_t(-?[\d.]+)", case, call))
            content = _stretched(given["content50"], len(f0_hz), "cut")
            made["c"] = _as_input(pull_to_clusters(content, centres, _number(r"_r([\d.]+)", case, call)))
        yield from case.compare(call, made)


def retrieval(case: Case) -> Iterator[Compared]:
    """retrieval_up41: content drawn towards its neighbours in an inverted index of which one list is searched, and
    towards the nearest centre."""
    for call in case.calls:
        given = {name: tensor.numpy() for name, tensor in case.inputs(call).items()}
        made = _pitch(given["f0"], given["uv"], _number(r"tran=(-?[\d.]+)", case, call))
        content = _stretched(given["content50"], len(given["f0"]), "left")
        ratio = _number(r"_r([\d.]+)", case, call)
        if "centers" in given:
            made["c"] = _as_input(pull_to_clusters(content, given["centers"], ratio))
        else:
            made |= _retrieved(content, given["vectors"], ratio, case.outputs(call))
        yield from case.compare(call, made, atol=2e-5)


def _retrieved(content: Table, vectors: Table, ratio: float, outputs: "Mapping[str, Tensor]") -> dict[str, Any]:
    centroids = _trained(vectors, len(outputs["coarse_centroids"]))
    owner, probed = nearest(vectors, centroids), nearest(content, centroids)
    found = np.full((len(content), NEIGHBOURS), -1)
    squared = np.full((len(content), NEIGHBOURS), FAR)
    for number in np.unique(probed):
        members, asking = np.flatnonzero(owner == number), np.flatnonzero(probed == number)
        which, distances = search(content[asking], vectors[members])
        found[asking, : which.shape[1]] = members[which]
        squared[asking, : which.shape[1]] = distances
    mean = np.einsum("tk,tkd->td", weights_of(squared), vectors[found])
    drawn = np.float32(ratio) * mean + np.float32(1 - ratio) * content
    return {
        "coarse_centroids": centroids,
        "list_of_vector": owner,
        "index": found,
        "score": squared,
        "c": _as_input(drawn),
    }


def _trained(vectors: Table, lists: int) -> Table:
    """(n, d) → (k, d): k-means as faiss runs it, with the random numbers that it draws."""
    if len(vectors) > PER_LIST * lists:
        vectors = vectors[_permutation(len(vectors), TRAINING_SEED)[: PER_LIST * lists]]
    if len(vectors) == lists:
        return vectors
    centroids = vectors[_permutation(len(vectors), TRAINING_SEED + 1)[:lists]].copy()
    for _ in range(TRAINING_ROUNDS):
        owner = nearest(vectors, centroids)
        for number in range(lists):
            if (mine := owner == number).any():
                centroids[number] = vectors[mine].mean(0)
    return centroids


def _permutation(count: int, seed: int) -> NDArray[np.int64]:
    """Faiss's rand_perm: swaps by a Mersenne twister."""
    bits = np.random.MT19937()
    bits._legacy_seeding(seed)
    order = np.arange(count)
    for at in range(count - 1):
        other = at + int(bits.random_raw()) % (count - at)
        order[[at, other]] = order[[other, at]]
    return order


def _speakers(given: Mapping[str, Any]) -> list[str]:
    """The longest names first, so that a name that ends in another one is found whole."""
    names = [name.removeprefix("centers_") for name in given if name.startswith("centers_")]
    return sorted(names, key=len, reverse=True)


def _pitch(f0_hz: NDArray[Any], voiced: NDArray[Any], semitones: float) -> dict[str, Any]:
    moved = f0_hz.astype(np.float32) * np.float32(2 ** (semitones / 12))
    return {"f0": moved[None], "uv": voiced[None].astype(np.float32)}


def _stretched(content: Table, frames: int, rule: Rule) -> Table:
    """(1, d, t) → (frames, d)"""
    return np.ascontiguousarray(expanded(content[0], frames, rule).T.astype(np.float32))


def _as_input(content: Table) -> Table:
    """(t, d) → (1, d, t)"""
    return content.T[None]


def _found(pattern: str, case: Case, call: str, default: str) -> str:
    for text in (call, str(case.about(call).get("what", ""))):
        if match := re.search(pattern, text):
            return match[1]
    return default


def _number(pattern: str, case: Case, call: str) -> float:
    return float(_found(pattern, case, call, "0"))
