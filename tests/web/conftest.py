"""The page, served from a process without the training stack."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from free_port import free_port
from PIL import Image
from tiny_detector import write_detector

TOOL = Path(__file__).parents[2] / 'tools/app.py'
# Names that would break out of HTML or of Gradio's templates.
CLASSES = ('ant & <b>bee</b>', '${alert(1)}', '{{value}}')
NAME = '<script>alert(1)</script>'
_WITHOUT_STACK = """
import runpy, sys
for name in 'torch', 'torchvision', 'mmengine', 'mmcv', 'mmdet', 'mmpretrain':
    sys.modules[name] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name='__main__')
"""


@dataclass(frozen=True)
class Served:
    """A page of two models, for reading only."""

    url: str
    models: tuple[Path, Path]


@pytest.fixture(scope='session')
def served(tmp_path_factory) -> Iterator[Served]:
    # Not imported: that takes seconds, and only the server needs it.
    if not find_spec('gradio'):
        pytest.skip("needs gradio: pip install -e '.[app]'")
    folder = tmp_path_factory.mktemp('page')
    models = (
        write_detector(folder / 'raw.onnx', classes=CLASSES, name=NAME),
        write_detector(folder / 'nms.onnx', nms=True),
    )
    port = free_port()
    command = [sys.executable, '-c', _WITHOUT_STACK, TOOL, *models, '--port', port]
    process = subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    giving_up = threading.Timer(120, process.kill)
    giving_up.start()
    try:
        url = f'http://127.0.0.1:{port}'
        said = ''
        for line in process.stdout:
            said += line
            if url in line:
                break
        else:
            pytest.fail(f'the page is not served: {said}')
        giving_up.cancel()
        yield Served(url, models)
    finally:
        giving_up.cancel()
        process.kill()
        process.communicate()


@pytest.fixture(scope='session')
def photo(tmp_path_factory) -> Path:
    """An image of smooth noise, wider than high."""
    noise = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    path = tmp_path_factory.mktemp('photo') / 'photo.png'
    Image.fromarray(noise).resize((400, 300)).save(path)
    return path


@pytest.fixture(scope='session')
def broken(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp('broken') / 'broken.jpg'
    path.write_text('no image')
    return path
