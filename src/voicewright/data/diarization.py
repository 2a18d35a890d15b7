"""Who speaks when, over all recordings: the voices heard in every section, grouped into people.

n rows (embeddings) or centres · d width of an embedding · k speakers
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.data.turns import Turn, spoken_s, tidy
from voicewright.data.voices import Piece, Voices
from voicewright.errors import BadSetting

Vectors = NDArray[np.float32]
Labels = NDArray[np.intp]

MOST_CENTRES = 400
"""More than this are first grouped in parts, so that memory stays bounded."""
SHORT_SHARE = 0.1
LIKE_SAMPLE = 0.3
"""Measured over 13 real speakers, by CAM++: a sample of the speaker reaches 0.64 to 0.91 where the sound is alike, 0.22
to 0.79 when one of the two came by a noisy telephone; a sample of another speaker 0.33 at most."""
ROUNDS = 3
"""How often pieces move to the speaker they are most like."""


@dataclass(frozen=True, kw_only=True)
class DiarizationOptions:
    """How it is found out who speaks when."""

    speakers: int = 0
    """How many people speak in all recordings together; 0: find out."""
    encoder: Literal["campplus", "ge2e"] = "campplus"
    """What hears how voices sound. GE2E is there for comparison: it takes one speaker at two microphones for two."""
    same_speaker: float = 0.0
    """Voices are one speaker while their pieces are at least this alike on average (cosine); 0: the encoder's own."""
    same_centre: float = 0.63
    """Groups of pieces are one speaker from this likeness of their means on (cosine). One speaker's reach 0.66 to 0.9;
    two speakers' 0.3, in noise on the telephone 0.56."""
    stray_s: float = 8.0
    """Who speaks less than this in all (in short recordings: than a tenth of the speech) is not a person but a stray;
    each piece goes to whom it is most like."""
    stray_share: float = 0.01
    """The same, as a share of all speech."""
    shortest_s: float = 0.2
    """Shorter turns are left out."""
    gap_s: float = 0.3
    """Shorter pauses in one speaker's words are part of the turn."""

    def __post_init__(self) -> None:
        if not 0 <= self.speakers <= 100:
            raise BadSetting(f"speakers must be between 0 and 100, got {self.speakers}")
        if not 0 <= self.same_speaker < 1 or not 0 <= self.stray_share < 1:
            raise BadSetting("same_speaker and stray_share must be at least 0 and below 1")
        for name in ("stray_s", "shortest_s", "gap_s"):
            if getattr(self, name) < 0:
                raise BadSetting(f"{name} must not be negative, got {getattr(self, name)}")

    @property
    def threshold(self) -> float:
        """The cosine in force.

        With CAM++, 13 made-up podcasts of real speakers (`benchmarks/podcast.py`) come out the same from 0.22 to 0.26;
        at 0.2 two speakers on a noisy telephone become one, at 0.3 one speaker in noise becomes two.
        """
        return self.same_speaker or {"campplus": 0.26, "ge2e": 0.72}[self.encoder]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Diarization:
    """Who speaks when in all sections."""

    turns: tuple[tuple[Turn, ...], ...]
    """For each section, in seconds from its beginning; overlaps are turns of their own."""
    centres: Mapping[str, Vectors]
    """How each speaker sounds: unit vectors by name, who speaks most first."""

    def renamed(self, names: Mapping[str, str]) -> "Diarization":
        """The same with other names; speakers given one name become one."""
        turns = (tidy((replace(t, speaker=names.get(t.speaker, t.speaker)) for t in section), shortest_s=0, gap_s=0)
                 for section in self.turns)  # fmt: skip
        centres: dict[str, Vectors] = {}
        for name, centre in self.centres.items():
            centres.setdefault(names.get(name, name), centre)
        return Diarization(turns=tuple(map(tuple, turns)), centres=centres)


class Diarizer(Protocol):
    """Another way to find who speaks when, in one recording."""

    def turns(self, clip: Clip, options: DiarizationOptions) -> list[Turn]:
        """The turns of a recording, overlaps marked, speakers named by how much they speak."""


