"""The revision that a file is stamped with."""

import re
import subprocess
from pathlib import Path

import pytest

import tinydet
from tinydet.deploy.revision import git_revision


def git(folder, *words):
    settings = '-c', 'user.name=a', '-c', 'user.email=a@b.c'
    done = subprocess.run(
        ['git', '-C', folder, *settings, *words],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path) -> Path:
    git(tmp_path, 'init', '-q')
    (tmp_path / 'code.py').write_text('a = 1\n')
    git(tmp_path, 'add', '.')
    git(tmp_path, 'commit', '-q', '-m', 'first')
    git(tmp_path, 'tag', '-a', 'v1', '-m', 'tagged')
    return tmp_path


def test_the_commit(checkout):
    assert git_revision(checkout) == git(checkout, 'rev-parse', 'HEAD')


def test_changes_are_told_but_not_new_files(checkout):
    (checkout / 'notes.txt').write_text('new')
    assert git_revision(checkout) == git(checkout, 'rev-parse', 'HEAD')
    (checkout / 'code.py').write_text('a = 2\n')
    assert git_revision(checkout) == git(checkout, 'rev-parse', 'HEAD') + '-dirty'


def test_an_environment_inside_of_another_project(checkout):
    inside = checkout / '.venv/lib/site-packages'
    inside.mkdir(parents=True)
    assert git_revision(inside) == 'unknown'


def test_outside_of_a_checkout_or_without_git(tmp_path, checkout, monkeypatch):
    (tmp_path / 'elsewhere').mkdir()
    monkeypatch.setenv('GIT_CEILING_DIRECTORIES', str(tmp_path))
    assert git_revision(tmp_path / 'elsewhere') == 'unknown'
    monkeypatch.setenv('PATH', '')
    assert git_revision(checkout) == 'unknown'


def test_of_this_package():
    if not (Path(tinydet.__file__).parents[1] / '.git').exists():
        pytest.skip('not in a checkout')
    assert re.fullmatch(r'[0-9a-f]{40}(-dirty)?', git_revision())
