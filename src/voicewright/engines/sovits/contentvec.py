"""ContentVec (Qian et al. 2022): HuBERT's layers, taught to hear past the speaker. On the package transformers.

b batch · t frames (50 a second) · d width
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.errors import BadWeights, MissingExtra, MissingWeights, UnsafeFile
from voicewright.nn.frozen import fill_frozen
from voicewright.weights.safe import read_foreign
from voicewright.weights.store import Store
from voicewright.weights.tensors import read_tensors

if TYPE_CHECKING:
    from transformers import HubertConfig

RATE = 16_000
SET = "contentvec"
LAYERS = {"vec768l12": (12, False), "vec256l9": (9, True)}
"""Which layer, and whether its projection follows. The projection after layer 9 is a misuse, says ContentVec's author,
but every 4.0 checkpoint was trained on it."""
STRIDES = (5, 2, 2, 2, 2, 2, 2)
HEAD_WIDTH = 64
CORE, CONTEXT = 1000, 150
"""Frames of a window that count, and those heard on each side of them: 20 s and 3 s. Attention grows with the square
of its length; up to 26 s are heard at once."""
FILES = ("model.safetensors", "pytorch_model.bin")
IGNORED = re.compile(r"masked_spec_embed|label_embs_concat")
"""What only pretraining needs: the vector that stands for a hidden frame, and the targets' embeddings."""
FAIRSEQ = (
    (r"feature_extractor\.conv_layers\.(\d+)\.0\.", r"feature_extractor.conv_layers.\1.conv."),
    (r"feature_extractor\.conv_layers\.(\d+)\.2\.", r"feature_extractor.conv_layers.\1.layer_norm."),
    (r"post_extract_proj\.", "feature_projection.projection."),
    (r"layer_norm\.", "feature_projection.layer_norm."),
    (r"encoder\.pos_conv\.0\.", "encoder.pos_conv_embed.conv."),
    (r"(encoder\.layers\.\d+\.)self_attn\.", r"\1attention."),
    (r"(encoder\.layers\.\d+\.)self_attn_layer_norm\.", r"\1layer_norm."),
    (r"(encoder\.layers\.\d+\.)fc1\.", r"\1feed_forward.intermediate_dense."),
    (r"(encoder\.layers\.\d+\.)fc2\.", r"\1feed_forward.output_dense."),
    (r"mask_emb", "masked_spec_embed"),
)
"""The first names of HuBERT's tensors (fairseq), and those that transformers gave them."""
OLD_NORM = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}


class ContentVec:
    """One layer of a ContentVec or HuBERT network as a content encoder. See `content.ContentEncoder`.

    Args:
        network: its layers up to the one that is wanted.
        projection: what follows that layer, if anything does.
    """

    def __init__(self, name: str, network: nn.Module, projection: nn.Linear | None, *, device: str = "cpu") -> None:
        self.name = name
        config: Any = network.config
        self.dimension: int = projection.out_features if projection else config.hidden_size
        self._hop = int(np.prod(config.conv_stride))
        self._field = _receptive_field(config.conv_kernel, config.conv_stride)
        self.frames_per_second = RATE / self._hop
        self._network, self._projection, self._device = network.to(device), projection, device
        if projection:
            projection.to(device)

    def encode(self, clip: Clip) -> NDArray[np.float32]:
        """A clip of any rate → (t, d) as the checkpoints were trained: no padding, no change of level, so that a
        clip has (samples at 16 kHz - 400) // 320 + 1 frames; one that is shorter than a frame is filled up to one."""
        samples = resample(clip, RATE).samples
        if not len(samples):
            return np.zeros((0, self.dimension), np.float32)
        wave = torch.from_numpy(np.pad(samples, (0, max(0, self._field - len(samples)))))
        count = (len(wave) - self._field) // self._hop + 1
        parts = []
        for start, end, first, last in windows(count):
            until = len(wave) if last == count else (last - 1) * self._hop + self._field
            parts.append(self._hear(wave[first * self._hop : until])[start - first : end - first])
        return np.concatenate(parts)

    @torch.inference_mode()
    def _hear(self, wave: Tensor) -> NDArray[np.float32]:
        hidden: Tensor = self._network(wave[None].to(self._device)).last_hidden_state
        if self._projection is not None:
            hidden = self._projection(hidden)
        heard: NDArray[np.float32] = hidden[0].float().cpu().numpy()
        return heard