def cluster(sections: Sequence[Voices], options: DiarizationOptions | None = None) -> Diarization:
    """The speakers of all sections of all recordings: "speaker1" speaks most, then "speaker2" …

    Average-linkage clustering by cosine, first within sections, then of the groups' means: the mean similarity of two
    groups' members is the product of their means, so one threshold serves both. Then every piece moves to the speaker
    it is most like, its neighbours of the same voice having a say. Same input, same answer.

    Raises:
        BadSetting: the sections were heard by different encoders, or by another than the options name.
    """
    options = options or DiarizationOptions()
    if wrong := {voices.encoder for voices in sections} - {options.encoder}:
        raise BadSetting(f"heard by {', '.join(sorted(wrong))}, but the options say {options.encoder}; hear them again")
    rows = [voices.embeddings.astype(np.float32) for voices in sections if len(voices.embeddings)]
    centres = _speakers(rows, _row_seconds(sections), options) if rows else np.zeros((0, 0), np.float32)
    turns = [_turns(voices, centres, options) for voices in sections]
    order = list(spoken_s(turn for section in turns for turn in section))
    names = {old: f"speaker{number}" for number, old in enumerate(order, start=1)}
    return Diarization(
        turns=tuple(tuple(replace(turn, speaker=names[turn.speaker]) for turn in section) for section in turns),
        centres={names[old]: centres[int(old)] for old in order if len(centres)},
    )


def name_speakers(found: Diarization, wanted: str, *, sample: Vectors | None = None) -> Diarization:
    """`found` with the wanted speaker called `wanted`: the one most like `sample`, or without it who speaks most.

    Args:
        sample: how the wanted speaker sounds (`Listener.sound_of`).

    Raises:
        BadSetting: nobody speaks, nobody sounds like the sample, or another speaker already has the name.
    """
    if not found.centres:
        raise BadSetting("nobody speaks in these recordings, so nobody can be picked")
    likeness = {name: float(centre @ sample) if sample is not None else 1.0 for name, centre in found.centres.items()}
    chosen = max(likeness, key=lambda name: likeness[name])
    if likeness[chosen] < LIKE_SAMPLE:
        raise BadSetting(
            f"nobody in these recordings sounds like the sample: the nearest is {chosen} with {likeness[chosen]:.2f}, "
            f"at least {LIKE_SAMPLE} is needed; give another sample of the speaker"
        )
    if wanted in found.centres and wanted != chosen:
        raise BadSetting(f"{wanted!r} is the name of another speaker; choose another, or name that one first")
    return found.renamed({chosen: wanted})


def _row_seconds(sections: Iterable[Voices]) -> NDArray[np.float32]:
    """(n,) how much speech stands behind each embedding of all sections."""
    found: list[float] = []
    for voices in sections:
        own = {piece.row: piece.seconds for piece in voices.pieces}
        found += [own.get(row, 0.0) for row in range(len(voices.embeddings))]
    return np.array(found, np.float32)


def _speakers(rows: Sequence[Vectors], seconds: NDArray[np.float32], options: DiarizationOptions) -> Vectors:
    """(k, d) how each speaker sounds: unit vectors."""
    stacked = np.concatenate(rows)
    owner = _grouped(rows, options)
    all_s = float(seconds.sum())
    enough_s = max(min(options.stray_s, SHORT_SHARE * all_s), options.stray_share * all_s)
    spoken = np.bincount(owner, weights=seconds)
    order = np.argsort(-spoken, kind="stable")
    kept = order[: options.speakers] if options.speakers else order[spoken[order] >= enough_s]
    kept = kept if len(kept) else order[:1]
    sums = np.stack([seconds[owner == label] @ stacked[owner == label] for label in kept])
    for _ in range(ROUNDS):
        if not options.speakers:
            sums = _merged(sums, options.same_centre)
        nearest = np.argmax(stacked @ _units(sums).T, axis=1)
        heard = np.stack([seconds[nearest == k] @ stacked[nearest == k] for k in range(len(sums))])
        sums = np.where(heard.any(axis=1, keepdims=True), heard, sums)
    return _units(sums)


def _merged(sums: Vectors, same: float) -> Vectors:
    """(k, d) sums of speakers' embeddings; the most alike are added up while their directions agree by `same`."""
    while len(sums) > 1:
        units = _units(sums)
        alike = units @ units.T - 2 * np.eye(len(sums), dtype=np.float32)
        a, b = sorted(np.unravel_index(int(alike.argmax()), alike.shape))
        if alike[a, b] < same:
            break
        sums = np.concatenate((sums[:a], [sums[a] + sums[b]], sums[a + 1 : b], sums[b + 1 :]))
    return sums


