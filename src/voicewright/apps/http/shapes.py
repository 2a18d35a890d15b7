"""What the server answers with, as OpenAPI describes it."""

from typing import Any

from pydantic import BaseModel, Field

from voicewright.jobs.job import State


class FileTold(BaseModel):
    """A file that came out of a job."""

    name: str
    type: str
    bytes: int
    url: str


class JobTold(BaseModel):
    """A job: what was wished, how far it is, what came out."""

    id: str
    kind: str
    state: State
    stage: str = Field(description="What is being done.")
    done: float
    total: float = Field(description="How much there is to do, in the stage's own units; 0: not known.")
    message: str = Field(description="Why it failed, in a sentence.")
    ahead: int = Field(description="Jobs before it, while it waits.")
    request: dict[str, Any]
    result: dict[str, Any] | None
    files: list[FileTold]
    created: str
    started: str | None
    ended: str | None


class Jobs(BaseModel):
    """Jobs, the newest first."""

    jobs: list[JobTold]


class Found(BaseModel):
    """A page of what was found, the newest first."""

    total: int
    entries: list[JobTold]


class UploadTold(BaseModel):
    """A file that was sent."""

    id: str
    name: str
    kind: str = Field(description="sound, text, voice or checkpoint: what is in it, whatever it is called.")
    bytes: int
    seconds: float | None
    rate: int | None
    channels: int | None
    created: str


class VoiceTold(BaseModel):
    """What is known of a voice."""

    name: str
    engine: str
    weights: str
    language: str
    created: str
    sources: list[dict[str, Any]]
    consent: str
    licence: str
    scores: dict[str, Any]
    settings: dict[str, Any]
    preview_s: float


class Drawing(BaseModel):
    """A sound to be drawn: the lowest and the highest sample of equal parts."""

    seconds: float
    peaks: list[tuple[float, float]]


class Problem(BaseModel):
    """Why a request came to nothing (RFC 9457). Below /v1 it is OpenAI's {"error": {"message", …}}."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = Field(description="What is wrong, where, and what to do about it.")
    kind: str
