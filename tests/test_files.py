import os
import stat

import pytest
from full_disk import full_disk

from tinydet.errors import InputError
from tinydet.files import make_room, replacing


def test_folders_are_made(tmp_path):
    make_room(tmp_path / 'a/b/table.json', None, tmp_path / 'c/table.csv')
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a', 'c']
    assert (tmp_path / 'a/b').is_dir()


def test_what_cannot_be_written_is_named(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(InputError, match=r'file/x\.json cannot be written: .*exists'):
        make_room(tmp_path / 'file/x.json')
    with pytest.raises(InputError, match=f'{tmp_path} cannot be written: is a folder'):
        make_room(tmp_path)


def test_a_file_is_for_one_result(tmp_path):
    (tmp_path / 'link').symlink_to(tmp_path)
    table = tmp_path / 'a/table.json'
    for again in (table, str(table), tmp_path / 'link/a/table.json'):
        with pytest.raises(InputError, match=rf'^{again} would replace {table}, anoth'):
            make_room(table, None, None, again)
    assert not table.parent.exists()
    make_room(os.devnull, os.devnull)


@pytest.mark.skipif(os.geteuid() == 0, reason='root writes everywhere')
def test_a_folder_of_others(tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(InputError, match=f'{tmp_path} is not writable'):
        make_room(tmp_path / 'x.json')


def test_a_file_is_the_old_one_or_the_new(tmp_path):
    path = tmp_path / 'table.json'
    path.write_text('old')
    with pytest.raises(KeyError), replacing(path) as partial:
        partial.write_text('half')
        raise KeyError
    assert path.read_text() == 'old'
    with replacing(path) as partial:
        partial.write_text('new')
        assert path.read_text() == 'old'
    assert path.read_text() == 'new'
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / 'table.json'
    path.write_text('old')
    message = rf'^{path} cannot be written: File too large: make room there'
    with (
        full_disk(5000),
        pytest.raises(InputError, match=message),
        replacing(path) as partial,
    ):
        partial.write_bytes(bytes(6000))
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_gone(tmp_path):
    path = tmp_path / 'gone/table.json'
    message = f'^{path} cannot be written: No such file'
    with pytest.raises(InputError, match=message), replacing(path) as partial:
        partial.write_text('new')


def test_a_pipe_stays_one(tmp_path):
    path = tmp_path / 'pipe'
    os.mkfifo(path)
    with replacing(path) as target:
        assert target == path
    assert stat.S_ISFIFO(path.stat().st_mode)
