"""`Remark`: one sentence about a plan."""

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["chosen", "changed", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A sentence about a plan: a value that was chosen for it, one that was changed, or something worth knowing."""

    kind: Kind
    says: str
    field: str = ""
    """The plan's setting that it is about; "" for the dataset or the machine."""
    was: Any = None
    now: Any = None

    def __str__(self) -> str:
        return self.says


def noted(says: str, field: str = "") -> Remark:
    """Something worth knowing."""
    return Remark(kind="note", says=says, field=field)
