"""Files that must be refused."""

import os
from pathlib import Path


class RunsCode:
    """Creates a file when it is unpickled with code allowed."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self):
        return os.mkdir, (str(self.proof),)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
