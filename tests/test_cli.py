import pytest

from tinydet.cli import run
from tinydet.errors import InputError


def test_success(capsys):
    assert run(lambda: print('done')) == 0
    assert capsys.readouterr() == ('done\n', '')


def raising(error):
    def main():
        raise error

    return main


def test_an_input_error_is_one_line_and_exit_code_2(capsys):
    assert run(raising(InputError('a.json: 3 boxes: mend them'))) == 2
    assert capsys.readouterr() == ('', 'error: a.json: 3 boxes: mend them\n')


def test_an_interrupt_is_exit_code_130(capsys):
    assert run(raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr() == ('', 'interrupted\n')


@pytest.mark.parametrize('error', [ValueError('x'), RuntimeError('x'), SystemExit(3)])
def test_other_errors_keep_their_traceback(error):
    with pytest.raises(type(error)):
        run(raising(error))
