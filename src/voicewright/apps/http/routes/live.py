"""Live conversion over a WebSocket: samples in, samples out, as late as a sound card would have them.

you → {"voice", "rate", "output_rate"?, "format": "f32"|"i16", "realtime"?, "options"?}; then samples
we  → {"type": "ready", …}; then as many samples for every message; {"type": "status", …} now and then
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import Field, ValidationError
from starlette.concurrency import run_in_threadpool

from voicewright.apps.http.house import House, Wish
from voicewright.audio.clip import Samples
from voicewright.errors import BadSetting, VoicewrightError
from voicewright.jobs.places import refuse_places
from voicewright.jobs.plain import plain
from voicewright.jobs.speaking import voice_for
from voicewright.live.card import Capture, Playback
from voicewright.live.options import LiveOptions
from voicewright.live.session import LiveSession
from voicewright.settings import from_dict

router = APIRouter()
FIRST_WORD_S = 10.0
STATUS_EVERY_S = 1.0
MOST_S = 4.0
"""A message holds no more sound than this."""
NOT_ALLOWED, BROKEN, BUSY = 1008, 1011, 1013


class LiveWish(Wish):
    """The first message."""

    voice: str = ""
    engine: str = ""
    rate: int = Field(default=48_000, ge=8_000, le=192_000)
    output_rate: int | None = Field(default=None, ge=8_000, le=192_000)
    format: Literal["f32", "i16"] = "f32"
    realtime: bool = True
    period_ms: float = Field(default=20, ge=1, le=1000, description="The longest time between two messages.")
    options: dict[str, Any] = Field(default_factory=dict)


class SocketCard:
    """A sound card whose microphone and loudspeaker are messages."""

    name = "a client"
    latency_s = 0.0

    def __init__(self, wish: LiveWish) -> None:
        self.input_rate, self.output_rate = wish.rate, wish.output_rate or wish.rate
        self.period_s = wish.period_ms / 1000
        self.waits, self.finished = not wish.realtime, False
        self._heard = self._played = 0

    def start(self, capture: Capture, playback: Playback) -> None:
        """Both are called when a message comes."""
        self._capture, self._playback = capture, playback

    def stop(self) -> None:
        """Nothing more comes."""
        self.finished = True

    def exchange(self, samples: Samples) -> Samples:
        """What is to be played while these samples were heard: as long in seconds."""
        self._capture(samples)
        self._heard += len(samples)
        due = self._heard * self.output_rate // self.input_rate - self._played
        self._played += due
        return self._playback(due)


@router.websocket("/api/v1/live")
async def live(socket: WebSocket) -> None:
    """Convert while somebody speaks."""
    house: House = socket.app.state.house
    await socket.accept()
    if house.live_sessions >= house.options.live:
        await problem(socket, "all places for live conversion are taken; try again later", BUSY)
        return
    house.live_sessions += 1
    session: LiveSession | None = None
    try:
        wish = LiveWish.model_validate(await asyncio.wait_for(socket.receive_json(), FIRST_WORD_S))
        card = SocketCard(wish)
        session = await run_in_threadpool(_begin, house, wish, card)
        await _converse(socket, house, session, card, wish)
    except (VoicewrightError, ValidationError, ValueError, KeyError, TimeoutError) as trouble:
        await problem(socket, told(trouble), NOT_ALLOWED)
    except WebSocketDisconnect:
        pass
    finally:
        house.live_sessions -= 1
        if session is not None:
            await run_in_threadpool(session.__exit__, None, None, None)


def _begin(house: House, wish: LiveWish, card: SocketCard) -> LiveSession:
    """A session that hears. Raises what `Studio.live` raises."""
    refuse_places(wish.options, "options")
    voice = voice_for(house.studio, house.places, wish.model_dump())
    options = from_dict(LiveOptions, wish.options, where="options")
    session = house.studio.live(card, voice=voice, options=options)
    return session.__enter__()


async def _converse(socket: WebSocket, house: House, session: LiveSession, card: SocketCard, wish: LiveWish) -> None:
    """Message by message until the client has had enough."""
    status = session.status()
    await socket.send_json(
        {
            "type": "ready",
            "rate": card.input_rate,
            "output_rate": card.output_rate,
            "block_ms": status.block_ms,
            "block_samples": round(status.block_ms * card.input_rate / 1000),
            "delay_ms": status.delay_ms,
            "algorithmic_ms": status.algorithmic_ms,
        }
    )
    told_s = time.monotonic()
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if (data := message.get("bytes")) is not None:
            await _exchange(socket, card, wish, samples_of(data, wish.format, card.input_rate))
        elif await _obey(socket, session, card, wish, message.get("text") or ""):
            return
        if time.monotonic() - told_s > STATUS_EVERY_S:
            told_s = time.monotonic()
            if not house.still_in(socket.state.owner):
                raise BadSetting("the key that this conversion began with was withdrawn")
            await socket.send_json(status_told(session))


async def _exchange(socket: WebSocket, card: SocketCard, wish: LiveWish, samples: Samples) -> None:
    made = await run_in_threadpool(card.exchange, samples) if card.waits else card.exchange(samples)
    await socket.send_bytes(bytes_of(made, wish.format))


async def _obey(socket: WebSocket, session: LiveSession, card: SocketCard, wish: LiveWish, text: str) -> bool:
    """Do what a message asks for; whether it was the last one."""
    import json

    try:
        asked = json.loads(text)
        if not isinstance(asked, Mapping):
            raise BadSetting("a message is an object with a type")
        if asked.get("type") == "end":
            left = round((session.status().delay_ms / 1000 + card.period_s) * card.input_rate)
            await _exchange(socket, card, wish, np.zeros(left, np.float32))
            await socket.send_json(status_told(session))
            await socket.close()
            return True
        if asked.get("type") != "change":
            raise BadSetting('a message has the type "change" or "end"')
        session.change(**{str(name): value for name, value in asked.items() if name != "type"})
    except (VoicewrightError, ValueError, TypeError) as trouble:
        await socket.send_json({"type": "problem", "detail": told(trouble)})
        return False
    await socket.send_json({"type": "changed"})
    return False


def status_told(session: LiveSession) -> dict[str, Any]:
    """How it goes, in one flat object."""
    status = session.status()
    keys = ("seconds", "block_ms", "delay_ms", "algorithmic_ms", "load", "late_blocks")
    return {
        "type": "status",
        **{name: plain(getattr(status, name)) for name in keys},
        **plain(status.heard),
        **plain(status.counts),
    }


def samples_of(data: bytes, form: str, rate: int) -> Samples:
    """(t,) the samples of a message. Raises BadSetting: no whole samples, too many, or not finite."""
    kind = np.dtype("<f4" if form == "f32" else "<i2")
    if len(data) % kind.itemsize or len(data) > MOST_S * rate * kind.itemsize:
        raise BadSetting(f"a message holds whole samples ({form}), {MOST_S:g} s at most")
    samples = np.frombuffer(data, kind)
    made: Samples = samples.astype(np.float32)
    if form == "i16":
        made /= np.float32(32768)
    if not np.isfinite(made).all():
        raise BadSetting("a sample is not a number")
    limited: Samples = np.clip(made, -1, 1)
    return limited


def bytes_of(samples: Samples, form: str) -> bytes:
    """The message for samples."""
    if form == "f32":
        return samples.astype("<f4").tobytes()
    return np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


def told(trouble: Exception) -> str:
    """A problem in a sentence."""
    if isinstance(trouble, TimeoutError):
        return "nothing was said in time"
    if isinstance(trouble, ValidationError):
        first = trouble.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(trouble)


async def problem(socket: WebSocket, detail: str, code: int) -> None:
    """Say why it ends, and end it."""
    try:
        await socket.send_json({"type": "problem", "detail": detail})
        await socket.close(code)
    except (RuntimeError, WebSocketDisconnect):
        return  # nobody is there any more
