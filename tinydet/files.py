"""Files that are whole at any moment."""

import csv
import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tinydet.errors import InputError


def make_room(*paths: Path | str | None) -> None:
    """Make the folders of files that a tool will write, before it starts to work.

    Args:
        paths: The files; None stands for one that nobody asked for.

    Raises:
        InputError: If two paths are one file, a path is a folder, or its own folder
            cannot be made or written.
    """
    files = [Path(path) for path in paths if path is not None]
    _check_distinct(files)
    for path in files:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            problem = 'is a folder' if path.is_dir() else None
            if not os.access(path.parent, os.W_OK):
                problem = f'{path.parent} is not writable'
        except OSError as error:
            problem = error.strerror
        if problem:
            raise InputError(
                f'{path} cannot be written: {problem}: give the path of a file in a '
                'folder of yours'
            )


def _check_distinct(files: Sequence[Path]) -> None:
    """See that no result would replace another."""
    seen: dict[str, Path] = {}
    for path in files:
        other = seen.setdefault(os.path.realpath(path), path)
        # A device or pipe takes one after the other.
        if other is not path and (path.is_file() or not path.exists()):
            raise InputError(
                f'{path} would replace {other}, another result of this run: give each '
                'a file of its own'
            )


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write a file so that readers, and a kill at any moment, see the old or the new.

    Args:
        path: The file to write or replace.

    Yields:
        A hidden path beside it, with the same suffix, to write to. It takes the place
        of ``path`` when the block ends, and is removed when the block raises. A device
        or pipe, such as ``/dev/stdout``, is itself what to write to.

    Raises:
        InputError: If it cannot be written, as on a full disk.
    """
    try:
        if path.exists() and not path.is_file():
            yield path
        else:
            with _beside(path) as partial:
                yield partial
    except OSError as error:
        raise InputError(
            f'{path} cannot be written: {error.strerror or error}: make room there, or '
            'give another path'
        ) from error


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    # Others may write the same file, on other machines too.
    writer = f'{socket.gethostname().partition(".")[0]}-{os.getpid()}'
    partial = path.with_name(f'.{path.stem}.{writer}.partial{path.suffix}')
    try:
        yield partial
        with open(partial, 'rb') as file:
            # else a power cut may leave the new name with no content
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, data: object) -> None:
    """Write figures as JSON that people can read."""
    with replacing(path) as partial:
        partial.write_text(json.dumps(data, indent=2) + '\n')


def write_rows(path: Path, rows: Sequence[Mapping]) -> None:
    """Write a CSV table whose columns are the keys of the rows, as they appear."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with (
        replacing(path) as partial,
        open(partial, 'w', newline='', encoding='utf-8') as file,
    ):
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
