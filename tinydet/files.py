"""Files that are whole at any moment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write a file so that readers, and a kill at any moment, see the old or the new.

    Args:
        path: The file to write or replace.

    Yields:
        A hidden path beside it, with the same suffix, to write to. It takes the place
        of ``path`` when the block ends, and is removed when the block raises.
    """
    partial = path.with_name(f'.{path.stem}.partial{path.suffix}')
    try:
        yield partial
        with open(partial, 'rb') as file:
            # else a power cut may leave the new name with no content
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
