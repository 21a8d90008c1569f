"""Progress of long loops on standard error: a bar on a terminal, else lines."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar('T')

# Seconds between lines where tenths are not known.
_PAUSE = 10


def on_terminal() -> bool:
    """Whether progress bars make sense: standard error is a terminal."""
    return sys.stderr.isatty()


def track(
    iterable: Iterable[T], total: int | None = None, desc: str = ''
) -> Iterator[T]:
    """Iterate with a progress bar and ETA on a terminal, or a line every tenth.

    Where the total is not known, it is a line every 10 s.

    Args:
        iterable: What to iterate over.
        total: Number of items; ``len(iterable)`` where that is known.
        desc: What the loop does, shown before the numbers.

    Yields:
        The items, unchanged and in order.
    """
    if total is None and hasattr(iterable, '__len__'):
        total = len(iterable)
    if on_terminal():
        yield from tqdm(iterable, total=total, desc=desc, dynamic_ncols=True)
        return
    start = said = time.monotonic()
    tenths = 0
    for done, item in enumerate(iterable, 1):
        yield item
        if total is None:
            now = time.monotonic()
            if now - said >= _PAUSE:
                said = now
                _print(f'{desc}: {done}, {now - start:.0f} s')
        elif total and done * 10 // total > tenths:
            tenths = done * 10 // total
            _print_line(desc, done, total, start)


class Meter:
    """Progress of work that others share: a bar on a terminal, else lines, with ETA.

    Args:
        total: How much there is.
        done: How much of it is done.
        desc: What it is, shown before the numbers.
    """

    def __init__(self, total: int, done: int, desc: str) -> None:
        self.desc = desc
        self.first = done
        self.start = time.monotonic()
        self.bar = None
        if on_terminal():
            self.bar = tqdm(total=total, initial=done, desc=desc, dynamic_ncols=True)

    def show(self, total: int, done: int) -> None:
        """Show how far the work is by now."""
        if self.bar is not None:
            self.bar.total = total
            self.bar.update(done - self.bar.n)
            return
        _print_line(self.desc, done, total, self.start, self.first)

    def write(self, line: str) -> None:
        """Print a line on standard output, above the bar."""
        tqdm.write(line)
        sys.stdout.flush()

    def close(self) -> None:
        """End the bar's line."""
        if self.bar is not None:
            self.bar.close()


def _print_line(desc: str, done: int, total: int, start: float, first: int = 0) -> None:
    """Print how far work is that began at a time, when some of it was done."""
    spent = time.monotonic() - start
    eta = spent / max(1, done - first) * (total - done)
    _print(f'{desc}: {done}/{total}, {spent:.0f} s, {eta:.0f} s left')


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
