"""`create_app`: the server, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from voicewright.apps.http.gate import Gate
from voicewright.apps.http.guide import guide
from voicewright.apps.http.house import House
from voicewright.apps.http.keys import Keys
from voicewright.apps.http.options import ServeOptions
from voicewright.apps.http.problems import add_problems
from voicewright.apps.http.routes import (
    conversions,
    datasets,
    history,
    jobs,
    live,
    openai,
    session,
    speakstream,
    speech,
    training,
    uploads,
    voices,
)
from voicewright.apps.http.routes import house as house_routes
from voicewright.apps.http.routes import keys as key_routes
from voicewright.apps.http.shapes import Problem
from voicewright.apps.http.uploads import Uploads
from voicewright.jobs.kinds import LONG, doer
from voicewright.jobs.places import Places
from voicewright.jobs.pruning import Policy
from voicewright.jobs.queue import JobQueue
from voicewright.studio import Studio

PAGES = "voicewright.apps.web.pages"
ROUTERS = (
    session, key_routes, uploads, jobs, speech, voices, conversions, datasets, training, history, house_routes,
    openai, live, speakstream,
)  # fmt: skip


def create_queue(studio: Studio, options: ServeOptions | None = None) -> JobQueue:
    """The queue of a studio's home, not started yet. Raises BadJob: another server uses this home."""
    options = options or ServeOptions()
    return JobQueue(
        studio.home.jobs,
        doer(studio, places_of(studio)),
        long_kinds=LONG,
        longest=options.queue,
        workers=options.workers,
        policy=Policy(days=options.keep_days, megabytes=options.keep_mb),
    )


def places_of(studio: Studio) -> Places:
    """Where a home has its datasets, plans and runs."""
    return Places(datasets=studio.home.datasets, plans=studio.home.plans, runs=studio.home.runs)


def create_app(
    studio: Studio, queue: JobQueue, options: ServeOptions | None = None, keys: Keys | None = None
) -> FastAPI:
    """The server: API and, where it is installed, the page. The queue begins to work when the server starts.

    Args:
        keys: who may come in; by default those in the home.
    """
    options = options or ServeOptions()
    house = House(
        studio=studio,
        queue=queue,
        options=options,
        places=places_of(studio),
        uploads=Uploads(studio.home.uploads, most_bytes=options.upload_mb * 1e6, most_s=options.upload_minutes * 60),
        keys=keys or Keys(studio.home.keys_file),
    )

    @asynccontextmanager
    async def alive(app: FastAPI) -> AsyncIterator[None]:
        from starlette.concurrency import run_in_threadpool

        queue.start()
        yield
        await run_in_threadpool(queue.close)

    app = FastAPI(
        title="voicewright",
        summary="Make a voice, speak, convert and sing with it",
        version="1",
        lifespan=alive,
        responses={"4XX": {"model": Problem, "description": "Why it came to nothing"}},
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.house = house
    add_problems(app)
    for module in ROUTERS:
        app.include_router(module.router)
    app.add_api_route(
        "/api/v1/docs", lambda: HTMLResponse(guide(app.openapi())), include_in_schema=False, response_class=HTMLResponse
    )
    if find_spec(PAGES.rpartition(".")[0]) and find_spec(PAGES):
        import_module(PAGES).mount(app)
    app.add_middleware(Gate, options=options, keys=house.keys, tries=house.tries)
    return app
