"""Jobs that plan, train and listen."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from voicewright.errors import BadRun
from voicewright.jobs.places import Places, refuse_places
from voicewright.jobs.plain import plain
from voicewright.jobs.work import Stopped, Work
from voicewright.settings import from_dict, to_dict
from voicewright.training.options import TrainingPlan
from voicewright.training.run import Run

if TYPE_CHECKING:
    from voicewright.studio import Studio
    from voicewright.training.checkpoint import Checkpoint
    from voicewright.training.planning import Planned

LOOK_EVERY_S = 0.5
BEGUN = "begun"
"""A file in a job's folder: its trainer was started, so that after a restart of the server it is only watched."""
PLACED = ("dataset", "run")
"""Fields of a plan that this server decides."""


def plan(studio: "Studio", places: Places, work: Work) -> Mapping[str, Any]:
    """A plan for a dataset with good values under those that are given, or a whole plan checked; kept by its name."""
    request, name = work.request, work.request["name"]
    trial = bool(request.get("trial", False))
    refuse_places(plan_values(request), "plan")
    if request.get("plan") is not None:
        given = from_dict(TrainingPlan, {**request["plan"], "run": name}, where="plan")
        made = studio.training.check(places.placed(given, name), trial=trial, progress=work.progress)
    else:
        values = plan_values(request)
        if values.get("source"):
            values["source"] = places.checkpoint(values["source"])
        values["run"] = str(places.run_folder(name))
        made = studio.training.plan(places.dataset(request["dataset"]), values, trial=trial, progress=work.progress)
    places.keep_plan(name, places.placed(made.plan, name))
    return {"name": name, **_planned(made)}


