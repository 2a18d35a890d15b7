"""Speaking: a text as a job, its sound while it is made, single pieces once more."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from voicewright.apps.http.following import first_sound, sound_of
from voicewright.apps.http.house import House, TheHouse, Wish
from voicewright.apps.http.routes.jobs import accepted
from voicewright.apps.http.shapes import JobTold
from voicewright.apps.http.sound import Encoder, encoded, wav_bytes, wav_header
from voicewright.errors import BadJob, BadText, UnknownJob
from voicewright.jobs.job import Job
from voicewright.jobs.soundstream import StreamReader
from voicewright.jobs.speaking import piece_sound, settings_for, voice_for

router = APIRouter(prefix="/api/v1/speech", tags=["speech"])
StreamFormat = Literal["wav", "mp3", "pcm", "opus", "flac", "aac"]


class SpeechWish(Wish):
    """A text to be spoken."""

    text: str = Field(min_length=1, examples=["Any text."])
    voice: str = Field(default="", description="A voice's name; the home's default voice when it is empty.")
    engine: str = Field(default="", description="runs/NAME speaks as that training run learned to.")
    settings: dict[str, Any] = Field(default_factory=dict, description="See /api/v1/options/speech.")
    format: Literal["wav", "mp3", "flac", "ogg"] = "wav"
    subtitles: Literal["srt", "vtt"] | None = None
    lexicon: str = Field(default="", max_length=200_000, description='Lines of "word: respelling".')


class PieceWish(Wish):
    """A piece to be spoken once more."""

    index: int = Field(ge=0)
    text: str | None = Field(default=None, description="What it says from now on; as before when it is null.")
    seed: int | None = Field(default=None, ge=0, description="null takes another one.")


class RedoWish(Wish):
    """Pieces to be spoken once more; the others stay as they are."""

    pieces: list[PieceWish] = Field(min_length=1, max_length=10_000)


def check_speech(house: House, wish: SpeechWish) -> None:
    """Whatever can be said against a text before it waits its turn. Raises BadText, BadSetting, UnknownVoice, …"""
    if not wish.text.strip():
        raise BadText("the text is empty; write at least one word")
    if len(wish.text) > house.options.text_letters:
        raise BadText(f"the text has {len(wish.text):,} letters; {house.options.text_letters:,} are spoken at most")
    settings_for(wish.model_dump())
    voice_for(house.studio, house.places, wish.model_dump())


@router.post("", status_code=202)
def speak(house: TheHouse, request: Request, response: Response, wish: SpeechWish) -> JobTold:
    """Speak a text: a job of the kind speak."""
    check_speech(house, wish)
    return accepted(house, house.submit(request, "speak", wish.model_dump()), response)


@router.post("/{job_id}/redo", status_code=202)
def redo(house: TheHouse, request: Request, response: Response, job_id: str, wish: RedoWish) -> JobTold:
    """Speak some pieces of a finished speech once more: a new job, in which the other pieces stay as they were."""
    parent = _speech(house, job_id)
    if parent.state != "done":
        raise BadJob(f"that speech is {parent.state}, not done; pieces can be spoken anew when it is")
    kept = {name: value for name, value in parent.request.items() if name not in ("pieces", "parent")}
    pieces = [each.model_dump() for each in wish.pieces]
    return accepted(house, house.submit(request, "redo", {**kept, "parent": parent.id, "pieces": pieces}), response)


@router.get("/{job_id}/stream", response_class=StreamingResponse)
async def stream(house: TheHouse, job_id: str, format: StreamFormat = "wav") -> StreamingResponse:
    """The sound of a speech while it is being made, or afterwards."""
    job = await first_sound(house, _speech(house, job_id).id)
    reader = StreamReader(house.queue.folder(job.id))
    rate = reader.rate
    if rate is None or not reader.sounds:
        raise BadJob(job.message or "there is no sound")
    samples = reader.samples if job.state == "done" else None
    encoder = Encoder(format, rate, samples)
    headers = {"X-Sample-Rate": str(rate), "Cache-Control": "no-store"}
    if samples is not None and format in ("wav", "pcm"):
        headers["Content-Length"] = str(2 * samples + (len(wav_header(rate)) if format == "wav" else 0))
    return StreamingResponse(encoded(sound_of(house, job.id), encoder), media_type=encoder.media_type, headers=headers)


@router.get("/{job_id}/pieces/{index}/audio", response_class=Response)
def piece(house: TheHouse, job_id: str, index: Annotated[int, Path(ge=0)]) -> Response:
    """One finished piece by itself, as WAV."""
    job = _speech(house, job_id)
    try:
        clip = piece_sound(house.queue.folder(job.id), job.id, index)
    except BadJob as problem:
        raise UnknownJob(str(problem)) from None
    return Response(wav_bytes(clip), media_type="audio/wav")


def _speech(house: House, job_id: str) -> Job:
    job = house.queue.get(job_id)
    if job.kind not in ("speak", "redo"):
        raise UnknownJob(f"job {job_id} speaks no text")
    return job
