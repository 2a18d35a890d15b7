"""Opening networks that come as ONNX files."""

from pathlib import Path
from typing import TYPE_CHECKING

from voicewright.errors import BadWeights

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def open_network(model: Path, what: str, *, threads: int = 1) -> "InferenceSession":
    """The network of an ONNX file, on the CPU, without log lines.

    Args:
        what: what it should be, for the message when it is not.
        threads: how many of them it may use; 0: one for each core.

    Raises:
        BadWeights: the file is missing or no network.
    """
    from onnxruntime import InferenceSession, SessionOptions
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidProtobuf, NoSuchFile

    quiet = SessionOptions()
    quiet.intra_op_num_threads = threads
    quiet.inter_op_num_threads = 1
    quiet.log_severity_level = 4
    try:
        return InferenceSession(str(model), quiet, providers=["CPUExecutionProvider"])
    except (Fail, InvalidArgument, InvalidProtobuf, NoSuchFile) as problem:
        raise BadWeights(f"{model} is not {what} ({problem}); fetch it again") from problem
