"""Training plans and training runs."""

import hashlib
import json
import secrets
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from pydantic import Field

from voicewright.apps.http.house import House, TheHouse, Wish
from voicewright.apps.http.routes.jobs import accepted
from voicewright.apps.http.shapes import JobTold
from voicewright.errors import BadPlan, BadSetting, UnknownName
from voicewright.jobs.learning import best_told, plan_told, plan_values
from voicewright.jobs.places import refuse_places
from voicewright.jobs.plain import plain
from voicewright.settings import from_dict
from voicewright.training.blind import ENDING, Key
from voicewright.training.run import Run, step_name
from voicewright.training.runs import Runs

router = APIRouter(prefix="/api/v1", tags=["training"])
COMPARISON, BLIND = "comparison", "blind"


class PlanWish(Wish):
    """A plan to be made."""

    name: str
    dataset: str
    values: dict[str, Any] = Field(default_factory=dict, description="See /api/v1/options/plan.")
    trial: bool = Field(default=False, description="Try a few steps to tell how long it will take; that takes minutes.")


class WholePlan(Wish):
    """A plan as somebody changed it."""

    plan: dict[str, Any]
    trial: bool = False


class RunWish(Wish):
    """The plan that is to be carried out."""

    plan: str


class AuditionWish(Wish):
    """Which checkpoint is to be heard; null: all that were not heard yet."""

    step: int | None = Field(default=None, ge=0)
    again: bool = False


class CompareWish(Wish):
    """Which checkpoint is to be compared with the start; null: the best."""

    step: int | None = Field(default=None, ge=0)
    sentences: int = Field(default=24, ge=2, le=200)


class ExportWish(Wish):
    """A run's voice for the library."""

    name: str = ""
    step: int | None = Field(default=None, ge=0)
    replace: bool = False


class MergePart(Wish):
    """A checkpoint of a run; null: its best."""

    run: str
    step: int | None = Field(default=None, ge=0)


class MergeWish(Wish):
    """Checkpoints to be averaged into a new run."""

    name: str = Field(description="What the new run is called.")
    parts: list[MergePart] = Field(alias="from", min_length=2, max_length=100)
    weights: list[float] = Field(
        default_factory=list, max_length=100, description="A share for each, taken of their sum; none: equal shares."
    )


class Answers(Wish):
    """Which of each pair sounded better, by the pair's number."""

    answers: dict[str, Literal["a", "b", "same"]] = Field(min_length=1)


@router.get("/plans")
def plans(house: TheHouse) -> dict[str, Any]:
    """Every plan."""
    return {"plans": [_plan_line(house, name) for name in house.places.plan_names()]}


def _plan_line(house: House, name: str) -> dict[str, Any]:
    try:
        told = plan_told(house.places.plan(name))
    except Exception as problem:  # one plan that cannot be read does not hide the others
        return {"name": name, "damaged": house.outside(str(problem))}
    return {"name": name, **{field: told[field] for field in ("dataset", "voice", "engine")}, "damaged": ""}


@router.post("/plans", status_code=202)
def make_plan(house: TheHouse, request: Request, response: Response, wish: PlanWish) -> JobTold:
    """Plan how a dataset is learned from: a job of the kind plan."""
    house.places.run_folder(wish.name)
    house.places.dataset(wish.dataset)
    refuse_places(plan_values(wish.model_dump()), "values")
    return accepted(house, house.submit(request, "plan", wish.model_dump()), response)


@router.get("/plans/{name}")
def show_plan(house: TheHouse, name: str) -> dict[str, Any]:
    """A whole plan."""
    return {"name": name, "plan": plan_told(house.places.plan(name))}


@router.put("/plans/{name}", status_code=202)
def change_plan(house: TheHouse, request: Request, response: Response, name: str, wish: WholePlan) -> JobTold:
    """Check a plan that was changed, and keep it as it can be carried out: a job of the kind plan."""
    house.places.plan(name)
    refuse_places(plan_values(wish.model_dump()), "plan")
    job = house.submit(request, "plan", {"name": name, "plan": wish.plan, "trial": wish.trial})
    return accepted(house, job, response)


