"""Which TinyDet this is."""

import subprocess
from pathlib import Path

import tinydet

UNKNOWN = 'unknown'
_ROOT = Path(tinydet.__file__).parents[1]


def git_revision(root: Path = _ROOT) -> str:
    """The git revision of a checkout.

    Args:
        root: Its folder; that of this package.

    Returns:
        The hash of the commit, with ``-dirty`` behind it where tracked files are
        changed; ``'unknown'`` where the folder is no checkout, though it may lie in
        one, as an environment does in that of another project.
    """
    top = _git(root, 'rev-parse', '--show-toplevel')
    if top is None or Path(top) != root.resolve():
        return UNKNOWN
    # Without tags, a description is the hash.
    words = '--always', '--dirty', '--abbrev=40', '--exclude=*'
    return _git(root, 'describe', *words) or UNKNOWN


def _git(folder: Path, *words: str) -> str | None:
    """What git prints; None where it fails or is not there."""
    try:
        done = subprocess.run(
            ['git', '-C', folder, *words], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
