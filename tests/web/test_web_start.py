"""What is checked before the page is served."""

import re
import socket

import pytest
from free_port import free_port
from tiny_detector import write_detector

from tinydet.errors import InputError
from tinydet.web.start import check_address, load_detectors


@pytest.fixture
def models(tmp_path):
    return [write_detector(tmp_path / f'{name}.onnx') for name in ('raw', 'other')]


def test_models_go_by_the_names_of_their_files(models):
    detectors = load_detectors(models)
    assert list(detectors) == ['raw', 'other']
    # the slider decides, not the detector
    assert [detector.score for detector in detectors.values()] == [0, 0]


def test_models_that_cannot_be_shown(tmp_path, models):
    (tmp_path / 'other').mkdir()
    same = write_detector(tmp_path / 'other/raw.onnx')
    classifier = write_detector(tmp_path / 'net.onnx', task='classification')
    (tmp_path / 'bad.onnx').write_text('no model')
    for paths, said in (
        ((tmp_path / 'none.onnx',), 'none.onnx does not exist'),
        ((tmp_path / 'bad.onnx',), 'bad.onnx is not an ONNX model'),
        ((classifier,), "net.onnx is a model of task 'classification'"),
        ((tmp_path / 'config.py',), 'config.py is no .onnx file'),
        ((*models, same), 'two models are called raw.onnx'),
    ):
        with pytest.raises(InputError, match=re.escape(said)):
            load_detectors(paths)


def test_an_address_that_cannot_be_listened_at():
    port = free_port()
    check_address('127.0.0.1', port)
    with socket.create_server(('127.0.0.1', 0)) as taken:
        number = taken.getsockname()[1]
        with pytest.raises(InputError, match=f'--port {number}: .*in use.*free port'):
            check_address('127.0.0.1', number)
    with pytest.raises(InputError, match='--host 192.0.2.1 '):
        check_address('192.0.2.1', port)
    for number in (0, 65536):
        with pytest.raises(InputError, match='--port=.*from 1 to 65535'):
            check_address('127.0.0.1', number)
