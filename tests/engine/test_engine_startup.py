import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tinydet.engine import startup

# On its own: the package imports PyTorch, and the settings stay with the process.
_COUNT_FAULTS = """
import resource, runpy, sys
import numpy as np

if sys.argv[2] == 'keep':
    assert runpy.run_path(sys.argv[1])['keep_memory']() is True

def fill():
    np.ones(64 << 17)  # 64 MiB

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

fill()
before = faults()
for _ in range(10):
    fill()
print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='needs glibc')
def test_freed_memory_is_used_again_without_page_faults():
    def faults(mode: str) -> int:
        done = subprocess.run(
            [sys.executable, '-c', _COUNT_FAULTS, Path(startup.__file__), mode],
            capture_output=True,
            text=True,
            check=True,
        )
        return int(done.stdout)

    default = faults('default')
    assert default >= 10  # huge pages make it few, but each block is mapped anew
    assert faults('keep') < default / 10


def test_does_nothing_without_glibc(monkeypatch):
    monkeypatch.setattr(platform, 'libc_ver', lambda: ('', ''))
    monkeypatch.setattr(startup.ctypes, 'CDLL', pytest.fail)
    assert startup.keep_memory() is False
