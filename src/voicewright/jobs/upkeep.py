"""Jobs about the machine."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from voicewright.jobs.places import Places
from voicewright.jobs.plain import plain
from voicewright.jobs.work import Work

if TYPE_CHECKING:
    from voicewright.studio import Studio


def pull(studio: "Studio", places: Places, work: Work) -> Mapping[str, Any]:
    """A set of weights made ready for use."""
    studio.store.pull(work.request["name"], work.progress)
    return {"weights": work.request["name"]}


def doctor(studio: "Studio", places: Places, work: Work) -> Mapping[str, Any]:
    """What this machine has and can do, with a sentence spoken to measure its speed."""
    work.progress("speaking a sentence", 0, 0)
    return {"findings": plain(studio.doctor())}
