"""The latency tool."""

import importlib.util
import json
import sys

import onnx
import pytest
from settled_nets import write_classifier
from tiny_detector import METADATA, write_detector
from tiny_runs import call

from tinydet.deploy.profile import KINDS
from tinydet.engine.jobs import load_config
from tinydet.models.complexity import count_model

QUICK = '--seconds', 0.02
COLUMNS = (
    *('median_ms', 'p10_ms', 'p90_ms', 'runs', 'ratio'),
    *('input', 'macs', 'parameters'),
)


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    """Two ONNX files."""
    folder = tmp_path_factory.mktemp('models')
    return [
        write_detector(folder / 'raw.onnx'),
        write_detector(folder / 'whole.onnx', nms=True, dynamic=True, macs=2000),
    ]


def tables(printed):
    """Rows of each table, split at spaces; the first is its header."""
    return [
        [line.split() for line in table.splitlines()] for table in printed.split('\n\n')
    ]


def test_it_writes_what_it_prints(models, tmp_path, capsys):
    path = tmp_path / 'table.json'
    assert call('latency.py', *models, *QUICK, '--json', path) == 0
    captured = capsys.readouterr()
    ((header, *lines),) = tables(captured.out)
    assert ' '.join(header) == ('network input params M MMACs median ms p10 p90 ratio')
    written = json.loads(path.read_text())
    assert list(written) == ['raw', 'whole']
    assert 'networks: 2/2' in captured.err and 'measuring for' in captured.err
    first = written['raw']['median_ms']
    for (name, row), line in zip(written.items(), lines, strict=True):
        assert tuple(row) == COLUMNS
        assert 0 < row['p10_ms'] <= row['median_ms'] <= row['p90_ms']
        assert row['runs'] >= 40
        assert row['ratio'] == row['median_ms'] / first
        assert line[0] == name
        assert [float(value) for value in line[1:]] == pytest.approx(
            [
                row['input'],
                row['parameters'] / 1e6,
                row['macs'] / 1e6,
                *(row[key] for key in ('median_ms', 'p10_ms', 'p90_ms', 'ratio')),
            ],
            abs=5.1e-3,
        )
    assert [row['macs'] for row in written.values()] == [METADATA.macs, 2000]
    assert written['raw']['input'] == METADATA.input_size
    assert written['raw']['parameters'] == METADATA.parameters


def test_a_config_beside_a_file_and_where_the_time_goes(models, tmp_path, capsys):
    config, _ = write_classifier(tmp_path, side=64)
    path = tmp_path / 'table.json'
    options = *QUICK, '--profile', '--json', path
    assert call('latency.py', config, models[0], *options) == 0
    written = json.loads(path.read_text())
    row, other = written['classifier'], written['raw']
    cost = count_model(load_config(config))
    assert (row['input'], row['macs'], row['parameters']) == (
        64,
        cost.macs,
        cost.params,
    )
    table, kinds, heights, moved = tables(capsys.readouterr().out)
    assert [line[0] for line in table[1:]] == ['classifier', 'raw']
    for profile in (row['profile'], other['profile']):
        assert tuple(profile['kinds']) == KINDS
        for part in ('kinds', 'sides'):
            total = sum(profile[part].values())
            assert total == pytest.approx(profile['sum_ms'])
    # The weights, once, and more.
    assert row['profile']['megabytes'] > 4 * cost.params / 1e6
    assert kinds[0][-2:] == heights[0][-2:] == moved[0][-2:] == ['classifier', 'raw']
    shown = {' '.join(line[:-2]): line[-2:] for line in kinds[1:]}
    assert list(shown) == [
        *(kind for kind in KINDS if row['profile']['kinds'][kind] or kind == 'others'),
        'sum',
    ]
    assert shown['pooling'][1] == '-'
    for place, profile in enumerate((row['profile'], other['profile'])):
        assert float(shown['sum'][place]) == pytest.approx(profile['sum_ms'], abs=6e-4)
        assert float(moved[1][1 + place]) == pytest.approx(
            profile['megabytes'], abs=6e-4
        )
    shown = {' '.join(line[:-2]): line[-2:] for line in heights[1:]}
    assert list(shown) == ['32', '16', '8', '4', '2', '1 or no map']
    assert float(shown['1 or no map'][0]) == pytest.approx(
        row['profile']['sides']['1'], abs=6e-4
    )


def test_long_names_make_no_wide_table(tmp_path, capsys):
    names = [f'detector_of_many_objects_in_a_{place}' for place in ('town', 'wood')]
    models = [write_detector(tmp_path / f'{name}.onnx') for name in names]
    assert call('latency.py', *models, *QUICK, '--profile') == 0
    out = capsys.readouterr().out
    _, key, kinds, *_ = tables(out)
    assert max(map(len, out.split('\n\n', 2)[2].splitlines())) <= 88
    assert key == [['[1]', names[0]], ['[2]', names[1]]]
    assert kinds[0][-2:] == ['[1]', '[2]']


@pytest.mark.skipif(importlib.util.find_spec('openvino') is None, reason='no OpenVINO')
def test_openvino(models, tmp_path):
    path = tmp_path / 'table.json'
    options = '--runtime', 'openvino', '--json', path
    assert call('latency.py', *models, *QUICK, *options) == 0
    assert all(row['median_ms'] > 0 for row in json.loads(path.read_text()).values())


def test_without_openvino(models, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'openvino', None)
    assert call('latency.py', models[0], *QUICK, '--runtime', 'openvino') == 2
    assert 'error: OpenVINO is not installed: pip' in capsys.readouterr().err


@pytest.mark.parametrize(
    'words, message',
    [
        (['--seconds', '0'], 'error: --seconds=0.0 is not a number above 0'),
        (['--seconds', 'nan'], 'error: --seconds=nan is not a number above 0'),
        (['--profile', '--runtime', 'openvino'], '--profile is of ONNX Runtime: leave'),
        (['--runtime', 'tensorrt'], "invalid choice: 'tensorrt'"),
        (['--json', 'file/table.json'], 'error: file/table.json cannot be written'),
        (['other/raw.onnx'], 'other/raw.onnx and {} are both called raw: give each'),
        (['no.onnx'], 'error: no.onnx does not exist: give an .onnx file that'),
        (['no.py'], 'error: config no.py does not exist'),
        (['text.onnx'], 'error: text.onnx is not an ONNX model that can be run'),
        (['foreign.onnx'], 'error: foreign.onnx has no metadata of TinyDet'),
        (['empty.py'], 'error: empty.py has no model: give the config of a network'),
    ],
)
def test_what_is_refused(models, tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'file').touch()
    (tmp_path / 'text.onnx').write_text('no model')
    (tmp_path / 'empty.py').write_text('seed = 0\n')
    foreign = onnx.load(models[0])
    del foreign.metadata_props[:]
    onnx.save(foreign, tmp_path / 'foreign.onnx')
    assert call('latency.py', models[0], *words) == 2
    out, error = capsys.readouterr()
    assert message.format(models[0]) in error
    assert out == ''
