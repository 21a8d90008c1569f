import pytest
from mmengine.registry import DefaultScope

import tinydet.models  # noqa: F401  (registers, and makes mmdet importable)


@pytest.fixture
def mmdet_scope():
    """Configs find mmdet's modules without a prefix, as they do under a runner."""
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield
