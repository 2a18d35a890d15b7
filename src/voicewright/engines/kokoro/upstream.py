"""Kokoro-82M as others publish it, turned into our safetensors: the int8 ONNX export and the official `.pth`.

Each reader accounts for every tensor: used, or listed in a table with the reason why not.
"""

import re
from collections.abc import Mapping
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from voicewright.errors import BadWeights

if TYPE_CHECKING:
    import onnx

Tensors = dict[str, NDArray[np.float32]]

NODE_FOLDERS = (
    (re.compile(r"^/decoder/decoder/"), "decoder."),
    (re.compile(r"^/encoder/(F0\.\d|N\.\d|F0_proj|N_proj|shared)(?=/|$)"), r"predictor.\1"),
    (re.compile(r"^/encoder/"), ""),
)
PARAMETER_FOLDERS = ((re.compile(r"^decoder\.decoder\."), "decoder."), (re.compile(r"^encoder\."), ""))
LATER_REPEAT = re.compile(r"/albert_layers\.0/.*_\d+/MatMul_quant$")
UNUSED_IN_ONNX = re.compile(r"\.stft\.istft\.")  # the inverse STFT's fixed basis and window: torch.istft has its own
UNUSED_IN_PTH = re.compile(
    r"^bert\.pooler\."  # ALBERT's sentence vector
    r"|^bert\.embeddings\.position_ids$"  # 0, 1, 2, …
)


