import numpy as np
import pytest

from tinydet.data.demo.layout import rasterise
from tinydet.data.demo.shapes import CLASSES


@pytest.mark.parametrize('name', CLASSES)
def test_contours_of_every_class_can_be_drawn(name):
    rng = np.random.default_rng(0)
    for extent in (10, 90, 250):
        item = rasterise(rng, CLASSES[name], 0, extent)
        rows, columns = np.nonzero(item.solid)
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == pytest.approx(extent, abs=2)
        assert 0.1 < item.solid.sum() / extent**2 < 0.9
        # The patch has room for the whole shape, soft edge included.
        assert item.alpha[[0, -1]].max() == item.alpha[:, [0, -1]].max() == 0
