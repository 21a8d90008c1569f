"""Exported detectors, run by OpenVINO."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from tinydet.errors import InputError

if TYPE_CHECKING:
    import openvino

# As ONNX Runtime's ``InferenceSession.run``: names of outputs, and inputs by name.
RunGraph = Callable[[Sequence[str], Mapping[str, np.ndarray]], list[np.ndarray]]


def openvino_core() -> 'openvino.Core':
    """OpenVINO, one for the process.

    Raises:
        InputError: It is not installed.
    """
    try:
        import openvino  # noqa: F401
    except ImportError:
        raise InputError(
            'OpenVINO is not installed: pip install openvino, or take ONNX Runtime'
        ) from None
    return _core()


@cache
def _core() -> 'openvino.Core':
    # Each of them sets the stack on which signals are handled, and when it goes it puts
    # back the one before, perhaps of another that has gone: Ctrl-C then crashes.
    import openvino

    return openvino.Core()


def compile_for_openvino(
    model: str | Path | bytes, threads: int | None, precision: str | None = None
) -> 'openvino.CompiledModel':
    """Load an ONNX model into OpenVINO, to answer one request after the other.

    Args:
        model: A file that ONNX Runtime can load, or its content.
        threads: That it may use; None leaves it to OpenVINO.
        precision: ``'f32'`` or ``'bf16'``; None leaves it to OpenVINO, which takes
            bfloat16 on processors with AMX.

    Raises:
        InputError: OpenVINO is not installed.
    """
    settings = {'PERFORMANCE_HINT': 'LATENCY'}
    if threads is not None:
        settings['INFERENCE_NUM_THREADS'] = threads
    if precision is not None:
        settings['INFERENCE_PRECISION_HINT'] = precision
    core = openvino_core()
    return core.compile_model(core.read_model(model), 'CPU', settings)


def openvino_graph(path: str | Path, threads: int | None) -> RunGraph:
    """Load an ONNX file into OpenVINO.

    It computes in the precision that OpenVINO takes by itself: bfloat16 on processors
    with AMX, which is faster and moves boxes by up to a pixel; else float32. Threads
    that call it wait for each other.

    Args:
        path: A file that ONNX Runtime can load.
        threads: That it may use; None leaves it to OpenVINO.

    Raises:
        InputError: OpenVINO is not installed.
    """
    request = compile_for_openvino(path, threads).create_infer_request()
    one_at_a_time = Lock()

    def run(names: Sequence[str], inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        # A request that is given two inputs at once answers both with the later one's.
        with one_at_a_time:
            found = request.infer(dict(inputs))
        return [found[name] for name in names]

    return run
