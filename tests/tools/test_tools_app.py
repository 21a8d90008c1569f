"""The tool that serves the web page; tests/web has the page."""

import socket
import sys

from tiny_detector import write_detector
from tiny_runs import call


def test_without_gradio_the_extra_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'gradio', None)
    assert call('app.py', write_detector(tmp_path / 'net.onnx')) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('error: the web page needs gradio')
    assert line.endswith("pip install -e '.[app]'")


def test_without_openvino_its_package_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'openvino', None)
    model = write_detector(tmp_path / 'net.onnx')
    assert call('app.py', model, '--runtime', 'openvino') == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('error: OpenVINO is not installed')


def test_bad_input_is_one_line(tmp_path, capsys):
    good = write_detector(tmp_path / 'net.onnx')
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
        for args, said in (
            ((good, '--port', port), f'--port {port}: '),
            ((tmp_path / 'none.onnx',), 'none.onnx does not exist'),
            ((good, good), 'two models are called net.onnx'),
        ):
            assert call('app.py', *args) == 2
            (line,) = capsys.readouterr().err.splitlines()
            assert line.startswith('error: ') and said in line
