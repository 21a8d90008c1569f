"""The complexity tool."""

import csv
import json

import pytest
from counted_zoo import zoo
from tiny_runs import REPO, call

import tinydet.zoo.compare

COLUMNS = 'name', 'input', 'params', 'macs', 'activations', 'paper_params', 'paper_macs'


@pytest.fixture
def counted(monkeypatch) -> None:
    """Count no network twice in all tests."""
    comparisons = {item.net: item for item in zoo().comparisons}
    monkeypatch.setattr(tinydet.zoo.compare, 'compare', comparisons.get)


def read_csv(path) -> list[dict]:
    with path.open(newline='') as file:
        return list(csv.DictReader(file))


def test_it_writes_what_it_prints(tmp_path, capsys):
    table = tmp_path / 'table.json'
    config = REPO / 'configs/ssdlite320_tinynet_d.py'
    assert call('complexity.py', config, '--json', table) == 0
    (row,) = json.loads(table.read_text())
    printed = capsys.readouterr().out.splitlines()[-1].split()
    assert tuple(row) == COLUMNS
    assert row['name'] == printed[0] == 'ssdlite320_tinynet_d'
    assert row['input'] == int(printed[1]) == 320
    assert row['params'] / 1e6 == pytest.approx(float(printed[2]), abs=5e-4)
    assert row['macs'] / 1e6 == pytest.approx(float(printed[3]), abs=5e-3)
    assert row['activations'] / 1e6 == pytest.approx(float(printed[4]), abs=5e-3)
    assert row['paper_params'] is row['paper_macs'] is None


def test_a_part_at_another_input_of_changed_configs(tmp_path):
    table = tmp_path / 'table.json'
    configs = [REPO / f'configs/ssdlite_tinynet_{variant}.py' for variant in 'de']
    options = '--cfg-options', 'model.backbone.out_indices=(6,)'
    sizes = '--part', 'backbone', '--input', 64
    assert call('complexity.py', *configs, *sizes, '--json', table, *options) == 0
    larger, smaller = json.loads(table.read_text())
    assert [larger['name'], smaller['name']] == [path.stem for path in configs]
    assert larger['input'] == smaller['input'] == 64
    # without the last convolution of 1280 channels: less than TinyNet-E of 2.04M has
    assert 2e6 > larger['params'] > smaller['params']


def test_the_paper(counted, tmp_path, capsys):
    files = '--json', tmp_path / 'paper.json', '--csv', tmp_path / 'paper.csv'
    assert call('complexity.py', '--paper', *files) == 0
    rows = json.loads((tmp_path / 'paper.json').read_text())
    assert all(tuple(row) == COLUMNS for row in rows)
    by_name = {row['name']: row for row in rows}
    assert by_name['tinynet_d']['paper_params'] == 2_300_000
    assert by_name['tinynet_d']['paper_macs'] == 52_000_000
    assert by_name['resnet50_a']['paper_params'] is None
    assert by_name['resnet50_a']['paper_macs'] == 3_600_000_000
    table, reasons = capsys.readouterr().out.split('\n\n')
    header, *lines = table.splitlines()
    assert [line.split()[0] for line in lines] == list(by_name)
    assert {len(line) for line in lines} == {len(header)}
    assert '-0.0%' not in table
    assert 'tinynet_a: 5.1M' in reasons
    assert read_csv(tmp_path / 'paper.csv') == [
        {key: '' if value is None else str(value) for key, value in row.items()}
        for row in rows
    ]


@pytest.mark.parametrize(
    'args', [(), ('--paper', 'some.py'), ('--paper', '--input', 64)], ids=str
)
def test_configs_or_the_paper(args, capsys):
    assert call('complexity.py', *args) == 2
    assert 'give configs, or --paper' in capsys.readouterr().err


def test_an_input_below_the_stride(capsys):
    config = REPO / 'configs/ssdlite_tinynet_d.py'
    assert call('complexity.py', config, '--input', 31) == 2
    error = capsys.readouterr().err
    assert error.startswith('error: input 31 is smaller than the stride')
    assert error.count('\n') == 1


@pytest.mark.parametrize('option', ['--json', '--csv'])
def test_a_table_that_cannot_be_written_is_refused_first(tmp_path, capsys, option):
    (tmp_path / 'file').touch()
    assert call('complexity.py', '--paper', option, tmp_path / 'file/table') == 2
    out, error = capsys.readouterr()
    assert error.startswith(f'error: {tmp_path}/file/table cannot be written')
    assert out == ''
