import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from bad_files import truncate
from clips import FPS, cut_off, plug_in, read_clip, write_clip
from full_disk import full_disk
from PIL import Image
from pycocotools.coco import COCO
from tiny_detector import CLASSES, write_detector
from tiny_runs import REPO, call

from tinydet.inference import Detector
from tinydet.viz.boxes import class_colour

SCORE = 0.4


@pytest.fixture(scope='module')
def model(tmp_path_factory) -> Path:
    """A detector that takes any batch."""
    folder = tmp_path_factory.mktemp('model')
    return write_detector(folder / 'tiny.onnx', dynamic=True)


@pytest.fixture
def images(tmp_path) -> Path:
    """A folder of images of many sizes, in two folders, with some equal stems."""
    rng = np.random.default_rng(0)
    sizes = {
        'a.png': (64, 48),
        'a.bmp': (7, 5),
        'sub/a.png': (90, 200),
        'z.png': (32, 32),
    }
    for name, size in sizes.items():
        path = tmp_path / 'images' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(rng.integers(0, 255, (4, 4, 3), np.uint8))
        coarse.resize(size).save(path)
    return tmp_path / 'images'


def predict(model, *words, out, **options) -> int:
    flags = [item for name, value in options.items() for item in (f'--{name}', value)]
    return call('predict.py', model, *words, '--out', out, *flags)


def boxes_by_name(out: Path) -> dict[str, list]:
    """Rows of (x, y, width, height, score, label) of each image."""
    coco = COCO(str(out / 'predictions.json'))
    coco.loadRes(list(coco.anns.values()))
    return {
        image['file_name']: [
            (*entry['bbox'], entry['score'], entry['category_id'] - 1)
            for entry in coco.imgToAnns[image['id']]
        ]
        for image in coco.imgs.values()
    }


def expected(detector: Detector, image) -> np.ndarray:
    boxes, scores, labels = detector(image)
    sides = boxes[:, 2:] - boxes[:, :2]
    return np.column_stack([boxes[:, :2], sides, scores, labels])


def files(folder: Path) -> list[str]:
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob('*') if path.is_file()
    )


@pytest.mark.parametrize('batch', [1, 3])
def test_folder_becomes_pictures_and_boxes(model, images, tmp_path, batch, capfd):
    out = tmp_path / 'out'
    figures = tmp_path / 'deep/figures.json'
    code = predict(model, images, out=out, batch=batch, score=SCORE, json=figures)
    assert code == 0
    names = ['a.bmp', 'a.png', 'sub/a.png', 'z.png']
    assert files(out) == sorted([*names, 'predictions.json'])
    found = boxes_by_name(out)
    assert list(found) == ['a.bmp', 'a.png', 'z.png', 'sub/a.png']
    detector = Detector(model, score=SCORE)
    counts = np.zeros(len(CLASSES), int)
    for name in names:
        rows = expected(detector, images / name)
        assert np.allclose(np.array(found[name]).reshape(-1, 6), rows, atol=1e-3)
        counts += np.bincount(rows[:, 5].astype(int), minlength=len(CLASSES))
        with Image.open(images / name) as before, Image.open(out / name) as after:
            assert before.size == after.size
            differ = np.asarray(before) != np.asarray(after)
        assert differ.any() == (len(rows) > 0)
    assert counts.sum() > 8
    stdout, stderr = capfd.readouterr()
    for name, count in zip(CLASSES, counts, strict=True):
        assert any(
            line.split()[:2] == [name, str(count)] for line in stdout.splitlines()
        )
    assert 'images: 4/4' in stderr
    written = json.loads(figures.read_text())
    assert [row['objects'] for row in written['classes']] == counts.tolist()
    assert written['images'] == 4 and written['failed'] == []
    assert 0 < written['images_per_second'] <= written['model_images_per_second']


def test_openvino_in_place_of_onnx_runtime(model, images, tmp_path):
    pytest.importorskip('openvino')
    image = images / 'sub/a.png'
    out = tmp_path / 'out'
    assert predict(model, image, out=out, score=SCORE, runtime='openvino') == 0
    (rows,) = boxes_by_name(out).values()
    detector = Detector(model, score=SCORE, runtime='openvino')
    assert len(rows) and np.allclose(rows, expected(detector, image), atol=1e-3)


def test_openvino_that_is_not_there(model, images, tmp_path, monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, 'openvino', None)
    assert predict(model, images, out=tmp_path / 'out', runtime='openvino') == 2
    *_, line = capfd.readouterr().err.splitlines()
    assert line.startswith('error: OpenVINO is not installed')


def test_boxes_have_the_colour_of_their_class(model, images, tmp_path):
    predict(model, images / 'sub/a.png', out=tmp_path / 'out', score=SCORE)
    ((_, rows),) = boxes_by_name(tmp_path / 'out').items()
    pixels = np.asarray(Image.open(tmp_path / 'out/a.png'))
    x, y, width, height, _, label = rows[0]
    column, row = round(x + width) - 1, round(y + height) - 1
    assert tuple(pixels[row, column]) == class_colour(label)


