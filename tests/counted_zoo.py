"""The zoo of this repository, counted once for all tests."""

from functools import cache
from pathlib import Path

from tinydet.zoo.files import Zoo, count_zoo

REPO = Path(__file__).parents[1]


@cache
def zoo() -> Zoo:
    """Every network and config."""
    return count_zoo(REPO)
