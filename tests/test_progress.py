import contextlib
import fcntl
import os
import pty
import re
import struct
import sys
import termios

import pytest

from tinydet import progress
from tinydet.progress import Meter, track


def test_lines_off_a_terminal(capsys):
    items = [object() for _ in range(25)]
    assert list(track(items, desc='images')) == items
    out, err = capsys.readouterr()
    assert out == ''  # which belongs to what the tool finds
    lines = err.splitlines()
    assert [int(re.match(r'images: (\d+)/25, \d+ s, ', line)[1]) for line in lines] == [
        *(3, 5, 8, 10, 13, 15, 18, 20, 23, 25)
    ]
    assert lines[-1].endswith(', 0 s left')


def test_time_left(capsys, monkeypatch):
    clock = iter(range(0, 1000, 6))
    monkeypatch.setattr(progress.time, 'monotonic', lambda: next(clock))
    list(track(range(4), desc='images'))
    # 6 s an item
    assert capsys.readouterr().err.splitlines() == [
        'images: 1/4, 6 s, 18 s left',
        'images: 2/4, 12 s, 12 s left',
        'images: 3/4, 18 s, 6 s left',
        'images: 4/4, 24 s, 0 s left',
    ]


def test_a_line_every_ten_seconds_without_a_total(capsys, monkeypatch):
    clock = iter(range(0, 1000, 4))
    monkeypatch.setattr(progress.time, 'monotonic', lambda: next(clock))
    assert list(track(iter('abcdefg'), desc='frames')) == list('abcdefg')
    # 4 s an item
    assert capsys.readouterr().err.splitlines() == [
        'frames: 3, 12 s',
        'frames: 6, 24 s',
    ]


@pytest.mark.parametrize(
    ('items', 'total', 'lines'),
    [
        ([], None, 0),
        (iter('abc'), None, 0),  # no length, no tenths, no time
        (iter('abc'), 3, 3),
        (iter('abc'), 0, 0),  # more than was said
    ],
)
def test_lengths(capsys, items, total, lines):
    expected = 'abc' if total or not isinstance(items, list) else ''
    assert ''.join(track(items, total)) == expected
    assert len(capsys.readouterr().err.splitlines()) == lines


def test_a_bar_on_a_terminal(monkeypatch, capsys):
    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 40, 120, 0, 0))
    with os.fdopen(terminal, 'w') as stream:
        # here and not in a fixture, since pytest sets the streams before each call
        monkeypatch.setattr(sys, 'stderr', stream)
        items = track(iter(range(30)), total=30, desc='images')
        assert list(items) == list(range(30))
    chunks = []
    # how Linux says that all was read and the other side is closed
    with contextlib.suppress(OSError):
        while chunk := os.read(screen, 65536):
            chunks.append(chunk)
    os.close(screen)
    shown = b''.join(chunks).decode()
    assert re.match(r'\rimages: +0%\|', shown)
    assert re.search(r'\rimages: 100%\|[^\r]*30/30 \[[^\r]*<00:00', shown)
    assert capsys.readouterr().out == ''


def test_a_meter_of_shared_work(capsys, monkeypatch):
    clock = iter((0, 10, 30))
    monkeypatch.setattr(progress.time, 'monotonic', lambda: next(clock))
    meter = Meter(total=8, done=2, desc='nets')
    meter.show(total=8, done=4)  # two in 10 s, by whomever
    meter.write('net 5: 42')
    meter.show(total=10, done=6)
    meter.close()
    out, err = capsys.readouterr()
    assert out == 'net 5: 42\n'
    assert err.splitlines() == [
        'nets: 4/8, 10 s, 20 s left',
        'nets: 6/10, 30 s, 30 s left',
    ]


def test_a_meter_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(progress, 'on_terminal', lambda: True)
    meter = Meter(total=8, done=2, desc='nets')
    meter.show(total=9, done=5)
    meter.close()
    assert '5/9' in capsys.readouterr().err