def test_video_becomes_a_video_and_boxes_of_each_frame(model, tmp_path):
    clip = write_clip(tmp_path / 'clip.avi', 11)
    assert predict(model, clip, out=tmp_path / 'out', batch=4, score=0.3) == 0
    assert files(tmp_path / 'out') == ['clip.avi.mp4', 'predictions.json']
    frames, fps = read_clip(clip)
    assert fps == read_clip(tmp_path / 'out/clip.avi.mp4')[1] == FPS
    assert read_clip(tmp_path / 'out/clip.avi.mp4')[0].shape == frames.shape
    found = boxes_by_name(tmp_path / 'out')
    assert list(found) == [f'clip.avi#{index}' for index in range(11)]
    detector = Detector(model, score=0.3)
    for rows, frame in zip(found.values(), frames, strict=True):
        expect = expected(detector, np.ascontiguousarray(frame))
        assert len(expect) and np.allclose(rows, expect, atol=1e-3)


def test_bad_files_are_named_counted_and_passed_over(model, images, tmp_path, capfd):
    truncate(images / 'a.png')
    (images / 'b.jpg').write_bytes(b'')
    (images / 'list.txt').write_text('a.png')
    assert predict(model, images, out=tmp_path / 'out', json=tmp_path / 'f.json') == 0
    assert files(tmp_path / 'out') == [
        'a.bmp',
        'predictions.json',
        'sub/a.png',
        'z.png',
    ]
    assert list(boxes_by_name(tmp_path / 'out')) == ['a.bmp', 'z.png', 'sub/a.png']
    stderr = capfd.readouterr().err
    assert f'skipped: {images / "a.png"}: ' in stderr
    assert f'skipped: {images / "b.jpg"}: ' in stderr
    assert 'skipped 2 of 5 files' in stderr
    assert 'ignored 1 files of other kinds: .txt' in stderr
    assert len(json.loads((tmp_path / 'f.json').read_text())['failed']) == 2


def test_nothing_but_bad_images_is_an_error(model, images, tmp_path, capfd):
    for path in (images / 'a.png', images / 'z.png'):
        truncate(path)
    out = tmp_path / 'out'
    assert predict(model, images / 'a.png', out=out) == 2
    *_, line = capfd.readouterr().err.splitlines()
    assert line.startswith(f'error: {images / "a.png"}: ')
    assert predict(model, images / 'a.png', images / 'z.png', out=out) == 2
    *_, last = capfd.readouterr().err.splitlines()
    assert last.startswith('error: none of 2 images can be read')
    assert files(out) == []


def test_video_that_breaks_off_keeps_what_was_read(model, images, tmp_path, capfd):
    broken = cut_off(write_clip(images / 'a.avi', 30), 0.8)
    (images / 'b.mp4').write_bytes(b'no video')
    assert predict(model, images, out=tmp_path / 'out', batch=4) == 2
    stderr = capfd.readouterr().err
    frames, _ = read_clip(tmp_path / 'out/a.avi.mp4')
    assert 5 < len(frames) < 28
    *_, error = stderr.splitlines()
    assert error.startswith(
        f'error: {broken} breaks off behind frame {len(frames)} of 30'
    )
    assert f'{images / "b.mp4"} cannot be opened' in error
    found = boxes_by_name(tmp_path / 'out')
    assert len(found) == 4 + len(frames) and 'sub/a.png' in found


def test_full_disk_leaves_what_is_done(model, images, tmp_path, capfd):
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    Image.fromarray(noise).save(images / 'b.png')
    with full_disk(80_000):
        assert predict(model, images, out=tmp_path / 'out') == 2
    *_, line = capfd.readouterr().err.splitlines()
    assert line.startswith(f'error: {tmp_path}/out/b.png cannot be written: File too l')
    assert files(tmp_path / 'out') == ['a.bmp', 'a.png', 'predictions.json']
    assert list(boxes_by_name(tmp_path / 'out')) == ['a.bmp', 'a.png', 'b.png']


# Ctrl-C is pressed when a capture is asked for this frame, from 1.
PRESSED = 7


class PressedAt:
    """Shows a video again and again."""

    def __init__(self, opened: cv2.VideoCapture) -> None:
        self.opened = opened
        self.seen = 0

    def __getattr__(self, name: str):
        return getattr(self.opened, name)

    def read(self):
        self.seen += 1
        if self.seen == PRESSED:
            signal.raise_signal(signal.SIGINT)
        read = self.opened.read()
        if not read[0]:
            self.opened.set(cv2.CAP_PROP_POS_FRAMES, 0)
            read = self.opened.read()
        return read


@pytest.fixture
def press(monkeypatch):
    """Let Ctrl-C be pressed while a video or camera is read."""
    opened = cv2.VideoCapture
    monkeypatch.setattr(cv2, 'VideoCapture', lambda source: PressedAt(opened(source)))
    return monkeypatch


