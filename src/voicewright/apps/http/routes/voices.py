"""Voices: made, listed, heard, moved."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import Response as Bytes
from pydantic import Field

from voicewright.apps.http.house import TheHouse, Wish
from voicewright.apps.http.routes.jobs import accepted
from voicewright.apps.http.shapes import JobTold, VoiceTold
from voicewright.apps.http.sound import wav_bytes
from voicewright.engines.options import EnrollOptions
from voicewright.errors import BadSetting, BadUpload, BadVoice, UnknownName
from voicewright.jobs.cloning import voice_told, with_engine
from voicewright.jobs.plain import plain
from voicewright.settings import from_dict
from voicewright.voice.consent import Consent
from voicewright.voice.file import voice_bytes
from voicewright.voice.names import voice_name

router = APIRouter(prefix="/api/v1/voices", tags=["voices"])
UploadIds = list[str]


class ExamineWish(Wish):
    """Recordings to be looked at."""

    uploads: UploadIds = Field(min_length=1, max_length=1000)
    speaker: int | None = Field(default=None, ge=1, description="With several speakers: which one, by number.")
    options: dict[str, Any] = Field(default_factory=dict, description="See /api/v1/options/enroll.")


class CloneWish(ExamineWish):
    """A voice to be made."""

    name: str
    consent: str = Field(default="", max_length=2000, description="Who agreed to this voice being made, in your words.")
    licence: str = Field(default="", max_length=500)
    replace: bool = False
    engine: str = ""


class ImportWish(Wish):
    """A voice to be taken into the library."""

    upload: str
    name: str = ""
    replace: bool = False


class CheckpointWish(Wish):
    """The voices of somebody's checkpoint, to be taken into the library."""

    upload: str = Field(description="The checkpoint of so-vits-svc, G_….pth.")
    config: str = Field(description="The upload of its config.json.")
    name: str = Field(default="", description="What the voice is called; else its speaker's name.")
    speaker: str = Field(default="", max_length=200, description="Only this one of its speakers.")
    home_hz: float = Field(
        default=0.0, ge=0, le=1600, description="The speaker's usual pitch, which no checkpoint tells."
    )
    like: list[str] = Field(
        default_factory=list, max_length=100, description="Recordings of the speaker, to measure the usual pitch."
    )
    consent: str = Field(default="", max_length=2000, description="Who agreed to this voice being used, in your words.")
    replace: bool = False


class BlendWish(Wish):
    """A voice between voices."""

    name: str
    voices: list[str] = Field(min_length=2, max_length=100, description="Voices of one engine, by name.")
    weights: list[float] = Field(
        default_factory=list, max_length=100, description="A share for each voice, together 1; none: equal shares."
    )
    replace: bool = False


class RenameWish(Wish):
    """Another name."""

    name: str


@router.get("")
def list_(house: TheHouse) -> dict[str, Any]:
    """Every voice of the library."""
    return {"voices": [house.outside(plain(voice)) | {"path": None} for voice in house.studio.library.list()]}


@router.post("/examine", status_code=202)
def examine(house: TheHouse, request: Request, response: Response, wish: ExamineWish) -> JobTold:
    """Look at recordings before a voice is made of them: a job of the kind examine; nothing is kept."""
    from_dict(EnrollOptions, wish.options, where="options")
    return accepted(house, house.submit(request, "examine", wish.model_dump(), sounds=wish.uploads), response)


@router.post("", status_code=202)
def clone(house: TheHouse, request: Request, response: Response, wish: CloneWish) -> JobTold:
    """Make a voice from recordings: a job of the kind clone."""
    from_dict(EnrollOptions, wish.options, where="options")
    name = voice_name(wish.name)
    if house.studio.settings.require_consent:
        Consent(wish.consent.strip()).required(by="this server")
    if not wish.replace:
        house.studio.library.require_free(name)
    with_engine(house.studio, wish.engine)
    return accepted(house, house.submit(request, "clone", wish.model_dump(), sounds=wish.uploads), response)


