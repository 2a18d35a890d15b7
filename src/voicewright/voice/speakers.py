"""Who speaks when: speaker embeddings of short windows, grouped.

w windows · d width of an embedding
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.progress import Progress
from voicewright.voice.rules import ReferenceRules
from voicewright.voice.segments import Segment

Embedding = NDArray[np.float32]


class SpeakerEncoder(Protocol):
    """Hears who speaks: an embedding (d,) of length 1 from a clip of any rate."""

    @property
    def name(self) -> str: ...

    def embed(self, clip: Clip) -> Embedding: ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Speaker:
    """One voice in the recordings."""

    seconds: float
    """How long they speak in the segments."""
    segments: tuple[int, ...]
    """The segments that hold this voice and no other."""
    centre: Embedding

    def likeness(self, embedding: Embedding) -> float:
        """Cosine similarity of an embedding to this voice."""
        return float(self.centre @ embedding)


def speakers_in(
    segments: Sequence[Segment], encoder: SpeakerEncoder, rules: ReferenceRules, progress: Progress
) -> list[Speaker]:
    """Every voice in the segments, the one that speaks longest first.

    Method: embeddings of windows of about 3 s, average-linkage clustering by cosine similarity, cut at the encoder's
    threshold. A segment whose windows fall to different voices belongs to neither; its seconds are shared out.
    """
    owners: list[int] = []
    parts: list[Clip] = []
    for index, segment in enumerate(segments):
        cuts = windows(segment.clip, rules)
        owners += [index] * len(cuts)
        parts += cuts
    embeddings = []
    for done, part in enumerate(parts):
        progress("who speaks", done, len(parts))
        embeddings.append(encoder.embed(part))
    if not embeddings:
        return []
    stacked = np.stack(embeddings)
    noisy_db = max(0.0, rules.noise_poor_db - median(segment.quality.snr_db for segment in segments))
    labels = groups(stacked, threshold(encoder, rules) - rules.noisy_speaker_per_db * noisy_db)
    found = []
    for label in range(labels.max() + 1):
        members = labels == label
        pure = [i for i in range(len(segments)) if _labels_of(i, owners, labels) == {label}]
        seconds = sum(parts[w].seconds for w in np.flatnonzero(members))
        centre = stacked[members].mean(0)
        found.append(Speaker(seconds=seconds, segments=tuple(pure), centre=centre / np.linalg.norm(centre)))
    return sorted(found, key=lambda speaker: -speaker.seconds)


def windows(clip: Clip, rules: ReferenceRules) -> list[Clip]:
    """The clip in equal parts of about `window_s`; none if it is too short to tell who speaks."""
    if clip.seconds < rules.least_window_s:
        return []
    count = max(1, round(clip.seconds / rules.window_s))
    length_s = clip.seconds / count
    return [clip.between(i * length_s, (i + 1) * length_s) for i in range(count)]


def groups(embeddings: Embedding, same: float) -> NDArray[np.intp]:
    """(w, d) unit vectors -> (w,) group numbers from 0; groups are joined while their mean similarity is >= `same`."""
    if len(embeddings) < 2:
        return np.zeros(len(embeddings), np.intp)
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    distance = np.clip(1 - embeddings @ embeddings.T, 0, 2).astype(np.float64)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average")
    return np.asarray(fcluster(tree, 1 - same, "distance") - 1, np.intp)


def threshold(encoder: SpeakerEncoder, rules: ReferenceRules) -> float:
    """Mean similarity from which two groups are one speaker, by this encoder."""
    return rules.same_speaker.get(encoder.name, rules.same_speaker_default)


def _labels_of(index: int, owners: Sequence[int], labels: NDArray[np.intp]) -> set[int]:
    return {int(label) for owner, label in zip(owners, labels, strict=True) if owner == index}
