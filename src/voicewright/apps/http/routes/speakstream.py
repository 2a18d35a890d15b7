"""Speaking over a WebSocket: text comes bit by bit (from a language model, say), sound goes out as soon as it can.

you → {"voice", "settings"?}; then {"text"}, {"flush": true}, {"end": true}
we  → {"type": "ready"}; {"type": "piece", "text", "start_s", "rate"}, then 16-bit samples; {"type": "done", "seconds"}
"""

import asyncio
import re
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import Field, ValidationError
from starlette.concurrency import run_in_threadpool

from voicewright.apps.http.following import first_sound, sound_of
from voicewright.apps.http.house import House, Wish
from voicewright.apps.http.routes.live import FIRST_WORD_S, NOT_ALLOWED, problem, told
from voicewright.apps.http.routes.speech import SpeechWish, check_speech
from voicewright.errors import BadJob, BadSetting, BadText, VoicewrightError
from voicewright.jobs.soundstream import StreamReader
from voicewright.speech.joins import gap_samples
from voicewright.text.sentences import End

router = APIRouter()
SENTENCE_ENDS = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+|(?<=[。！？])|\n+")
SENTENCE_MARKS = ".!?…。！？\"'”’)"
WORD = re.compile(r"\w")


class StreamWish(Wish):
    """The first message."""

    voice: str = ""
    engine: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    format: str = "pcm"


class Part(Wish):
    """Every other message."""

    text: str = ""
    flush: bool = False
    end: bool = False


def whole_sentences(text: str) -> tuple[str, str]:
    """The text up to the end of its last whole sentence, and the rest."""
    ends = [match.end() for match in SENTENCE_ENDS.finditer(text)]
    return (text[: ends[-1]], text[ends[-1] :]) if ends else ("", text)


def pause_after(text: str) -> float:
    """Seconds of silence between a text that was spoken and the next, as within one text; 0 before there is any."""
    if not text.strip() or text.rstrip()[-1] not in SENTENCE_MARKS:
        return End.SPACE.value if text.strip() else 0.0
    return End.PARAGRAPH.value if text[len(text.rstrip()) :].count("\n") > 1 else End.SENTENCE.value


@router.websocket("/api/v1/speak-stream")
async def speak_stream(socket: WebSocket) -> None:
    """Speak what comes."""
    house: House = socket.app.state.house
    await socket.accept()
    listening: asyncio.Task[None] | None = None
    try:
        wish = StreamWish.model_validate(await asyncio.wait_for(socket.receive_json(), FIRST_WORD_S))
        first = SpeechWish(text="-", voice=wish.voice, engine=wish.engine, settings=wish.settings)
        await run_in_threadpool(check_speech, house, first)
        await socket.send_json({"type": "ready"})
        sentences: asyncio.Queue[str | None] = asyncio.Queue()
        listening = asyncio.create_task(_listen(socket, house, sentences))
        seconds, before = 0.0, ""
        while (text := await sentences.get()) is not None:
            if not house.still_in(socket.state.owner):
                raise BadSetting("the key that this began with was withdrawn")
            seconds += await _speak(socket, house, wish, text, pause_s=pause_after(before), start_s=seconds)
            before = text
        await listening
        await socket.send_json({"type": "done", "seconds": seconds})
        await socket.close()
    except (VoicewrightError, ValidationError, ValueError, KeyError, TimeoutError) as trouble:
        await problem(socket, told(trouble), NOT_ALLOWED)
    except (WebSocketDisconnect, RuntimeError):
        pass  # they hung up; the piece in hand was cancelled with its stream
    finally:
        if listening is not None:
            listening.cancel()


async def _listen(socket: WebSocket, house: House, sentences: "asyncio.Queue[str | None]") -> None:
    """Text until its end, put on in whole sentences; None at the end, and when they hang up."""
    held = ""
    try:
        while True:
            part = Part.model_validate(await socket.receive_json())
            held += part.text
            if len(held) > house.options.text_letters:
                raise BadText("that is too much text without the end of a sentence")
            ready, held = (held, "") if part.flush or part.end else whole_sentences(held)
            if WORD.search(ready):
                await sentences.put(ready)
            if part.end:
                return
    finally:
        await sentences.put(None)


async def _speak(
    socket: WebSocket, house: House, wish: StreamWish, text: str, *, pause_s: float, start_s: float
) -> float:
    """Speak some sentences after a pause; how long both are."""
    ours = SpeechWish(text=text, voice=wish.voice, engine=wish.engine, settings=wish.settings)
    wanted, owner = {**ours.model_dump(), "_files": []}, str(socket.state.owner)
    job = await run_in_threadpool(house.queue.submit, "speak", wanted, owner=owner)
    try:
        job = await first_sound(house, job.id)
        rate = StreamReader(house.queue.folder(job.id)).rate
        if rate is None:
            raise BadJob(job.message)
        if samples := gap_samples(pause_s, rate):
            await socket.send_bytes(bytes(2 * samples))
        await socket.send_json({"type": "piece", "text": text, "start_s": start_s + samples / rate, "rate": rate})
        async for part in sound_of(house, job.id):
            samples += len(part)
            await socket.send_bytes(part.tobytes())
        return samples / rate
    finally:
        house.queue.cancel(job.id)