def windows(count: int) -> Iterator[tuple[int, int, int, int]]:
    """Frames 0 to `count` in windows: (start, end) of what counts, (first, last) of what is heard with it."""
    if count <= CORE + 2 * CONTEXT:
        yield 0, count, 0, count
        return
    for start in range(0, count, CORE):
        end = min(start + CORE, count)
        yield start, end, max(0, start - CONTEXT), min(count, end + CONTEXT)


def make(name: str, store: Store, files: Path | None, *, device: str) -> ContentVec:
    """ContentVec from the store, or from a file or folder of the user's. Raises as `load_contentvec`."""
    return load_contentvec(files or store.file(SET), name, device=device)


def load_contentvec(path: Path, name: str = "vec768l12", *, device: str = "cpu") -> ContentVec:
    """A ContentVec or HuBERT network up to the layer that `name` stands for.

    Args:
        path: a folder as transformers writes it, or one file: safetensors, `pytorch_model.bin`, or fairseq's `.pt` as
            far as it holds plain data. `config.json` beside it is read for the number of heads; the rest of the
            network's shape is read off its tensors.

    Raises:
        MissingExtra: transformers is not installed.
        MissingWeights: there is no such file. BadWeights: it is another network, or lacks the layer or the projection.
    """
    layer, projected = LAYERS[name]
    file = _file_in(path)
    tensors = _without_layers_above(_read(file), layer, file)
    beside = file.with_name("config.json")
    config = _config(tensors, _notes(beside) if beside.is_file() else {}, file)
    try:
        from transformers import HubertModel
    except ModuleNotFoundError as problem:
        raise MissingExtra("transformers", needed_for="the content encoder ContentVec", extra="contentvec") from problem
    projection = {key.removeprefix("final_proj."): t for key, t in tensors.items() if key.startswith("final_proj.")}
    body = {key: tensor for key, tensor in tensors.items() if not key.startswith("final_proj.")}
    network = fill_frozen(HubertModel(config), body, str(file))
    nn.utils.parametrize.remove_parametrizations(network.encoder.pos_conv_embed.conv, "weight")
    if not projected:
        return ContentVec(name, network, None, device=device)
    if not projection:
        raise BadWeights(
            f"{file} has no final_proj, which {name} needs: it is plain HuBERT; take ContentVec's own weights"
        )
    linear = nn.Linear(config.hidden_size, len(projection["weight"]))
    return ContentVec(name, network, fill_frozen(linear, projection, str(file)), device=device)


def convert(source: Path, out: Path) -> None:
    """The published `pytorch_model.bin` as safetensors, with the names of today's transformers. Raises BadWeights."""
    from safetensors.torch import save_file

    save_file({key: tensor.float().contiguous() for key, tensor in _read(source).items()}, out)


def _file_in(path: Path) -> Path:
    if path.is_dir():
        found = [path / name for name in FILES if (path / name).is_file()]
        if not found:
            raise MissingWeights(f"{path}: there is no {' or '.join(FILES)} in this folder")
        return found[0]
    if not path.is_file():
        raise MissingWeights(f"{path}: there is no such file")
    return path


