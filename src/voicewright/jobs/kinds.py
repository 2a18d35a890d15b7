"""What kinds of jobs there are, and who does each: a table of strings, so that knowing a kind loads nothing heavy."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from voicewright.errors import BadJob
from voicewright.jobs.places import Places
from voicewright.jobs.work import Does, Work

if TYPE_CHECKING:
    from voicewright.studio import Studio

Handler = Callable[["Studio", Places, Work], Mapping[str, Any]]
KINDS = {
    "speak": "voicewright.jobs.speaking:speak",
    "redo": "voicewright.jobs.speaking:redo",
    "examine": "voicewright.jobs.cloning:examine",
    "clone": "voicewright.jobs.cloning:clone",
    "import": "voicewright.jobs.cloning:take_checkpoint",
    "convert": "voicewright.jobs.hearing:convert",
    "measure": "voicewright.jobs.hearing:measure",
    "transcribe": "voicewright.jobs.hearing:transcribe",
    "prepare": "voicewright.jobs.datasets:prepare",
    "check": "voicewright.jobs.datasets:check",
    "plan": "voicewright.jobs.learning:plan",
    "train": "voicewright.jobs.learning:train",
    "audition": "voicewright.jobs.learning:audition",
    "compare": "voicewright.jobs.learning:compare",
    "export": "voicewright.jobs.learning:export",
    "merge": "voicewright.jobs.learning:merge",
    "pull": "voicewright.jobs.upkeep:pull",
    "doctor": "voicewright.jobs.upkeep:doctor",
}
LONG = frozenset({"import", "prepare", "check", "plan", "train", "audition", "compare", "merge", "pull"})
"""Kinds that may take minutes to hours: they have a lane of their own, so that speaking still works meanwhile."""
OUTPUTS = ("speak", "redo", "convert")
"""Kinds whose results are sounds to be heard again."""


def handler(kind: str) -> Handler:
    """Who does jobs of that kind. Raises BadJob: there is no such kind."""
    if kind not in KINDS:
        raise BadJob(f"no kind of job is called {kind!r}; there are: {', '.join(KINDS)}")
    module, _, name = KINDS[kind].partition(":")
    does: Handler = getattr(import_module(module), name)
    return does


def doer(studio: "Studio", places: Places) -> Does:
    """What a queue does with a job: its kind's handler with this studio."""
    return lambda work: handler(work.job.kind)(studio, places, work)