@router.post("/import", status_code=201)
def take_over(house: TheHouse, wish: ImportWish) -> VoiceTold:
    """Take a voice into the library: from an uploaded .voice file, or from a sound file whose card holds its voice."""
    upload = house.uploads.get(wish.upload)
    path = house.uploads.path(upload)
    if upload.kind == "sound":
        if not wish.name:
            raise BadVoice("say what the voice inside this sound is to be called: name")
        return VoiceTold(**voice_told(house.studio.cards.extract_voice(path, wish.name, replace_old=wish.replace)))
    if upload.kind != "voice":
        raise BadUpload(f"{upload.name!r} is neither a .voice file nor a sound with a voice in its card")
    return VoiceTold(**voice_told(house.studio.imports.voice_file(path, wish.name or None, replace=wish.replace)))


@router.post("/checkpoint", status_code=202)
def take_checkpoint(house: TheHouse, request: Request, response: Response, wish: CheckpointWish) -> JobTold:
    """Take over the voices of a checkpoint, which is read as data, nothing in it is run: a job of the kind import."""
    checkpoint, config = house.uploads.get(wish.upload), house.uploads.get(wish.config)
    if checkpoint.kind != "checkpoint" or not checkpoint.file.endswith(".pth"):
        raise BadUpload(f"{checkpoint.name!r} is no checkpoint; send the file that is called G_….pth")
    if config.kind != "text":
        raise BadUpload(f"{config.name!r} is no config.json; send the one that came with the checkpoint")
    if wish.home_hz and wish.like:
        raise BadSetting("home_hz and like both say how high the speaker is; give one of them")
    if wish.name:
        voice_name(wish.name)
    if house.studio.settings.require_consent:
        Consent(wish.consent.strip()).required(by="this server")
    beside = {"checkpoint": wish.upload, "config": wish.config}
    return accepted(
        house, house.submit(request, "import", wish.model_dump(), sounds=wish.like, beside=beside), response
    )


@router.post("/blend", status_code=201)
def blend(house: TheHouse, wish: BlendWish) -> VoiceTold:
    """Make a voice between voices of one engine; it carries the consent of all of them."""
    return VoiceTold(**voice_told(house.studio.blend(wish.name, wish.voices, wish.weights, replace=wish.replace)))


@router.get("/{name}")
def show(house: TheHouse, name: str) -> VoiceTold:
    """What is known of one voice."""
    return VoiceTold(**voice_told(house.studio.library.get(name)))


@router.get("/{name}/preview", response_class=Bytes)
def preview(house: TheHouse, name: str) -> Bytes:
    """How it sounds, as WAV."""
    voice = house.studio.library.get(name)
    if voice.preview is None:
        raise UnknownName(f"the voice {name!r} has no preview")
    return Bytes(wav_bytes(voice.preview), media_type="audio/wav")


@router.get("/{name}/file", response_class=Bytes)
def export(house: TheHouse, name: str) -> Bytes:
    """The voice as a file that another machine can take over."""
    voice = house.studio.library.get(name)
    shown = voice.name.encode("ascii", "replace").decode().replace('"', "_").replace("?", "_")
    headers = {"Content-Disposition": f'attachment; filename="{shown}.voice"'}
    return Bytes(voice_bytes(voice), media_type="application/octet-stream", headers=headers)


@router.patch("/{name}")
def rename(house: TheHouse, name: str, wish: RenameWish) -> VoiceTold:
    """Give a voice another name."""
    house.studio.library.rename(name, wish.name)
    return VoiceTold(**voice_told(house.studio.library.get(wish.name)))


@router.delete("/{name}", status_code=204)
def remove(house: TheHouse, name: str) -> Response:
    """Delete a voice."""
    house.studio.library.remove(name)
    return Response(status_code=204)
