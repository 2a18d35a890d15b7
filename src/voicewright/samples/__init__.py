"""Recordings that ship with the project: one reader in the public domain. See PROVENANCE.md beside them."""

from dataclasses import dataclass
from pathlib import Path

AUSTEN = Path(__file__).parent / "austen"


@dataclass(frozen=True, slots=True)
class Sample:
    """A recording and what is said in it."""

    path: Path
    text: str


def samples(folder: Path = AUSTEN) -> list[Sample]:
    """The sample recordings in the order of the book."""
    lines = (folder / "transcripts.tsv").read_text("utf-8").splitlines()
    return [Sample(folder / name, text) for name, text in (line.split("\t") for line in lines)]
