"""The house: engines, weights, settings, options, and how the machine does."""

from shutil import disk_usage
from typing import Any

from fastapi import APIRouter, Request, Response

from voicewright.apps.http.house import TheHouse
from voicewright.apps.http.routes.jobs import accepted
from voicewright.apps.http.schema import groups, schema
from voicewright.apps.http.shapes import JobTold
from voicewright.engines import registry
from voicewright.errors import UnknownName
from voicewright.home import HomeSettings
from voicewright.jobs.plain import plain
from voicewright.jobs.pruning import bytes_in
from voicewright.settings import from_dict, save, to_dict

router = APIRouter(prefix="/api/v1", tags=["house"])


@router.get("/engines")
def engines(house: TheHouse) -> dict[str, Any]:
    """Every engine, what it can do, and which groups of options it has."""
    known = groups()
    found = [
        {
            "name": name,
            **{ability: ability in registry.abilities(name) for ability in ("speaks", "clones", "converts", "learns")},
            "trial": name.endswith("-tiny"),
            "convert_options": f"convert.{name}" if f"convert.{name}" in known else None,
            "recipe_options": f"recipe.{name}" if f"recipe.{name}" in known else None,
        }
        for name in registry.engines()
    ]
    return {"default": registry.DEFAULT, "engines": found}


@router.get("/weights")
def weights(house: TheHouse) -> dict[str, Any]:
    """Every set of weights with its licence."""
    found = [
        {
            "name": each.name,
            "title": each.title,
            "licence": each.licence,
            "megabytes": round(each.bytes / 1e6, 1),
            "in_place": each.ready,
            "problem": each.problem,
        }
        for each in house.studio.store.status()
    ]
    return {"weights": found}


@router.post("/weights/{name}/pull", status_code=202)
def pull(house: TheHouse, request: Request, response: Response, name: str) -> JobTold:
    """Make a set of weights ready for use: a job of the kind pull."""
    if name not in {each.name for each in house.studio.store.status()}:
        raise UnknownName(f"no set of weights is called {name[:80]!r}")
    return accepted(house, house.submit(request, "pull", {"name": name}), response)


@router.get("/settings")
def settings(house: TheHouse) -> dict[str, Any]:
    """What holds for everything done in this home."""
    return to_dict(house.studio.home.settings())


@router.put("/settings")
def change_settings(house: TheHouse, given: dict[str, Any]) -> dict[str, Any]:
    """Change settings; those that are not given stay. Whether a model hub is asked changes with the next start."""
    home = house.studio.home
    changed = from_dict(HomeSettings, {**to_dict(home.settings()), **given}, where="settings")
    if changed.default_voice:
        house.studio.library.get(changed.default_voice)
    home.root.mkdir(parents=True, exist_ok=True)
    part = home.settings_file.with_suffix(".part.yaml")
    save(changed, part)
    part.replace(home.settings_file)
    vars(house.studio).pop("settings", None)
    vars(house.studio).pop("imports", None)
    return to_dict(changed)


@router.get("/doctor")
def doctor(house: TheHouse) -> dict[str, Any]:
    """What this machine has, at a glance."""
    findings = plain(house.studio.doctor(quick=True))
    return {"findings": findings if house.alone else house.outside(findings)}


@router.get("/room")
def room(house: TheHouse) -> dict[str, Any]:
    """How much room what is kept here takes, which results go when, and what the engines run on.

    Where the home is, is told to this machine alone."""
    home = house.studio.home
    kept = {
        "voices": home.voices,
        "datasets": home.datasets,
        "runs": home.runs,
        "results": home.jobs,
        "uploads": home.uploads,
        "weights": home.weights,
    }
    place = next(each for each in (home.root, *home.root.parents) if each.exists())
    return {
        "bytes": {name: bytes_in(folder) for name, folder in kept.items()},
        "free_bytes": disk_usage(place).free,
        "folder": str(home.root) if house.alone else None,
        "keep_days": house.options.keep_days,
        "keep_mb": house.options.keep_mb,
        "device": house.studio.engines.device,
        "precision": house.studio.engines.precision,
    }


@router.post("/doctor", status_code=202)
def trial(house: TheHouse, request: Request, response: Response) -> JobTold:
    """What this machine has and how fast it speaks: a job of the kind doctor."""
    return accepted(house, house.submit(request, "doctor", {}), response)


@router.get("/options")
def option_groups() -> dict[str, list[str]]:
    """Every group of options."""
    return {"groups": list(groups())}


@router.get("/options/{group}")
def option_schema(group: str) -> dict[str, Any]:
    """A group of options as a JSON schema: types, defaults, and what each does."""
    return schema(group)
