"""The tool that writes the zoo; what it writes is tested in tests/zoo."""

import re

import pytest
from counted_zoo import zoo
from tiny_runs import REPO, call

import tinydet.zoo.files


@pytest.fixture(autouse=True)
def counted(monkeypatch) -> None:
    """Count the zoo once in all tests."""
    monkeypatch.setattr(tinydet.zoo.files, 'count_zoo', lambda root: zoo())


def test_the_files_of_this_repository_are_up_to_date(capsys):
    code = call('make_zoo.py', '--check')
    assert code == 0, capsys.readouterr().out


def test_it_names_what_is_stale_and_writes_nothing(monkeypatch, capsys):
    before = (REPO / 'docs/zoo.md').read_bytes()
    monkeypatch.setattr(tinydet.zoo.files.Zoo, 'texts', {'docs/zoo.md': 'other'})
    assert call('make_zoo.py', '--check') == 1
    printed = capsys.readouterr().out
    assert re.fullmatch(r'not up to date: docs/zoo\.md; run .*make_zoo\.py\n', printed)
    assert (REPO / 'docs/zoo.md').read_bytes() == before
