from collections.abc import Callable
from functools import partial

import pytest
import toy_runner
from mmengine.runner import Runner


@pytest.fixture
def make_runner(tmp_path) -> Callable[..., Runner]:
    """`toy_runner.make_runner` in ``tmp_path``."""
    return partial(toy_runner.make_runner, tmp_path)