def plan_values(request: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a plan that a request gives, but those that this server decides itself."""
    given = request.get("plan") or request.get("values") or {}
    return {name: value for name, value in given.items() if name not in PLACED}


def train(studio: "Studio", places: Places, work: Work) -> Mapping[str, Any]:
    """A run trained in a process of its own, and watched from here. It goes on when the server dies, and is watched
    again when it is back; when the job is cancelled it saves and stops."""
    from voicewright.training.launch import last_words, launch, trainer_command
    from voicewright.training.launch import stop as end

    name = work.request["plan"]
    folder = places.run_folder(name)
    run, begun = Run.open(folder) if Run.holds(folder) else None, work.folder / BEGUN
    if run is None or not (begun.exists() or run.state().busy):
        run = studio.training.begin(places.plan(name))
        launch(run, trainer_command(run, ["--home", str(studio.home.root)]))
    begun.touch()
    state = run.state()
    try:
        while (state := run.state()).busy:
            told = state.message if state.status == "preparing" and state.message else state.status
            work.progress(told, state.step, state.steps)
            time.sleep(LOOK_EVERY_S)
    except Stopped:
        if work.wanted_off():
            end(run, 0)
        raise
    if state.status not in ("finished", "stopped"):
        words = " ".join(last_words(run, 2))
        raise BadRun(f"the run {name!r} ended as {state.status!r}: {state.message or words}")
    return {"run": name, "status": state.status, "step": state.step, "steps": state.steps, **best_told(run)}


def audition(studio: "Studio", places: Places, work: Work) -> Mapping[str, Any]:
    """Checkpoints of a run heard: the one that is named, or all that were not heard yet."""
    from voicewright.training.audition import auditions_in
    from voicewright.training.checkpoint import with_figures

    run, step = places.run(work.request["run"]), work.request.get("step")
    auditor, heard = studio.training.auditor(run), auditions_in(run.auditions)
    kept: dict[int, Checkpoint | None] = {0: None, **{each.step: each for each in run.checkpoints()}}
    if step is not None and step not in kept:
        raise BadRun(f"the run has no checkpoint of step {step}; there are: {', '.join(map(str, kept))}")
    for each in kept if step is None else dict.fromkeys((0, step)):
        if each == step or each not in heard or work.request.get("again"):
            found = auditor.hear(*studio.training.at(run, kept[each]), run.auditions, each, progress=work.progress)
            if (checkpoint := kept[each]) is not None:
                with_figures(checkpoint, found.figures())
    figures = {number: each.figures() for number, each in auditions_in(run.auditions).items()}
    return {"run": run.folder.name, "figures": plain(figures), "notes": list(auditor.notes), **best_told(run)}


def compare(studio: "Studio", places: Places, work: Work) -> Mapping[str, Any]:
    """Whether training beat the voice that it started from."""
    run, step = places.run(work.request["run"]), work.request.get("step")
    found = studio.training.compare(
        run,
        checkpoint=_checkpoint(run, step) if step is not None else None,
        sentences=int(work.request.get("sentences", 24)),
        progress=work.progress,
    )
    return {"run": run.folder.name, "sentence": str(found), **plain(to_dict(found))}


def export(studio: "Studio", places: Places, work: Work) -> Mapping[str, Any]:
    """The voice of a run, taken into the library."""
    from voicewright.voice.names import voice_name

    request, run = work.request, places.run(work.request["run"])
    step = request.get("step")
    checkpoint = _checkpoint(run, step) if step else None
    work.progress("taking the voice out", 0, 0)
    voice = studio.training.voice_of(run) if step is None else studio.training.at(run, checkpoint)[1]
    voice = replace(voice, name=voice_name(request["name"])) if request.get("name") else voice
    studio.library.add(voice, replace=bool(request.get("replace", False)))
    return {"voice": voice.name}


def merge(studio: "Studio", places: Places, work: Work) -> Mapping[str, Any]:
    """Checkpoints averaged into a run of their own; of a run without a step, the best one."""
    from voicewright.training.merge import KEPT
    from voicewright.training.merge import merge as merged

    request = work.request
    parts = [(each["run"], each.get("step")) for each in request["from"]]
    chosen = [_best_or(places.run(name), step) for name, step in parts]
    work.progress("averaging the checkpoints", 0, 0)
    weights = request.get("weights") or [1.0] * len(chosen)
    run = merged([each.folder for each in chosen], weights, places.run_folder(request["name"]))
    (found,) = run.checkpoints()
    mixed = [
        {"run": name, "step": each.step, "share": weight / sum(weights)}
        for (name, _), each, weight in zip(parts, chosen, weights, strict=True)
    ]
    told = " + ".join(f"{part['share']:.3g} × {part['run']} at step {part['step']}" for part in mixed)
    run.update(message=f"averaged: {told}")
    return {"run": run.folder.name, "step": found.step, "from": mixed, "kept": plain(found.figures.get(KEPT))}


def best_told(run: Run) -> dict[str, Any]:
    """The checkpoint to take, and why; empty when nothing was heard."""
    from voicewright.training.choice import best

    try:
        found = best(run)
    except BadRun:
        return {"best_step": None, "score": None, "reasons": []}
    return {"best_step": found.step, "score": plain(found.score), "reasons": list(found.reasons)}


def plan_told(given: TrainingPlan) -> dict[str, Any]:
    """A plan as plain data, with names in the place of folders."""
    told = to_dict(given)
    return told | {name: told[name].rpartition("/")[2] for name in PLACED}


def _planned(made: "Planned") -> dict[str, Any]:
    estimate = made.estimate
    return {
        "plan": plan_told(made.plan),
        "remarks": [{**plain(remark), "sentence": str(remark)} for remark in made.remarks],
        "estimate": plain(estimate) | {"measured": estimate.measured, "seconds": plain(estimate.seconds)},
    }


def _best_or(run: Run, step: int | None) -> "Checkpoint":
    """The checkpoint of `step`; without one the best. Raises BadRun: there is none, or the start is as good as any."""
    from voicewright.training.choice import best

    if step is not None:
        return _checkpoint(run, step)
    found = best(run)
    if found.checkpoint is None:
        raise BadRun(f"{run.folder.name}: {found.reasons[0]} Name the step that you want all the same.")
    return found.checkpoint


def _checkpoint(run: Run, step: int) -> "Checkpoint":
    found = {each.step: each for each in run.checkpoints()}
    if step not in found:
        raise BadRun(f"the run has no checkpoint of step {step}; there are: {', '.join(map(str, found)) or 'none'}")
    return found[step]
