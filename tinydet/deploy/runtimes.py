"""What runs exported networks on this machine, on one thread, to be measured."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import onnxruntime

from tinydet.inference.openvino_model import compile_for_openvino

# What runs a model once on an image.
Run = Callable[[], object]


def onnxruntime_run(model: bytes) -> Run:
    """Load a model into ONNX Runtime."""
    return session_run(session(model))


def session(
    model: bytes,
    without: Sequence[str] = (),
    entries: Mapping[str, str] = MappingProxyType({}),
    **options: object,
) -> onnxruntime.InferenceSession:
    """Load a model for one thread.

    Args:
        model: ONNX.
        without: Names of ONNX Runtime's optimisers of graphs that are left out.
        entries: Its session configuration.
        **options: Other attributes of its ``SessionOptions``.
    """
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    # It warns of what it takes out of a graph.
    settings.log_severity_level = 3
    for name, value in options.items():
        setattr(settings, name, value)
    for name, value in entries.items():
        settings.add_session_config_entry(name, value)
    return onnxruntime.InferenceSession(
        model,
        settings,
        providers=['CPUExecutionProvider'],
        disabled_optimizers=list(without),
    )


def session_run(loaded: onnxruntime.InferenceSession) -> Run:
    """What runs a session once, on one image."""
    (tensor,) = loaded.get_inputs()
    inputs = {tensor.name: _image(tensor.shape, tensor.type == 'tensor(uint8)')}
    return lambda: loaded.run(None, inputs)


def openvino_run(model: bytes, precision: str | None = None) -> Run:
    """Load a model into OpenVINO.

    Args:
        model: ONNX.
        precision: See :func:`tinydet.inference.openvino_model.compile_for_openvino`.

    Raises:
        InputError: OpenVINO is not installed.
    """
    compiled = compile_for_openvino(model, threads=1, precision=precision)
    (tensor,) = compiled.inputs
    shape = [
        size.get_length() if size.is_static else 1 for size in tensor.partial_shape
    ]
    image = _image(shape, tensor.element_type.to_dtype() == np.uint8)
    request = compiled.create_infer_request()
    return lambda: request.infer([image])


RUNTIMES: dict[str, Callable[[bytes], Run]] = {
    'onnxruntime': onnxruntime_run,
    'openvino': openvino_run,
}


def _image(shape: Sequence[int | str], integer: bool) -> np.ndarray:
    """Noise of a shape; where a size is free it is 1."""
    generator = np.random.default_rng(0)
    shape = [size if isinstance(size, int) else 1 for size in shape]
    if integer:
        return generator.integers(256, size=shape, dtype=np.uint8)
    return generator.standard_normal(shape).astype(np.float32)
