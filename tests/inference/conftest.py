"""Tiny detectors as files."""

from pathlib import Path

import pytest
from tiny_detector import write_detector


@pytest.fixture
def detector_file(tmp_path) -> Path:
    """A detector without suppression in the graph."""
    return write_detector(tmp_path / 'tiny.onnx')


@pytest.fixture
def nms_detector_file(tmp_path) -> Path:
    """A detector that gives a fixed number of boxes."""
    return write_detector(tmp_path / 'tiny_nms.onnx', nms=True)