def _grouped(rows: Sequence[Vectors], options: DiarizationOptions) -> Labels:
    """(n,) the group of each row, over all sections."""
    strict = options.threshold + (1 - options.threshold) * 0.2  # within a section only what is surely one
    stacked = np.concatenate(rows)
    owner = _numbered([_linked(each, strict) for each in rows])
    while owner.max() >= MOST_CENTRES and strict > options.threshold:
        means = _means(stacked, owner)
        chunks = np.array_split(means, -(-len(means) // MOST_CENTRES))
        owner = _numbered([_linked(chunk, strict) for chunk in chunks])[owner]
        strict -= 0.05
    return _linked(_means(stacked, owner), options.threshold)[owner]


def _numbered(groups: Sequence[Labels]) -> Labels:
    """The groups' labels one after another, each group's numbers behind those of the group before."""
    starts = np.cumsum([0, *(int(labels.max()) + 1 for labels in groups)])
    return np.concatenate([labels + start for labels, start in zip(groups, starts, strict=False)])


def _means(rows: Vectors, owner: Labels) -> Vectors:
    """(n, d) -> (groups, d) mean of each group's rows; its length says how much they scatter."""
    sums = np.zeros((int(owner.max()) + 1, rows.shape[1]), np.float64)
    np.add.at(sums, owner, rows)
    return (sums / np.bincount(owner)[:, None]).astype(np.float32)


def _linked(vectors: Vectors, same: float) -> Labels:
    """(n, d) -> (n,) group numbers from 0: joined while the mean product of two groups' members is at least `same`."""
    if len(vectors) < 2:
        return np.zeros(len(vectors), np.intp)
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    distance = np.clip(1 - vectors @ vectors.T, 0, 2).astype(np.float64)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average")
    return np.asarray(fcluster(tree, 1 - same, "distance") - 1, np.intp)


def _turns(voices: Voices, centres: Vectors, options: DiarizationOptions) -> list[Turn]:
    """The section's turns; a speaker's name is the number of the centre."""
    speakers = _labelled(voices, centres)
    turns = [Turn(p.start_s, p.end_s, str(k)) for p, k in zip(voices.pieces, speakers, strict=True)]
    return tidy(turns, shortest_s=options.shortest_s, gap_s=options.gap_s)


VOICE_SAYS = 0.25
"""How much the other pieces of a voice say about one piece, beside its own sound."""
TWO_SAYS = 0.4
"""How much it says that somebody else speaks during all of a piece: nobody speaks twice at once."""


def _labelled(voices: Voices, centres: Vectors) -> list[int]:
    """The speaker of each piece: by its sound, its voice's, and who else speaks; else as the nearest piece in time."""
    pieces = voices.pieces
    if len(centres) < 2:
        return [0] * len(pieces)
    likeness = voices.embeddings.astype(np.float32) @ centres.T  # (rows, k)
    by_voice: dict[int, list[Piece]] = {}
    for piece in pieces:
        if piece.row >= 0:
            by_voice.setdefault(piece.voice, []).append(piece)
    found: dict[int, int] = {}
    # pieces that can be heard alone come first, the longer the surer
    for index in sorted(range(len(pieces)), key=lambda i: (pieces[i].row < 0, -pieces[i].seconds, i)):
        piece = pieces[index]
        others = [other for other in by_voice.get(piece.voice, []) if other is not piece]
        score = likeness[piece.row].copy() if piece.row >= 0 else np.zeros(len(centres), np.float32)
        if others:
            weight = np.array([other.seconds for other in others])
            score += VOICE_SAYS * (weight @ likeness[[other.row for other in others]]) / weight.sum()
        if piece.row < 0 and not others:
            score = _closeness(pieces, index, found, len(centres))
        for other, speaker in found.items():
            score[speaker] -= TWO_SAYS * _shared_s(piece, pieces[other]) / piece.seconds
        found[index] = int(score.argmax())
    return [found[index] for index in range(len(pieces))]


def _shared_s(piece: Piece, other: Piece) -> float:
    """Seconds in which another voice speaks during a piece."""
    if piece.voice == other.voice:
        return 0.0
    return max(0.0, min(piece.end_s, other.end_s) - max(piece.start_s, other.start_s))


def _closeness(pieces: Sequence[Piece], index: int, found: Mapping[int, int], speakers: int) -> Vectors:
    """(k,) how near in time each speaker speaks who does not speak during the piece: 0 to 0.1."""
    here, score = pieces[index], np.zeros(speakers, np.float32)
    for other, speaker in found.items():
        away_s = max(pieces[other].start_s - here.end_s, here.start_s - pieces[other].end_s)
        if away_s >= 0:
            score[speaker] = max(score[speaker], 0.1 / (1 + away_s))
    return score


def _units(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12), np.float32)
