"""The tool that writes trained networks as ONNX."""

import json

import numpy as np
import onnxruntime
import pytest
from bad_files import truncate
from PIL import Image
from settled_nets import CLASSES, pictures, write_classifier, write_detector
from tiny_runs import call

from tinydet.deploy import verify
from tinydet.inference import Detector, Metadata

SIDE = 96


@pytest.fixture(scope='module')
def detector(tmp_path_factory):
    folder = tmp_path_factory.mktemp('detector')
    return write_detector(folder, SIDE, score_thr=0.8, max_per_img=30)


@pytest.fixture(scope='module')
def classifier(tmp_path_factory):
    return write_classifier(tmp_path_factory.mktemp('classifier'), side=64)


@pytest.fixture
def photos(tmp_path):
    """Three images, of which one is cut off, in a folder."""
    folder = tmp_path / 'photos'
    folder.mkdir()
    for index, image in enumerate(pictures(3, 80)):
        Image.fromarray(image).save(folder / f'{index}.png')
    truncate(folder / '1.png')
    return folder


def metadata_of(path):
    properties = onnxruntime.InferenceSession(path).get_modelmeta()
    return Metadata.from_properties(properties.custom_metadata_map, path)


def test_detector(detector, tmp_path, capsys):
    out, table = tmp_path / 'new/net.onnx', tmp_path / 'net.json'
    options = '--nms', '--batch', 'dynamic', '--json', table
    assert call('export.py', *detector, out, *options) == 0
    image = pictures(1, SIDE)[0]
    found = Detector(out, score=0)(image)
    expected = Detector(*detector, score=0)(image)
    assert len(expected.scores) > 10
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-3)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)
    assert found.labels.tolist() == expected.labels.tolist()

    printed = capsys.readouterr().out
    assert f'file        {out}\n' in printed
    assert 'input       images uint8 (batch, 96, 96, 3), RGB\n' in printed
    assert 'output      boxes float32 (batch, 30, 4)\n' in printed
    assert 'output      count int64 (batch)\n' in printed
    assert f'size        {out.stat().st_size / 1e6:.2f} MB\n' in printed
    assert 'precision   float32\n' in printed

    written = json.loads(table.read_text())
    assert written['bytes'] == out.stat().st_size
    metadata = metadata_of(out)
    assert metadata.nms
    assert written['metadata'] == json.loads(json.dumps(vars(metadata)))
    agreement = written['agreement']
    assert agreement['matched'] == agreement['found'] == agreement['expected'] > 0
    assert agreement['boxes'] < 1e-3 and agreement['scores'] < 1e-4
    assert f'{agreement["matched"]} detections alike' in printed


def test_classifier_in_the_current_folder(classifier, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call('export.py', *classifier, 'net.onnx') == 0
    session = onnxruntime.InferenceSession('net.onnx')
    assert session.get_inputs()[0].shape == [1, 64, 64, 3]
    metadata = metadata_of('net.onnx')
    assert (metadata.task, metadata.classes) == ('classification', CLASSES)
    assert 'to PyTorch  scores within ' in capsys.readouterr().out


def test_int8(detector, photos, tmp_path, capsys):
    out, table = tmp_path / 'net.onnx', tmp_path / 'net.json'
    options = '--nms', '--int8', photos, '--json', table
    assert call('export.py', *detector, out, *options) == 0
    captured = capsys.readouterr()
    assert f'skipped: {photos / "1.png"}: ' in captured.err
    assert 'skipped 1 of 3 images\n' in captured.err
    assert 'precision   int8, 2 calibration images\n' in captured.out
    written = json.loads(table.read_text())
    assert written['calibration_images'] == 2
    assert out.stat().st_size < 2 * written['metadata']['parameters']
    # Of an image that calibrated it.
    assert 0 < written['agreement']['matched'] <= written['agreement']['expected']
    assert 0 < written['agreement']['scores'] < 0.5
    metadata = metadata_of(out)
    assert (metadata.precision, metadata.nms) == ('int8', True)
    assert len(Detector(out, score=0)(photos / '0.png').scores) > 0


def test_int8_of_a_classifier(classifier, photos, tmp_path, capsys):
    out = tmp_path / 'net.onnx'
    assert call('export.py', *classifier, out, '--int8', photos) == 0
    captured = capsys.readouterr()
    assert 'precision   int8, 2 calibration images\n' in captured.out
    # Only float files should be PyTorch's to rounding.
    assert 'warning' not in captured.err
    assert metadata_of(out).precision == 'int8'


def test_a_file_that_differs_is_told(detector, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(verify, '_MOST_PIXELS', -1.0)
    out = tmp_path / 'net.onnx'
    assert call('export.py', *detector, out) == 0
    assert f'warning: {out} differs from PyTorch' in capsys.readouterr().err


def test_int8_without_a_usable_image(detector, photos, tmp_path, capsys):
    for index in (0, 2):
        truncate(photos / f'{index}.png')
    out = tmp_path / 'net.onnx'
    assert call('export.py', *detector, out, '--int8', photos) == 2
    assert 'none of 3 images can be read' in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    'words, message',
    [
        (['net.pt'], 'net.pt: give the name of an .onnx file'),
        (['net.onnx', '--batch', '4'], "invalid choice: '4'"),
        (['net.onnx', '--int8', 'nowhere'], 'nowhere is no folder'),
        (['file/net.onnx'], 'file/net.onnx cannot be written'),
    ],
)
def test_arguments_are_refused(detector, tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'file').touch()
    assert call('export.py', *detector, *words) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob('*.onnx'))


def test_files_are_refused(detector, classifier, tmp_path, capsys):
    out = tmp_path / 'net.onnx'
    for config, checkpoint, option, message in (
        ('no.py', detector[1], [], 'config no.py does not exist'),
        (detector[0], 'no.pth', [], 'no.pth: cannot be opened as a checkpoint'),
        (detector[0], classifier[1], [], 'classifier.pth: has no bbox_head'),
        (*classifier, ['--nms'], '--nms is for a detector'),
    ):
        assert call('export.py', config, checkpoint, out, *option) == 2
        assert message in capsys.readouterr().err
    assert not out.exists()