def _read(file: Path) -> dict[str, Tensor]:
    """Its tensors by today's names, those left out that only pretraining needs."""
    found: Mapping[str, Any]
    if file.suffix == ".safetensors":
        found = {key: torch.from_numpy(array) for key, array in read_tensors(file).items()}
    else:
        try:
            found = read_foreign(file)
        except UnsafeFile as problem:
            raise BadWeights(
                f"{file}: it holds more than tensors, as fairseq's checkpoints do, and such files are not opened "
                f"({problem}); take the same network as transformers has it: voicewright weights pull {SET}"
            ) from problem
    inner = found.get("model", found)
    tensors = inner if isinstance(inner, Mapping) else found
    named = {_today(key): tensor for key, tensor in tensors.items() if isinstance(tensor, Tensor)}
    if "feature_projection.projection.weight" not in named:
        raise BadWeights(f"{file}: this is not a HuBERT network (it has no feature projection)")
    return {key: tensor for key, tensor in named.items() if not IGNORED.fullmatch(key)}


def _today(key: str) -> str:
    for old, new in FAIRSEQ:
        key = re.sub(f"^{old}", new, key)
    head, _, tail = key.rpartition(".")
    return f"{head}.{OLD_NORM[tail]}" if tail in OLD_NORM else key


def _without_layers_above(tensors: dict[str, Tensor], layer: int, file: Path) -> dict[str, Tensor]:
    indices = {key: int(key.split(".")[2]) for key in tensors if key.startswith("encoder.layers.")}
    if max(indices.values(), default=-1) + 1 < layer:
        raise BadWeights(f"{file}: it has {max(indices.values(), default=-1) + 1} layers, and layer {layer} is wanted")
    return {key: tensor for key, tensor in tensors.items() if indices.get(key, -1) < layer}


def _notes(path: Path) -> dict[str, Any]:
    try:
        notes = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError) as problem:
        raise BadWeights(f"{path}: cannot be read ({problem})") from problem
    if not isinstance(notes, dict) or notes.get("do_stable_layer_norm"):
        raise BadWeights(f"{path}: this is not a HuBERT of the base kind, which ContentVec is")
    return notes


def _config(tensors: Mapping[str, Tensor], notes: Mapping[str, Any], file: Path) -> "HubertConfig":
    """The network's shape. Raises BadWeights: the tensors are not of one network."""
    try:
        from transformers import HubertConfig
    except ModuleNotFoundError as problem:
        raise MissingExtra("transformers", needed_for="the content encoder ContentVec", extra="contentvec") from problem
    front = "feature_extractor.conv_layers"
    convolutions = [tensors[f"{front}.{i}.conv.weight"] for i in range(64) if f"{front}.{i}.conv.weight" in tensors]
    positions = tensors.get("encoder.pos_conv_embed.conv.parametrizations.weight.original1")
    strides = notes.get("conv_stride", STRIDES)
    if positions is None or not convolutions or len(convolutions) != len(strides):
        raise BadWeights(f"{file}: this is not a HuBERT of the base kind, which ContentVec is")
    hidden = len(tensors["feature_projection.projection.weight"])
    return HubertConfig(
        hidden_size=hidden,
        num_hidden_layers=len({key.split(".")[2] for key in tensors if key.startswith("encoder.layers.")}),
        num_attention_heads=notes.get("num_attention_heads", max(1, hidden // HEAD_WIDTH)),
        intermediate_size=len(tensors["encoder.layers.0.feed_forward.intermediate_dense.weight"]),
        conv_dim=tuple(len(weight) for weight in convolutions),
        conv_kernel=tuple(weight.shape[2] for weight in convolutions),
        conv_stride=tuple(strides),
        conv_bias=f"{front}.0.conv.bias" in tensors,
        feat_extract_norm="layer" if f"{front}.1.layer_norm.weight" in tensors else "group",
        num_conv_pos_embeddings=positions.shape[2],
        num_conv_pos_embedding_groups=hidden // positions.shape[1],
        mask_time_prob=0.0,
        mask_feature_prob=0.0,
    )


def _receptive_field(kernels: tuple[int, ...], strides: tuple[int, ...]) -> int:
    """Samples that one frame depends on."""
    field = 1
    for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
        field = (field - 1) * stride + kernel
    return field