def test_camera_is_recorded_until_ctrl_c(model, tmp_path, press, capfd):
    plug_in(press, write_clip(tmp_path / 'seen.avi', 5))
    handler = signal.getsignal(signal.SIGINT)
    code = predict(model, 0, out=tmp_path / 'out', batch=4, json=tmp_path / 'f.json')
    assert code == 0
    assert signal.getsignal(signal.SIGINT) is handler
    assert 'interrupted' not in capfd.readouterr().err
    found = boxes_by_name(tmp_path / 'out')
    # The frame at which it is pressed is not used; those that wait for a batch are.
    assert len(found) == PRESSED - 1
    last = max(int(name.removeprefix('camera0#')) for name in found)
    press.undo()
    assert len(read_clip(tmp_path / 'out/camera0.mp4')[0]) == last + 1
    assert json.loads((tmp_path / 'f.json').read_text())['images'] == PRESSED - 1


def test_absent_camera_is_an_error(model, tmp_path, capfd):
    assert predict(model, 63, out=tmp_path / 'out') == 2
    *_, line = capfd.readouterr().err.splitlines()
    assert line.startswith('error: camera 63 cannot be opened')


def test_interrupted_files_leave_what_is_done(model, images, tmp_path, press, capfd):
    clip = write_clip(tmp_path / 'clip.avi', 30)
    assert predict(model, clip, images, out=tmp_path / 'out') == 130
    assert capfd.readouterr().err.splitlines()[-1] == 'interrupted'
    assert len(boxes_by_name(tmp_path / 'out')) == PRESSED - 1
    press.undo()
    assert len(read_clip(tmp_path / 'out/clip.avi.mp4')[0]) == PRESSED - 1


@pytest.mark.parametrize(
    ('words', 'options', 'message'),
    [
        (['images', 'gone.jpg'], {}, 'gone.jpg does not exist'),
        (['empty'], {}, 'empty has no images or videos'),
        (['images'], {'out': 'images'}, 'a.bmp would be overwritten'),
        (['images'], {'out': 'images/a.png'}, 'predictions.json cannot be written'),
        (['images'], {'batch': 0}, 'batch=0 is not a whole number'),
        (['images'], {'score': 1.5}, 'score=1.5'),
        (['images'], {'device': 'gpu'}, "device 'gpu'"),
        (['images'], {'json': 'images'}, 'images cannot be written: is a folder'),
        (['images'], {'json': 'out/predictions.json'}, 'would replace out/predictions'),
        (['images'], {'json': 'out/sub/a.png'}, 'would replace out/sub/a.png'),
        (['images'], {'out': 'taken'}, 'taken/sub/a.png cannot be written: is a fold'),
    ],
)
def test_bad_arguments_are_refused_before_work(
    model, images, tmp_path, monkeypatch, capfd, words, options, message
):
    monkeypatch.chdir(tmp_path)
    Path('empty').mkdir()
    Path('taken/sub/a.png').mkdir(parents=True)
    before = files(tmp_path)
    assert predict(model, *words, **{'out': 'out', **options}) == 2
    *_, line = capfd.readouterr().err.splitlines()
    assert line.startswith('error: ') and message in line
    assert files(tmp_path) == before


def test_config_needs_its_checkpoint(tiny_config, images, tmp_path, capfd):
    assert predict(tiny_config, images, out=tmp_path / 'out') == 2
    assert f'give the checkpoint of {tiny_config}' in capfd.readouterr().err


def test_config_and_checkpoint_do_as_well(trained, images, tmp_path):
    words = trained.config, trained.work_dir / 'best.pth', images
    assert predict(*words, out=tmp_path / 'out', batch=3, score=0.05) == 0
    assert files(tmp_path / 'out') == [
        'a.bmp',
        'a.png',
        'predictions.json',
        'sub/a.png',
        'z.png',
    ]
    detector = Detector(*words[:2], score=0.05)
    for name, rows in boxes_by_name(tmp_path / 'out').items():
        rows = np.array(rows).reshape(-1, 6)
        assert np.allclose(rows, expected(detector, images / name), atol=2e-3)


def test_exported_model_needs_no_training_stack(model, images, tmp_path):
    """With PyTorch and OpenMMLab out of reach, and without a line but its own."""
    write_clip(images / 'a.mp4', 5, 'mp4v')
    (images / 'b.mp4').write_bytes(b'no video')
    names = 'torch', 'torchvision', 'mmengine', 'mmcv', 'mmdet', 'mmpretrain'
    script = (
        f'import runpy, sys; sys.modules.update(dict.fromkeys({names!r}));'
        f'runpy.run_path({str(REPO / "tools/predict.py")!r}, run_name="__main__")'
    )
    done = subprocess.run(
        [sys.executable, '-c', script, model, images, '--out', tmp_path / 'out'],
        env={**os.environ, 'PYTHONPATH': str(REPO), 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert len(boxes_by_name(tmp_path / 'out')) == 4 + 5
    (line,) = done.stderr.splitlines()
    assert line.startswith(f'error: {images / "b.mp4"} cannot be opened')
