"""What is to be in order before Gradio is loaded: the models and the address."""

import socket
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tinydet.checks import check_whole
from tinydet.errors import InputError
from tinydet.inference import Detector


def load_detectors(
    paths: Sequence[Path], runtime: str = 'onnxruntime'
) -> dict[str, Detector]:
    """Load exported detectors and run each once, so that no first run is timed.

    Args:
        paths: ONNX files.
        runtime: What runs them; see :class:`tinydet.inference.Detector`.

    Returns:
        They, by the names of their files.

    Raises:
        InputError: If two have one name, or one is no ONNX file of a detector, or the
            runtime is not there.
    """
    detectors: dict[str, Detector] = {}
    for path in paths:
        if path.suffix != '.onnx':
            raise InputError(
                f'{path} is no .onnx file: the page shows exported models, so write '
                'it with tools/export.py'
            )
        if path.stem in detectors:
            raise InputError(
                f'two models are called {path.name}, so the page could not tell them '
                'apart: rename one'
            )
        detector = Detector(path, score=0, runtime=runtime)
        detector(np.zeros((1, 1, 3), np.uint8))
        detectors[path.stem] = detector
    return detectors


def check_address(host: str, port: int) -> None:
    """See that a server can listen at an address.

    Raises:
        InputError: If it cannot, because another does or the address is not ours.
    """
    check_whole('--port', port, 1, 65535)
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        raise InputError(
            f'--host {host} --port {port}: {error}: give a free port, or another host'
        ) from error
