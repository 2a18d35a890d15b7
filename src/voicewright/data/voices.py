"""`Voices`: what was heard of the speakers in one section of a recording, as plain data that can be kept in a file.

p pieces · e embeddings · d width of an embedding
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voicewright.errors import BadDataset


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of speech of one voice."""

    start_s: float
    end_s: float
    voice: int
    """Pieces of one number sound alike to the network within a few seconds; across a section it means nothing."""
    row: int = -1
    """Which embedding is taken from it; -1: it is too short, or somebody else speaks all the while."""

    @property
    def seconds(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Voices:
    """Speech in a section and how it sounds. Pieces that overlap are voices that speak at once."""

    seconds: float
    """Length of the section."""
    encoder: str
    pieces: tuple[Piece, ...]
    """In order of their beginning."""
    embeddings: NDArray[np.float16]
    """(e, d) unit vectors."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; the embeddings as base64 of little-endian float16."""
        return {
            "seconds": round(self.seconds, 4),
            "encoder": self.encoder,
            "pieces": [[round(p.start_s, 4), round(p.end_s, 4), p.voice, p.row] for p in self.pieces],
            "width": int(self.embeddings.shape[1]),
            "embeddings": base64.b64encode(self.embeddings.astype("<f2").tobytes()).decode("ascii"),
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any], *, where: str = "voices") -> "Voices":
        """What `to_dict` gave.

        Raises:
            BadDataset: anything else; `where` names the source.
        """
        try:
            numbers = np.frombuffer(base64.b64decode(given["embeddings"], validate=True), "<f2")
            embeddings = numbers.astype(np.float16).reshape(-1, int(given["width"]))
            pieces = tuple(Piece(float(s), float(e), int(voice), int(row)) for s, e, voice, row in given["pieces"])
            seconds, encoder = float(given["seconds"]), str(given["encoder"])
        except (KeyError, TypeError, ValueError, binascii.Error) as problem:
            raise BadDataset(f"{where}: not what was heard of a section ({problem}); delete it and run again") from None
        if any(not -1 <= piece.row < len(embeddings) for piece in pieces):
            raise BadDataset(f"{where}: a piece refers to an embedding that is not there; delete it and run again")
        return cls(seconds=seconds, encoder=encoder, pieces=pieces, embeddings=embeddings)
