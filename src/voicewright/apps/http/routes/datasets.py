"""Datasets: prepared, looked at, corrected."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, RedirectResponse
from pydantic import Field

from voicewright.apps.http.house import House, TheHouse, Wish, media_type
from voicewright.apps.http.routes.history import Offset, Search
from voicewright.apps.http.routes.jobs import Limit, accepted
from voicewright.apps.http.routes.uploads import Bins
from voicewright.apps.http.shapes import Drawing, JobTold
from voicewright.apps.http.sound import waveform
from voicewright.data.dataset import Dataset
from voicewright.data.datasets import REPORT
from voicewright.data.edits import Anchor, Drop, Edit, Keep, Merge, SetSpeaker, SetText, SplitAt
from voicewright.data.summary import summarise
from voicewright.data.utterance import Utterance
from voicewright.errors import BadDataset, BadSetting, UnknownName
from voicewright.jobs.datasets import options_for
from voicewright.jobs.plain import plain

router = APIRouter(prefix="/api/v1/datasets", tags=["datasets"])
Which = Literal["all", "kept", "dropped", "flagged"]
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data: 'self'; media-src data: 'self'"


class PrepareWish(Wish):
    """Recordings to make a dataset of, or to add to one."""

    name: str
    uploads: list[str] = Field(min_length=1, max_length=10_000)
    transcript: str | None = Field(default=None, description="An uploaded text: what a human wrote down.")
    like: str | None = Field(default=None, description="An uploaded recording of the wanted speaker alone.")
    options: dict[str, Any] = Field(default_factory=dict, description="See /api/v1/options/prepare.")


class EditWish(Wish):
    """A correction of one clip."""

    clip: str
    text: str | None = None
    speaker: str | None = None
    keep: bool = False
    drop: str | None = Field(default=None, description="Why it is not to be used.")
    split_at_s: float | None = Field(default=None, gt=0)
    merge_with: str | None = Field(default=None, description="The id of the clip that follows it.")


class UndoWish(Wish):
    """Which correction is taken back; the last one when it is null."""

    number: int | None = Field(default=None, ge=1)


@router.get("")
def list_(house: TheHouse) -> dict[str, Any]:
    """Every dataset."""
    return {"datasets": [_line(house, name) for name in house.places.dataset_names()]}


def _line(house: House, name: str) -> dict[str, Any]:
    try:
        return {**show(house, name), "damaged": ""}
    except BadDataset as problem:
        return {"name": name, "summary": None, "damaged": house.outside(str(problem))}


@router.post("", status_code=202)
def prepare(house: TheHouse, request: Request, response: Response, wish: PrepareWish) -> JobTold:
    """Make a dataset from recordings, or add recordings to one: a job of the kind prepare."""
    options_for(house.studio, house.places, wish.model_dump())
    beside = {"transcript": wish.transcript, "like": wish.like}
    job = house.submit(request, "prepare", wish.model_dump(), sounds=wish.uploads, beside=beside)
    return accepted(house, job, response)


@router.get("/{name}")
def show(house: TheHouse, name: str) -> dict[str, Any]:
    """The figures of a dataset."""
    return {"name": name, "summary": plain(summarise(house.clips.of(_dataset(house, name)).values()))}


@router.get("/{name}/clips")
def clips(
    house: TheHouse, name: str, state: Which = "all", search: Search = "", offset: Offset = 0, limit: Limit = 50
) -> dict[str, Any]:
    """Clips of a dataset, with their scores."""
    words = search.casefold().split()
    found = [
        each
        for each in house.clips.of(_dataset(house, name)).values()
        if _fits(each, state) and all(word in f"{each.id} {each.text} {each.speaker}".casefold() for word in words)
    ]
    return {"total": len(found), "clips": plain(found[offset : offset + limit])}


@router.get("/{name}/clips/{clip_id}/audio", response_class=FileResponse)
def audio(house: TheHouse, name: str, clip_id: str) -> FileResponse:
    """The sound of a clip."""
    dataset = _dataset(house, name)
    path = dataset.audio(house.clips.one(dataset, clip_id))
    return FileResponse(path, media_type=media_type(path.name))


@router.get("/{name}/clips/{clip_id}/waveform")
def draw(house: TheHouse, name: str, clip_id: str, bins: Bins = 300) -> Drawing:
    """The lowest and the highest sample of equal parts of a clip, to draw it."""
    dataset = _dataset(house, name)
    return Drawing(**waveform(dataset.audio(house.clips.one(dataset, clip_id)), bins))


@router.post("/{name}/edits")
def edit(house: TheHouse, name: str, wish: EditWish) -> dict[str, Any]:
    """Correct a clip; what changed. Corrections survive when the dataset is prepared again."""
    dataset = _dataset(house, name)
    edits = list(_edits(wish, lambda clip_id: Anchor.of(house.clips.one(dataset, clip_id))))
    if not edits:
        raise BadSetting("say what is to be corrected: text, speaker, keep, drop, split_at_s or merge_with")
    return {"clips": plain(dataset.edit(*edits))}


@router.post("/{name}/undo")
def undo(house: TheHouse, name: str, wish: UndoWish) -> dict[str, Any]:
    """Take a correction back."""
    return {"clips": plain(_dataset(house, name).undo(wish.number))}


@router.post("/{name}/check", status_code=202)
def check(house: TheHouse, request: Request, response: Response, name: str) -> JobTold:
    """Score and judge every clip anew: a job of the kind check."""
    house.places.dataset(name)
    return accepted(house, house.submit(request, "check", {"name": name}), response)


@router.get("/{name}/report", response_class=RedirectResponse)
def to_report(name: str) -> RedirectResponse:
    """Where the report is."""
    return RedirectResponse("report/")


@router.get("/{name}/report/", response_class=FileResponse)
def report(house: TheHouse, name: str) -> FileResponse:
    """The report as a page of its own."""
    path = house.places.dataset(name) / REPORT
    if not path.is_file():
        raise UnknownName(f"the dataset {name!r} has no report yet; check it")
    return FileResponse(path, media_type="text/html", headers={"Content-Security-Policy": PAGE_POLICY})


@router.get("/{name}/report/{audio_name:path}", response_class=FileResponse)
def report_audio(house: TheHouse, name: str, audio_name: str) -> FileResponse:
    """A sound that the report plays, found by what the manifest calls it."""
    dataset = _dataset(house, name)
    found = next((each for each in house.clips.of(dataset).values() if each.audio == audio_name), None)
    if found is None:
        raise UnknownName(f"the dataset {name!r} has no clip {audio_name[:80]!r}")
    return FileResponse(dataset.audio(found), media_type=media_type(audio_name))


def _dataset(house: House, name: str) -> Dataset:
    return house.studio.datasets.open(house.places.dataset(name))


def _fits(utterance: Utterance, state: Which) -> bool:
    if state == "flagged":
        return utterance.kept and bool(utterance.flags)
    return state == "all" or utterance.kept == (state == "kept")


def _edits(wish: EditWish, anchor: Callable[[str], Anchor]) -> Iterator[Edit]:
    if wish.keep and wish.drop is not None:
        raise BadSetting("keep and drop contradict each other; say one of them")
    at = anchor(wish.clip)
    if wish.text is not None:
        yield SetText(at=at, text=wish.text)
    if wish.speaker is not None:
        yield SetSpeaker(at=at, speaker=wish.speaker)
    if wish.keep:
        yield Keep(at=at)
    if wish.drop is not None:
        yield Drop(at=at, reason=wish.drop)
    if wish.split_at_s is not None:
        yield SplitAt(at=at, at_s=wish.split_at_s)
    if wish.merge_with is not None:
        yield Merge(at=at, next=anchor(wish.merge_with))
