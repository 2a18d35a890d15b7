"""Recordings in another voice, and what sounds are like."""

from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from voicewright.apps.http.house import TheHouse, Wish
from voicewright.apps.http.routes.jobs import accepted
from voicewright.apps.http.shapes import JobTold
from voicewright.conversion.options import ConversionSettings
from voicewright.engines.registry import convert_options
from voicewright.jobs.places import refuse_places
from voicewright.jobs.speaking import voice_for
from voicewright.settings import from_dict

router = APIRouter(prefix="/api/v1", tags=["conversion"])


class ConversionWish(Wish):
    """Recordings to be converted."""

    uploads: list[str] = Field(min_length=1, max_length=1000)
    voice: str = ""
    engine: str = Field(default="", description="runs/NAME takes the voice of that training run.")
    settings: dict[str, Any] = Field(default_factory=dict, description="See /api/v1/options/conversion.")
    options: dict[str, Any] = Field(default_factory=dict, description="See /api/v1/options/convert.ENGINE.")
    format: Literal["wav", "mp3", "flac", "ogg"] = "wav"


class MeasureWish(Wish):
    """A sound to be measured."""

    upload: str
    like: list[str] = Field(default_factory=list, max_length=100)
    text: str = Field(default="", max_length=100_000)
    language: str = "en-us"


@router.post("/conversions", status_code=202)
def convert(house: TheHouse, request: Request, response: Response, wish: ConversionWish) -> JobTold:
    """Say or sing recordings again in a voice: a job of the kind convert."""
    voice = voice_for(house.studio, house.places, wish.model_dump())
    refuse_places(wish.settings, "settings")
    refuse_places(wish.options, "options")
    from_dict(ConversionSettings, wish.settings, where="settings")
    from_dict(convert_options(voice.engine), wish.options, where="options")
    return accepted(house, house.submit(request, "convert", wish.model_dump(), sounds=wish.uploads), response)


@router.post("/measures", status_code=202)
def measure(house: TheHouse, request: Request, response: Response, wish: MeasureWish) -> JobTold:
    """Measure a sound: a job of the kind measure."""
    sounds = [wish.upload, *wish.like]
    return accepted(house, house.submit(request, "measure", wish.model_dump(), sounds=sounds), response)
