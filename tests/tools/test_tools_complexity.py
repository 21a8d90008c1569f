"""The complexity tool."""

import json

import pytest
from tiny_runs import REPO, call


def test_it_writes_what_it_prints(tmp_path, capsys):
    table = tmp_path / 'table.json'
    config = REPO / 'configs/ssdlite320_tinynet_d.py'
    assert call('complexity.py', config, '--json', table) == 0
    (row,) = json.loads(table.read_text())
    printed = capsys.readouterr().out.splitlines()[-1].split()
    assert row['name'] == printed[0] == 'ssdlite320_tinynet_d'
    assert row['input'] == int(printed[1]) == 320
    assert row['params'] / 1e6 == pytest.approx(float(printed[2]), abs=5e-3)
    assert row['macs'] / 1e9 == pytest.approx(float(printed[3]), abs=5e-4)
