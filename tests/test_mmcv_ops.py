import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from torchvision.ops import batched_nms, box_iou, nms

import tinydet
from tinydet.mmcv_ops import install

# isort: split
# Without its compiled extension, mmcv.ops can only be imported after tinydet.
import mmcv.ops
from mmcv.utils.ext_loader import load_ext

IS_STAND_IN = not hasattr(sys.modules['mmcv._ext'], '__file__')
needs_stand_in = pytest.mark.skipif(
    not IS_STAND_IN, reason='mmcv has its compiled extension here'
)


def random_boxes(count, seed=0, side=100.0):
    """(count, 4) xyxy boxes in a square, many of which overlap, and their scores."""
    generator = torch.Generator().manual_seed(seed)
    top_left = torch.rand(count, 2, generator=generator) * side * 0.7
    sides = (0.05 + torch.rand(count, 2, generator=generator)) * side * 0.3
    boxes = torch.cat([top_left, top_left + sides], dim=1)
    return boxes, torch.rand(count, generator=generator)


@pytest.mark.parametrize('threshold', [0.2, 0.5, 0.8])
def test_nms_is_torchvision_s(threshold):
    boxes, scores = random_boxes(300)
    kept_boxes, kept = mmcv.ops.nms(boxes, scores, iou_threshold=threshold)

    expected = nms(boxes, scores, threshold)
    assert 0 < len(expected) < len(boxes)
    assert torch.equal(kept, expected)
    assert torch.equal(kept_boxes, torch.cat([boxes, scores[:, None]], 1)[expected])


def test_nms_takes_numpy():
    boxes, scores = random_boxes(50)
    _, kept = mmcv.ops.nms(boxes.numpy(), scores.numpy(), iou_threshold=0.5)
    assert isinstance(kept, np.ndarray)
    assert kept.tolist() == nms(boxes, scores, 0.5).tolist()


def test_score_threshold_and_max_num():
    boxes, scores = random_boxes(300)
    _, kept = mmcv.ops.nms(
        boxes, scores, iou_threshold=0.5, score_threshold=0.4, max_num=7
    )
    above = (scores > 0.4).nonzero()[:, 0]
    assert kept.tolist() == above[nms(boxes[above], scores[above], 0.5)][:7].tolist()


def test_offset_counts_the_last_pixel():
    # Sides of 10 pixels counted as x2 - x1 + 1, shifted by 5: they share 5 x 10 of
    # 150 pixels, an overlap of 0.333. Without the offset it is 4 x 9 of 126: 0.286.
    boxes = torch.tensor([[0.0, 0, 9, 9], [5.0, 0, 14, 9]])
    scores = torch.tensor([0.9, 0.8])
    kept = {
        offset: mmcv.ops.nms(boxes, scores, iou_threshold=0.3, offset=offset)[1]
        for offset in (0, 1)
    }
    assert kept[0].tolist() == [0, 1]
    assert kept[1].tolist() == [0]


def test_nms_of_nothing():
    kept_boxes, kept = mmcv.ops.nms(
        torch.zeros(0, 4), torch.zeros(0), iou_threshold=0.5
    )
    assert kept_boxes.shape == (0, 5)
    assert kept.shape == (0,)


@pytest.mark.parametrize('split_thr', [10000, 100])
def test_batched_nms_is_torchvision_s(split_thr):
    boxes, scores = random_boxes(300, seed=1)
    labels = torch.arange(300) % 4
    kept_boxes, kept = mmcv.ops.batched_nms(
        boxes, scores, labels, dict(type='nms', iou_threshold=0.5, split_thr=split_thr)
    )

    expected = batched_nms(boxes, scores, labels, 0.5)
    assert torch.equal(kept, expected)
    assert torch.equal(kept_boxes[:, :4], boxes[expected])
    # Boxes of other classes do overlap by more: they were kept for their class.
    other = labels[kept][:, None] != labels[kept]
    assert (box_iou(boxes[kept], boxes[kept])[other] > 0.5).any()


def refused_roi_align():
    return mmcv.ops.RoIAlign(7)(
        torch.rand(1, 2, 8, 8), torch.tensor([[0.0, 0, 0, 4, 4]])
    )


def refused_soft_nms():
    return mmcv.ops.soft_nms(*random_boxes(4))


def refused_deform_conv():
    conv = mmcv.ops.DeformConv2d(2, 2, 3, padding=1)
    return conv(torch.rand(1, 2, 8, 8), torch.zeros(1, 18, 8, 8))


@needs_stand_in
@pytest.mark.parametrize(
    ('call', 'name'),
    [
        (refused_roi_align, 'roi_align_forward'),
        (refused_soft_nms, 'softnms'),
        (refused_deform_conv, 'deform_conv_forward'),
    ],
)
def test_other_operators_say_what_to_install(call, name):
    with pytest.raises(
        NotImplementedError, match=f"'{name}' needs.*pip install .*onedl-mmcv"
    ):
        call()


@needs_stand_in
def test_private_names_are_missing_not_refused():
    extension = load_ext('_ext', [])
    assert not hasattr(extension, '_no_such_name')


def run(code, **environment):
    """What a fresh interpreter prints."""
    return subprocess.run(
        [sys.executable, '-c', textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    ).stdout.strip()


PACKAGE_ROOT = str(tinydet.__path__[0]).removesuffix('tinydet')


def test_a_real_extension_is_left_alone(tmp_path):
    """The stand-in is installed first, and still Python's finders are asked first."""
    package = tmp_path / 'mmcv'
    package.mkdir()
    (package / '__init__.py').touch()
    (package / '_ext.py').write_text("nms = 'compiled'\n")
    code = 'import tinydet, mmcv._ext as e; print(e.nms, e.__file__)'
    assert run(code, PYTHONPATH=f'{tmp_path}:{PACKAGE_ROOT}') == (
        f'compiled {package / "_ext.py"}'
    )


def test_the_stand_in_serves_where_the_extension_is_missing(tmp_path):
    package = tmp_path / 'mmcv'
    package.mkdir()
    (package / '__init__.py').touch()
    code = """
        import tinydet, mmcv._ext
        try:
            import mmcv._other
        except ModuleNotFoundError as error:
            print(type(mmcv._ext.nms).__name__, error.name)
    """
    printed = run(code, PYTHONPATH=f'{tmp_path}:{PACKAGE_ROOT}')
    assert printed == 'function mmcv._other'


def test_installing_twice_adds_one_finder():
    before = list(sys.meta_path)
    install()
    assert sys.meta_path == before


def test_importing_the_package_loads_no_framework():
    code = """
        import sys, tinydet
        print(sorted({'torch', 'torchvision', 'mmengine', 'mmcv', 'numpy'}
                     & set(sys.modules)))
    """
    assert run(code, PYTHONPATH=PACKAGE_ROOT) == '[]'
