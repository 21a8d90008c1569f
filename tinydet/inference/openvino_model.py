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
    settings = {'PERFORMANCE_HINT': 'LATENCY'}
    if threads is not None:
        settings['INFERENCE_NUM_THREADS'] = threads
    core = openvino_core()
    compiled = core.compile_model(core.read_model(path), 'CPU', settings)
    request = compiled.create_infer_request()
    one_at_a_time = Lock()

    def run(names: Sequence[str], inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        # A request that is given two inputs at once answers both with the later one's.
        with one_at_a_time:
            found = request.infer(dict(inputs))
        return [found[name] for name in names]

    return run
