"""What other software already speaks: the OpenAI audio API."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request, Response, UploadFile
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from voicewright.apps.http.following import first_sound, over, sound_of
from voicewright.apps.http.house import House, TheHouse
from voicewright.apps.http.routes.speech import SpeechWish, check_speech
from voicewright.apps.http.routes.uploads import chunks
from voicewright.apps.http.sound import Encoder, encoded
from voicewright.engines import registry
from voicewright.errors import BadSetting, BadUpload, UnknownName, VoicewrightError
from voicewright.jobs.job import Job
from voicewright.jobs.soundstream import StreamReader
from voicewright.jobs.speaking import voice_for
from voicewright.speech.subtitles import Cue, lines, subtitle_text

router = APIRouter(prefix="/v1", tags=["openai"])
ANY_SPEAKER = ("voicewright", "tts-1", "tts-1-hd", "gpt-4o-mini-tts")
"""Models that mean: whatever the voice was made for."""
LISTENERS = ("whisper-1", "voicewright")
Written = Literal["json", "text", "srt", "vtt", "verbose_json"]
TIMED = ("srt", "vtt", "verbose_json")
"""How a transcript is written so that it tells times; finding them takes half as long again."""


class VoiceId(BaseModel):
    """A voice by its id, which here is its name."""

    id: str


class OpenAiSpeech(BaseModel):
    """OpenAI's request for speech; `settings` is ours."""

    model_config = ConfigDict(extra="ignore")
    model: str
    input: str = Field(min_length=1)
    voice: str | VoiceId
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: float | None = Field(default=None, description="0.5 to 2; 1 is the speaker's own.")
    stream_format: Literal["audio", "sse"] = "audio"
    settings: dict[str, Any] = Field(default_factory=dict, description="See /api/v1/options/speech.")


@router.post("/audio/speech", response_class=StreamingResponse)
async def speech(house: TheHouse, request: Request, wish: OpenAiSpeech) -> StreamingResponse:
    """Speak a text; the sound is sent while it is made. Who hangs up ends the work."""
    ours = _ours(wish)
    await run_in_threadpool(_check, house, wish.model, ours)
    job = await run_in_threadpool(house.submit, request, "speak", ours.model_dump())
    job = await first_sound(house, job.id, request)
    rate = StreamReader(house.queue.folder(job.id)).rate
    if rate is None or job.state in ("failed", "cancelled"):
        raise VoicewrightError(job.message)
    encoder = Encoder(wish.response_format, rate)
    sound = encoded(sound_of(house, job.id, cancels=True), encoder)
    headers = {"X-Sample-Rate": str(rate), "X-Job": job.id, "Cache-Control": "no-store"}
    if wish.stream_format == "sse":
        return StreamingResponse(_deltas(sound), media_type="text/event-stream", headers=headers)
    return StreamingResponse(sound, media_type=encoder.media_type, headers=headers)


@router.post("/audio/transcriptions", response_model=None)
async def transcriptions(
    house: TheHouse,
    request: Request,
    file: UploadFile,
    model: Annotated[str, Form()],
    language: Annotated[str, Form(description="Two letters; without it, the larger recogniser hears which.")] = "",
    response_format: Annotated[Written, Form()] = "json",
) -> Response:
    """Write down what is said in a recording."""
    if model not in LISTENERS:
        raise UnknownName(f"no model {model[:80]!r} hears here; there are: {', '.join(LISTENERS)}")
    upload = await house.uploads.take(chunks(file), file.filename or "recording")
    try:
        if upload.kind != "sound":
            raise BadUpload(f"{upload.name!r} is no sound")
        wish = {"language": language, "name": upload.name, "times": response_format in TIMED}
        job = await run_in_threadpool(house.submit, request, "transcribe", wish, sounds=[upload.id])
    finally:
        await run_in_threadpool(house.uploads.remove, upload.id)
    return _written(_result(await over(house, job.id, request)), response_format)


@router.get("/models")
def models(house: TheHouse) -> dict[str, Any]:
    """Every engine, and what hears."""
    names = [*registry.engines(), *ANY_SPEAKER, "whisper-1"]
    rows = [{"id": name, "object": "model", "created": 0, "owned_by": "voicewright"} for name in dict.fromkeys(names)]
    return {"object": "list", "data": rows}


@router.get("/models/{model}")
def show_model(house: TheHouse, model: str) -> dict[str, Any]:
    """One of them."""
    for row in models(house)["data"]:
        if row["id"] == model:
            return dict(row)
    raise UnknownName(f"there is no model {model[:80]!r}")


@router.get("/audio/voices")
def voices(house: TheHouse) -> dict[str, Any]:
    """Every voice that speaks or converts."""
    rows = [
        {"id": each.name, "name": each.name, "object": "audio.voice", "model": each.engine, "language": each.language}
        for each in house.studio.library.list()
        if not each.damaged
    ]
    return {"object": "list", "voices": rows, "data": rows}


def _ours(wish: OpenAiSpeech) -> SpeechWish:
    """The same wish in our words. Raises BadSetting."""
    settings = dict(wish.settings)
    if wish.speed is not None:
        speak = settings.get("speak", {})
        if not isinstance(speak, dict):
            raise BadSetting("settings.speak must be an object")
        settings["speak"] = {**speak, "speed": wish.speed}
    voice = wish.voice.id if isinstance(wish.voice, VoiceId) else wish.voice
    return SpeechWish(text=wish.input, voice=voice, settings=settings)


def _check(house: House, model: str, ours: SpeechWish) -> None:
    check_speech(house, ours)
    made_for = voice_for(house.studio, house.places, ours.model_dump()).engine
    if model not in (*ANY_SPEAKER, *registry.engines()):
        raise UnknownName(f"there is no model {model[:80]!r}; say voicewright, or {made_for}, which made this voice")
    if model not in (*ANY_SPEAKER, made_for):
        raise BadSetting(f"the voice {ours.voice!r} was made for {made_for!r} and does not speak with {model!r}")


def _result(job: Job) -> dict[str, Any]:
    if job.state != "done" or job.result is None:
        raise VoicewrightError(job.message)
    return dict(job.result)


async def _deltas(sound: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Sound as OpenAI's server-sent events."""
    async for data in sound:
        told = {"type": "speech.audio.delta", "audio": base64.b64encode(data).decode()}
        yield f"data: {json.dumps(told)}\n\n"
    usage = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    yield f"data: {json.dumps({'type': 'speech.audio.done', 'usage': usage})}\n\n"


def _written(result: dict[str, Any], response_format: Written) -> Response:
    if response_format == "text":
        return PlainTextResponse(result["text"] + "\n")
    if response_format == "srt" or response_format == "vtt":
        return PlainTextResponse(_subtitles(result["segments"], response_format))
    if response_format == "json":
        return JSONResponse({"text": result["text"]})
    segments = [
        {"id": n, "start": s["start"], "end": s["end"], "text": s["text"]} for n, s in enumerate(result["segments"])
    ]
    words = [word for segment in result["segments"] for word in segment["words"]]
    told = {"task": "transcribe", "language": result["language"], "duration": result["duration"]}
    return JSONResponse({**told, "text": result["text"], "segments": segments, "words": words})


def _subtitles(segments: list[dict[str, Any]], kind: Literal["srt", "vtt"]) -> str:
    return subtitle_text(
        [
            Cue(start_ms=round(each["start"] * 1000), end_ms=round(each["end"] * 1000), text=lines(each["text"]))
            for each in segments
        ],
        kind,
    )
