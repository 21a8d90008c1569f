"""The parts of a graph against mmdet's and mmpretrain's."""

import pytest
import torch
from mmdet.models.data_preprocessors import DetDataPreprocessor
from mmpretrain.models import ClsDataPreprocessor
from settled_nets import MEAN, STD, pictures, write_detector

from tinydet.deploy.graph import DetectorGraph, Normalisation
from tinydet.engine.jobs import load_config
from tinydet.models.trained import load_detector

SIDE = 96


@pytest.mark.parametrize(
    'preprocessor',
    [
        DetDataPreprocessor(mean=MEAN, std=STD, bgr_to_rgb=True),
        DetDataPreprocessor(mean=MEAN, std=STD),
        DetDataPreprocessor(mean=[100], std=[50], bgr_to_rgb=True),
        DetDataPreprocessor(),
        ClsDataPreprocessor(mean=MEAN, std=STD, to_rgb=True),
        ClsDataPreprocessor(mean=MEAN, std=STD),
        ClsDataPreprocessor(),
    ],
)
def test_normalisation_is_the_preprocessors(preprocessor):
    images = torch.from_numpy(pictures(2, 32))
    as_read = images.flip(3).permute(0, 3, 1, 2)
    expected = preprocessor(dict(inputs=as_read, data_samples=None))['inputs']
    assert torch.equal(Normalisation(preprocessor)(images), expected)


@pytest.mark.parametrize('rgb', [True, False])
def test_mean_and_deviation_are_said_for_rgb(rgb):
    preprocessor = DetDataPreprocessor(mean=MEAN, std=STD, bgr_to_rgb=rgb)
    order = slice(None, None, 1 if rgb else -1)
    assert Normalisation(preprocessor).of_rgb() == (
        tuple(MEAN[order]),
        tuple(STD[order]),
    )


def test_without_normalisation():
    assert Normalisation(ClsDataPreprocessor()).of_rgb() == ((0.0,) * 3, (1.0,) * 3)


@pytest.fixture(scope='module')
def detector(tmp_path_factory):
    config, checkpoint = write_detector(tmp_path_factory.mktemp('graph'), SIDE)
    return load_detector(load_config(config), str(checkpoint)).model


@torch.no_grad()
def test_boxes_are_decoded_as_the_coder_does(detector):
    graph = DetectorGraph(detector, SIDE)
    assert graph.level_sizes == (216, 54, 24, 6, 6, 6)
    maps = [(6, 6), (3, 3), (2, 2), (1, 1), (1, 1), (1, 1)]
    priors = torch.cat(
        detector.bbox_head.prior_generator.grid_priors(maps, device='cpu')
    )
    torch.manual_seed(0)
    # Far beyond the image, and sides far beyond what the coder lets through.
    offsets = torch.randn(2, len(priors), 4) * torch.tensor([20.0, 20.0, 15.0, 15.0])
    coder = detector.bbox_head.bbox_coder
    for found, image in zip(graph.decode(offsets), offsets, strict=True):
        expected = coder.decode(priors, image, max_shape=(SIDE, SIDE))
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)
        assert found.min() == 0 and found.max() == SIDE


@torch.no_grad()
def test_boxes_and_scores_belong_together(detector):
    images = torch.from_numpy(pictures(2, SIDE))
    graph = DetectorGraph(detector, SIDE)
    boxes, scores = graph(images)
    assert boxes.shape == (2, 312, 4) and scores.shape == (2, 312, 3)
    maps = detector(graph.normalisation(images))
    start = 0
    for size, logits, offsets in zip(graph.level_sizes, *maps, strict=True):
        side = logits.shape[-1]
        for place in (0, size - 1):
            at, box = divmod(place, 6)
            y, x = divmod(at, side)
            own = logits[1, 4 * box : 4 * box + 4, y, x]
            torch.testing.assert_close(
                scores[1, start + place], own.softmax(0)[:3], rtol=1e-5, atol=1e-6
            )
            own = offsets[1, 4 * box : 4 * box + 4, y, x]
            alone = torch.zeros(1, 312, 4)
            alone[0, start + place] = own
            torch.testing.assert_close(
                boxes[1, start + place], graph.decode(alone)[0, start + place]
            )
        start += size