def convert_onnx(source: Path, out: Path) -> None:
    """The int8 ONNX export (kokoro-onnx, MIT; weights Apache-2.0) → float32 safetensors: (q - zero point) · scale."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(source)).graph
    arrays = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    reader = _OnnxReader(graph.node, arrays)
    _write(reader.read(), source, out)


def convert_pth(source: Path, out: Path) -> None:
    """The official checkpoint (a dict of five state dicts) → float32 safetensors, weight norm folded.

    Raises: UnsafeFile, BadWeights.
    """
    from torch import Tensor

    from voicewright.weights.safe import read_foreign

    tensors: Tensors = {}
    for module, state in read_foreign(source).items():
        if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
            raise BadWeights(f"{source}: expected a state dict under {module!r}; is this Kokoro's own checkpoint?")
        for name, value in state.items():
            tensors[f"{module}.{name.removeprefix('module.')}"] = value.float().numpy()
    _write(_fold_weight_norm(tensors), source, out)


def _fold_weight_norm(tensors: Tensors) -> Tensors:
    """w = g · v / |v|, the norm over all but the first axis (Salimans & Kingma 2016)."""
    folded: Tensors = {}
    for name, value in tensors.items():
        if name.endswith(".weight_g") or UNUSED_IN_PTH.search(name):
            continue
        if name.endswith(".weight_v"):
            stem = name.removesuffix("_v")
            if f"{stem}_g" not in tensors:
                raise BadWeights(f"{stem}_g is missing, the gain of {name}; fetch the checkpoint again")
            norm = np.sqrt(np.square(value, dtype=np.float64).sum(tuple(range(1, value.ndim)), keepdims=True))
            folded[stem] = (tensors[f"{stem}_g"] * value / norm).astype(np.float32)
        elif re.search(r"(norm\d|adain\d\.\d)\.norm\.(weight|bias)$", name):
            if not np.array_equal(value, np.full_like(value, name.endswith("weight"))):
                raise BadWeights(f"{name}: the instance norm's own gain is expected to be the identity")
        else:
            folded[name] = value
    return folded


class _OnnxReader:
    """Collects the float tensors of a dynamically quantised graph by the module path in each node's name."""

    def __init__(self, nodes: Any, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.nodes: list[onnx.NodeProto] = list(nodes)
        self.arrays = arrays
        self.tensors: Tensors = {}

    def read(self) -> Tensors:
        for node in self.nodes:
            if node.op_type in ("ConvInteger", "MatMulInteger"):
                self._quantised(node)
            elif node.op_type == "DynamicQuantizeLSTM":
                self._lstm(node)
            elif node.op_type in ("Conv", "ConvTranspose"):
                self._float_convolution(node)
        for name, array in self.arrays.items():
            if re.match(r"(encoder|decoder)\.", name) and array.dtype == np.float32:
                self._named(name, array)
        self._linear_source()
        return self.tensors

    def _quantised(self, node: "onnx.NodeProto") -> None:
        if LATER_REPEAT.search(node.name) or node.input[1] not in self.arrays:
            return  # the second to twelfth use of ALBERT's shared layer, and products of two activations
        weight = self._dequantised(node.input[1], self.arrays[node.input[3]])
        transposed = node.op_type == "MatMulInteger"
        self.tensors[f"{_module_of(node.name)}.weight"] = weight.T.copy() if transposed else weight

    def _dequantised(self, name: str, zero_point: NDArray[Any]) -> NDArray[np.float32]:
        scale = self.arrays[name.removesuffix("_quantized") + "_scale"]
        steps: NDArray[np.float32] = self.arrays[name].astype(np.float32) - zero_point.astype(np.float32)
        return steps * np.float32(scale)

    def _lstm(self, node: "onnx.NodeProto") -> None:
        module = _module_of(node.name)
        bias = self.arrays[node.input[3]]
        weights = {}
        for kind, name, zero in (("ih", node.input[1], node.input[9]), ("hh", node.input[2], node.input[11])):
            scale = self.arrays[node.input[8] if kind == "ih" else node.input[10]]
            quantised, zero_point = self.arrays[name].astype(np.float32), self.arrays[zero].astype(np.float32)
            weights[kind] = (quantised - zero_point.reshape(-1, 1, 1)) * scale.reshape(-1, 1, 1)
        for direction, suffix in enumerate(("", "_reverse")):
            halves = np.split(bias[direction], 2)
            for half, (kind, weight) in zip(halves, weights.items(), strict=True):
                self.tensors[f"{module}.weight_{kind}_l0{suffix}"] = _torch_gates(weight[direction].T)
                self.tensors[f"{module}.bias_{kind}_l0{suffix}"] = _torch_gates(half)

    def _float_convolution(self, node: "onnx.NodeProto") -> None:
        if not UNUSED_IN_ONNX.search(node.input[1]):
            self.tensors[f"{_module_of(node.name)}.weight"] = self.arrays[node.input[1]].astype(np.float32)

    def _named(self, name: str, array: NDArray[Any]) -> None:
        if UNUSED_IN_ONNX.search(name) or name.endswith(("_scale", "_zero_point")):
            return
        for pattern, replacement in PARAMETER_FOLDERS:
            name, found = pattern.subn(replacement, name)
            if found:
                break
        self.tensors[name] = array

    def _linear_source(self) -> None:
        for embedding in ("bert.embeddings.word", "bert.embeddings.position", "bert.embeddings.token_type"):
            name = f"encoder.{embedding}_embeddings.weight_quantized"
            zero = self.arrays["encoder.bert.embeddings.word_embeddings.weight_zero_point"]
            self.tensors[f"{embedding}_embeddings.weight"] = self._dequantised(name, zero)
        name = "encoder.text_encoder.embedding.weight_quantized"
        self.tensors["text_encoder.embedding.weight"] = self._dequantised(name, zero)
        for node in self.nodes:
            if node.name.endswith("/m_source/l_linear/MatMul"):
                self.tensors["decoder.generator.m_source.l_linear.weight"] = self.arrays[node.input[1]].T.copy()


def _torch_gates(rows: NDArray[Any]) -> NDArray[np.float32]:
    """ONNX stacks an LSTM's gates as input, output, forget, cell; PyTorch as input, forget, cell, output."""
    gate_in, gate_out, forget, cell = np.split(np.asarray(rows, np.float32), 4)
    return np.concatenate([gate_in, forget, cell, gate_out])


def _module_of(node_name: str) -> str:
    """`/encoder/F0.1/conv1/Conv_quant` → `predictor.F0.1.conv1`"""
    path = node_name.rsplit("/", 1)[0]
    for pattern, replacement in NODE_FOLDERS:
        path, found = pattern.subn(replacement, path)
        if found:
            break
    parts = path.replace("decoder.", "decoder/", 1).replace("predictor.", "predictor/", 1).split("/")
    # A layer inside a Sequential repeats its owner's name: cnn.0/cnn.0.0.
    kept = [part for part, after in zip(parts, [*parts[1:], ""], strict=True) if not after.startswith(f"{part}.")]
    return ".".join(kept)


def _write(tensors: Tensors, source: Path, out: Path) -> None:
    from safetensors.numpy import save_file

    with source.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    contiguous = {name: np.ascontiguousarray(value, np.float32) for name, value in sorted(tensors.items())}
    save_file(contiguous, out, {"format": "1", "source_sha256": digest, "licence": "Apache-2.0"})
