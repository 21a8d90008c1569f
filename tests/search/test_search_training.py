"""The process of a training: what it reports, and that it ends with its worker.

A config is code; these ones do what may happen to a training.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tinydet.errors import InputError
from tinydet.search.training import TrainingError, train

WORKER = """
from pathlib import Path
from tinydet.search.training import train

if __name__ == '__main__':
    train(Path('config.py').resolve(), 'top1')
"""
TELL = "import os, time; open('{pid}', 'w').write(str(os.getpid())); time.sleep(300)"


def write(folder: Path, lines: str) -> Path:
    config = folder / 'config.py'
    config.write_text(lines)
    return config


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def until(condition, seconds: float = 120) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)
    return condition()


@pytest.mark.parametrize(
    ('lines', 'error', 'reason'),
    [
        ('model = 1 / 0', InputError, r'config.py cannot be read: ZeroDivisionError'),
        ('model = dict(type="Nothing")', TrainingError, r'\w+Error: .+'),
        (
            'import os; os._exit(3)',
            TrainingError,
            r'its process ended with exit code 3',
        ),
        (
            'import os, signal; os.kill(os.getpid(), signal.SIGKILL)',
            TrainingError,
            r'ended by SIGKILL, as when memory runs out',
        ),
        (
            'import os, signal; os.kill(os.getpid(), signal.SIGSEGV)',
            TrainingError,
            r'ended by SIGSEGV',
        ),
        (
            'import os, signal; os.kill(os.getpid(), signal.SIGTERM)',
            KeyboardInterrupt,
            None,
        ),
    ],
    ids=['config', 'training', 'exit', 'memory', 'crash', 'interrupt'],
)
def test_what_ends_a_training_is_told(tmp_path, lines, error, reason):
    with pytest.raises(error, match=reason):
        train(write(tmp_path, lines), 'top1')


def test_what_it_prints_goes_to_its_log(tmp_path, capfd):
    config = write(tmp_path, 'print("so far so good", flush=True); model = 1 / 0')
    with pytest.raises(InputError):
        train(config, 'top1')
    log = (tmp_path / 'config/train.log').read_text()
    assert 'so far so good' in log
    assert 'ZeroDivisionError' in log
    assert 'so far' not in capfd.readouterr().out


def test_a_training_ends_with_its_worker(tmp_path):
    pid_file = tmp_path / 'pid'
    write(tmp_path, TELL.format(pid=pid_file))
    (tmp_path / 'worker.py').write_text(WORKER)
    worker = subprocess.Popen([sys.executable, 'worker.py'], cwd=tmp_path)
    assert until(lambda: pid_file.exists() and pid_file.read_text())
    training = int(pid_file.read_text())
    assert is_alive(training)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert until(lambda: not is_alive(training), 20)
