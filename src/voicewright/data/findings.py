"""`Findings`: what a human should know of a dataset's recordings and texts, kept beside it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from voicewright.data.manifest import read_lines, to_plain, write_lines
from voicewright.data.problems import Problem
from voicewright.errors import BadDataset, BadSetting
from voicewright.settings import from_dict

NAME = "findings.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Sentences with their places."""

    problems: tuple[Problem, ...] = ()
    """Recordings that could not be used, whole or in part; clips that do not match the manifest."""
    disagreements: tuple[Problem, ...] = ()
    """Places where the human text and the sound are not the same."""

    def with_problems(self, more: Iterable[Problem]) -> "Findings":
        """These, and more problems."""
        return Findings(problems=(*self.problems, *more), disagreements=self.disagreements)


def write_findings(folder: Path, findings: Findings) -> None:
    """Keep them in the work folder of a dataset, a line each."""
    lines = [{"kind": "problem", **to_plain(each)} for each in findings.problems]
    lines += [{"kind": "disagreement", **to_plain(each)} for each in findings.disagreements]
    write_lines(folder / "work" / NAME, lines)


def read_findings(folder: Path) -> Findings:
    """What was found when the dataset was prepared; nothing if it was not. Raises BadDataset."""
    path = folder / "work" / NAME
    lines = list(read_lines(path)) if path.is_file() else []

    def of(kind: str) -> tuple[Problem, ...]:
        mine = ({k: v for k, v in line.items() if k != "kind"} for line in lines if line.get("kind") == kind)
        return tuple(from_dict(Problem, each, where=str(path)) for each in mine)

    try:
        return Findings(problems=of("problem"), disagreements=of("disagreement"))
    except BadSetting as problem:
        raise BadDataset(str(problem)) from None