@router.delete("/plans/{name}", status_code=204)
def remove_plan(house: TheHouse, name: str) -> Response:
    """Delete a plan; its run stays."""
    house.places.remove_plan(name)
    return Response(status_code=204)


@router.get("/runs")
def runs(house: TheHouse) -> dict[str, Any]:
    """Every training run."""
    found = Runs(house.places.runs).list()
    told = [house.outside(plain(each)) for each in found]
    return {"runs": [each | {"dataset": Path(each["dataset"]).name, "folder": None} for each in told]}


@router.post("/runs", status_code=202)
def train(house: TheHouse, request: Request, response: Response, wish: RunWish) -> JobTold:
    """Carry out a plan, or go on where its run stopped: a job of the kind train."""
    house.places.plan(wish.plan)
    return accepted(house, house.submit(request, "train", wish.model_dump()), response)


@router.post("/runs/merge", status_code=202)
def merge(house: TheHouse, request: Request, response: Response, wish: MergeWish) -> JobTold:
    """Average checkpoints of one shape into a run of their own: a job of the kind merge."""
    if wish.name in house.places.run_names() or house.places.run_folder(wish.name).exists():
        raise BadPlan(f"a run is called {wish.name!r} already; choose another name")
    if wish.weights and len(wish.weights) != len(wish.parts):
        raise BadSetting(f"{len(wish.parts)} checkpoints need {len(wish.parts)} weights, not {len(wish.weights)}")
    for each in wish.parts:
        house.places.run(each.run)
    return accepted(house, house.submit(request, "merge", wish.model_dump(by_alias=True)), response)


@router.get("/runs/{name}")
def show_run(house: TheHouse, name: str) -> dict[str, Any]:
    """How far a run is, its checkpoints, and which is best."""
    run = house.places.run(name)
    found = best_told(run)
    checkpoints = [{"step": c.step, "epoch": c.epoch, "figures": plain(c.figures)} for c in run.checkpoints()]
    best = None
    if found["score"] is not None:
        best = {"step": found["best_step"], "score": found["score"], "reasons": found["reasons"]}
    return {
        "name": name,
        "plan": plan_told(run.plan),
        "state": house.outside(plain(run.state())),
        "checkpoints": checkpoints,
        "best": best,
        "planned": name in house.places.plan_names(),
    }


@router.get("/runs/{name}/curve")
def curve(house: TheHouse, name: str) -> dict[str, Any]:
    """Losses, learning rates and audition scores over the steps, at most about a thousand points each."""
    from voicewright.training.watching import Watch

    told = Watch(house.places.run(name)).look().to_plain()
    told = {key: value for key, value in told.items() if key != "folder"} | {"series": told["losses"]}
    return {**plain(told), "state": house.outside(plain(told["state"])), "notes": house.outside(told["notes"])}


@router.post("/runs/{name}/stop", status_code=202)
def stop(house: TheHouse, name: str) -> dict[str, bool]:
    """Ask a run to save and stop."""
    house.places.run(name).request_stop()
    return {"stopping": True}


@router.get("/runs/{name}/auditions")
def auditions(house: TheHouse, name: str) -> dict[str, Any]:
    """How each checkpoint was heard."""
    from voicewright.training.audition import auditions_in

    run, found = house.places.run(name), []
    for step, each in auditions_in(run.auditions).items():
        where = f"/api/v1/runs/{name}/auditions/{step}"
        told = [
            {**plain(heard), "url": f"{where}/{number}/audio" if heard.sound else None}
            for number, heard in enumerate(each.sentences)
        ]
        figures = plain(each.figures())
        found.append(
            {"step": step, "score": each.score, "figures": figures, "reasons": each.reasons, "sentences": told}
        )
    return {"auditions": found}


