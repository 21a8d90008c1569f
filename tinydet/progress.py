"""Progress of long loops on standard error: a bar on a terminal, else lines."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar('T')


def on_terminal() -> bool:
    """Whether progress bars make sense: standard error is a terminal."""
    return sys.stderr.isatty()


def track(
    iterable: Iterable[T], total: int | None = None, desc: str = ''
) -> Iterator[T]:
    """Iterate with a progress bar and ETA on a terminal, or a line every tenth.

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
    start = time.monotonic()
    tenths = 0
    for done, item in enumerate(iterable, 1):
        yield item
        if total and done * 10 // total > tenths:
            tenths = done * 10 // total
            spent = time.monotonic() - start
            eta = spent / done * (total - done)
            line = f'{desc}: {done}/{total}, {spent:.0f} s, {eta:.0f} s left'
            print(line, file=sys.stderr, flush=True)
