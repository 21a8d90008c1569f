"""Detection in a process that has NumPy, ONNX Runtime and one image library only."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_detector import write_detector

from tinydet.inference import Detector

# What ONNX Runtime imports, and no more.
RUNTIME = ('numpy', 'onnxruntime', 'flatbuffers', 'google', 'packaging')
ABSENT = ('torch', 'torchvision', 'mmengine', 'mmcv', 'mmdet', 'mmpretrain', 'tqdm')
SCRIPT = """
import importlib.util, json, sys
packages, models, image, absent = json.loads(sys.argv[1])
sys.path.append(packages)
present = [name for name in absent if importlib.util.find_spec(name)]
assert not present, present
from tinydet.errors import InputError
from tinydet.inference import Detector
found = [Detector(model, score=0)(image) for model in models]
try:
    Detector('some.py', 'best.pth')
except InputError as error:
    message = str(error)
import tinydet.images.reading as reading
rows = [[part.tolist() for part in parts] for parts in found]
print(json.dumps([reading.decode.__module__, rows, message]))
"""


def link(folder: Path, name: str) -> None:
    """Make a package importable from a folder."""
    spec = importlib.util.find_spec(name)
    (source,) = {Path(place) for place in spec.submodule_search_locations}
    (folder / name).symlink_to(source)


@pytest.mark.parametrize(
    ('library', 'other', 'module'),
    [('PIL', 'cv2', 'tinydet.images.pillow'), ('cv2', 'PIL', 'tinydet.images.opencv')],
)
@pytest.mark.parametrize('suffix', ['jpg', 'png'])
def test_detections_are_the_same(tmp_path, library, other, module, suffix):
    packages = tmp_path / 'packages'
    packages.mkdir()
    for name in (*RUNTIME, library, 'tinydet'):
        link(packages, name)
    coarse = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    image = tmp_path / f'a.{suffix}'
    Image.fromarray(coarse).resize((140, 180), Image.BICUBIC).save(image)
    models = [
        str(write_detector(tmp_path / f'{nms}.onnx', nms=nms)) for nms in (False, True)
    ]
    arguments = [str(packages), models, str(image), [*ABSENT, other]]
    # Isolated, and without the packages of this environment.
    command = [sys.executable, '-I', '-S', '-c', SCRIPT, json.dumps(arguments)]
    shown = subprocess.run(command, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    used, found, message = json.loads(shown.stdout)
    assert used == module
    assert message.startswith('a config needs torch, which is not installed')
    for model, (boxes, scores, labels) in zip(models, found, strict=True):
        expected = Detector(model, score=0)(image)
        assert len(boxes) > 3
        assert np.array_equal(expected.boxes, np.array(boxes, np.float32))
        assert np.array_equal(expected.scores, np.array(scores, np.float32))
        assert expected.labels.tolist() == labels