@router.get("/runs/{name}/auditions/{step}/{number}/audio", response_class=FileResponse)
def audition_audio(house: TheHouse, name: str, step: int, number: int) -> FileResponse:
    """What a checkpoint spoke."""
    from voicewright.training.audition import auditions_in

    run = house.places.run(name)
    found = auditions_in(run.auditions).get(step)
    if found is None or not 0 <= number < len(found.sentences) or not found.sentences[number].sound:
        raise UnknownName(f"there is no sound {number} of step {step}")
    return FileResponse(run.auditions / step_name(step) / found.sentences[number].sound, media_type="audio/wav")


@router.post("/runs/{name}/auditions", status_code=202)
def audition(house: TheHouse, request: Request, response: Response, name: str, wish: AuditionWish) -> JobTold:
    """Hear checkpoints: a job of the kind audition."""
    house.places.run(name)
    return accepted(house, house.submit(request, "audition", {"run": name, **wish.model_dump()}), response)


@router.post("/runs/{name}/compare", status_code=202)
def compare(house: TheHouse, request: Request, response: Response, name: str, wish: CompareWish) -> JobTold:
    """Ask whether training beat the voice it started from: a job of the kind compare."""
    house.places.run(name)
    return accepted(house, house.submit(request, "compare", {"run": name, **wish.model_dump()}), response)


@router.post("/runs/{name}/export", status_code=202)
def export(house: TheHouse, request: Request, response: Response, name: str, wish: ExportWish) -> JobTold:
    """Take the run's voice into the library: a job of the kind export."""
    house.places.run(name)
    return accepted(house, house.submit(request, "export", {"run": name, **wish.model_dump()}), response)


@router.get("/runs/{name}/blind")
def blind(house: TheHouse, name: str) -> dict[str, Any]:
    """A blind listening test of the last comparison: pairs of sounds, sides and order shuffled."""
    key = _blind_key(house.places.run(name))
    where = f"/api/v1/runs/{name}/blind"
    pairs = [
        {"number": number, "a": f"{where}/{number}/a/audio", "b": f"{where}/{number}/b/audio"}
        for number in range(1, len(key.first) + 1)
    ]
    return {"pairs": pairs}


@router.get("/runs/{name}/blind/{number}/{side}/audio", response_class=FileResponse)
def blind_audio(house: TheHouse, name: str, number: int, side: Literal["a", "b"]) -> FileResponse:
    """One side of a pair; which voice it is, only the key says."""
    run = house.places.run(name)
    key = _blind_key(run)
    if not 1 <= number <= len(key.first):
        raise UnknownName(f"there is no pair {number}; there are {len(key.first)}")
    told = hashlib.sha256(f"{key.salt} {number - 1} {'ab'.index(side)}".encode()).hexdigest()[:16]
    return FileResponse(run.folder / BLIND / "sounds" / f"{told}.wav", media_type="audio/wav")


@router.post("/runs/{name}/blind")
def answer(house: TheHouse, name: str, wish: Answers) -> dict[str, Any]:
    """What a listener preferred; what that says."""
    from voicewright.training.blind import score

    run = house.places.run(name)
    key = _blind_key(run)
    meant = {"a": "first", "b": "second", "same": "same"}
    rows = [{"pair": int(n) if n.isdecimal() else 0, "choice": meant[c]} for n, c in wish.answers.items()]
    path = run.folder / f"answers-{secrets.token_hex(4)}.json"
    path.write_text(json.dumps({"set": key.set, "answers": rows}), "utf-8")
    try:
        return dict(plain(score([path], _key_file(run))))
    finally:
        path.unlink()


def _key_file(run: Run) -> Path:
    return run.folder / (BLIND + ENDING)


def _blind_key(run: Run) -> Key:
    """The key of the run's listening test, which is made from its comparison when there is none. Raises UnknownName."""
    from voicewright.training.blind import make_blind, pairs_of
    from voicewright.training.comparison import read_comparison

    if not _key_file(run).is_file():
        place = run.folder / COMPARISON
        if not place.is_dir():
            raise UnknownName("there is nothing to listen to yet; compare the run with its start first")
        found = read_comparison(place)
        make_blind(pairs_of(place, found), run.folder / BLIND, names=(found.a, found.b))
    return from_dict(Key, json.loads(_key_file(run).read_text("utf-8")), where="key")
