"""Files from clients."""

from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response, UploadFile
from fastapi.responses import FileResponse

from voicewright.apps.http.house import House, TheHouse
from voicewright.apps.http.shapes import Drawing, UploadTold
from voicewright.apps.http.sound import waveform
from voicewright.apps.http.uploads import Upload
from voicewright.audio.files import SoundWriter, read_blocks
from voicewright.errors import BadUpload
from voicewright.settings import to_dict
from voicewright.speech.card import read_card

router = APIRouter(prefix="/api/v1/uploads", tags=["uploads"])
CHUNK_BYTES = 1 << 20
Bins = Annotated[int, Query(ge=1, le=4000)]


async def chunks(file: UploadFile) -> AsyncIterator[bytes]:
    """An uploaded file bit by bit."""
    while data := await file.read(CHUNK_BYTES):
        yield data


def upload_told(upload: Upload) -> UploadTold:
    """An upload as clients see it."""
    return UploadTold(**{name: value for name, value in asdict(upload).items() if name != "file"})


@router.post("", status_code=201)
async def take(house: TheHouse, file: UploadFile) -> UploadTold:
    """Send a sound, a text, a .voice file or a checkpoint; it is kept for a day. What it is decides its content."""
    return upload_told(await house.uploads.take(chunks(file), file.filename or "upload"))


@router.get("/{upload_id}")
def show(house: TheHouse, upload_id: str) -> UploadTold:
    """What is known of an upload."""
    return upload_told(house.uploads.get(upload_id))


@router.get("/{upload_id}/audio", response_class=FileResponse)
def audio(house: TheHouse, upload_id: str) -> FileResponse:
    """An uploaded sound as WAV, whatever it came as."""
    upload = _sound(house, upload_id)
    path = house.uploads.folder(upload) / "play.wav"
    if not path.is_file():
        source = house.uploads.path(upload)
        with SoundWriter(path, upload.rate or 48_000) as writer:
            for clip in read_blocks(source):
                writer.write(clip)
    return FileResponse(path, media_type="audio/wav")


@router.get("/{upload_id}/waveform")
def draw(house: TheHouse, upload_id: str, bins: Bins = 600) -> Drawing:
    """The lowest and the highest sample of equal parts, to draw it."""
    return Drawing(**waveform(house.uploads.path(_sound(house, upload_id)), bins))


@router.get("/{upload_id}/card")
def card(house: TheHouse, upload_id: str) -> dict[str, Any]:
    """What a sound that was made here, or in another home, says of itself: text, voice, settings; null when nothing.

    `has_voice` tells whether the voice itself is in it; /api/v1/voices/import takes it out."""
    found = read_card(house.uploads.path(_sound(house, upload_id)))
    if found is None:
        return {"card": None, "has_voice": False}
    return {"card": to_dict(replace(found, voice_file="")), "has_voice": bool(found.voice_file)}


@router.delete("/{upload_id}", status_code=204)
def remove(house: TheHouse, upload_id: str) -> Response:
    """Delete an upload. Jobs that were given it have their own copy."""
    house.uploads.remove(upload_id)
    return Response(status_code=204)


def _sound(house: House, upload_id: str) -> Upload:
    upload = house.uploads.get(upload_id)
    if upload.kind != "sound":
        raise BadUpload(f"{upload.name!r} is no sound")
    return upload
