from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmdet.models.dense_heads import SSDHead
from mmengine.config import Config, ConfigDict
from mmengine.registry import MODELS
from mmengine.structures import InstanceData
from torchvision.models.detection import _utils as det_utils
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.ssd import SSD
from torchvision.ops import batched_nms, box_iou

from tinydet.errors import InputError
from tinydet.models import SSDLiteAnchorGenerator, SSDLiteHead

CONFIGS = Path(__file__).parents[2] / 'configs'
MAP_SIZES = {
    512: [32, 16, 8, 4, 2, 1],
    320: [20, 10, 5, 3, 2, 1],
    128: [8, 4, 2, 1, 1, 1],
}
CHANNELS = (16, 24, 8, 8, 8, 8)
CLASSES = 4
BOX_CODER = det_utils.BoxCoder(weights=(10.0, 10.0, 5.0, 5.0))


@pytest.fixture(autouse=True)
def seeded(mmdet_scope):
    torch.manual_seed(0)


@pytest.fixture
def settings():
    """Training and test settings of the shipped model."""
    return Config.fromfile(CONFIGS / '_base_' / 'models' / 'ssdlite.py').model


@pytest.fixture
def make_head(settings):
    def make(side=128, classes=CLASSES, channels=CHANNELS, **test_cfg):
        cfg = ConfigDict(settings.bbox_head)
        cfg.anchor_generator.input_size = side
        cfg.update(
            num_classes=classes,
            in_channels=channels,
            train_cfg=settings.train_cfg,
            test_cfg={**settings.test_cfg, **test_cfg},
        )
        return MODELS.build(cfg)

    return make


def torchvision_boxes(side, features=None):
    """The default boxes of torchvision's SSD, (N, 4) xyxy pixels."""
    features = features or [torch.zeros(1, 1, n, n) for n in MAP_SIZES[side]]
    generator = DefaultBoxGenerator(
        [[2, 3]] * 6, min_ratio=0.15, max_ratio=0.95, clip=False
    )
    images = ImageList(torch.zeros(1, 3, side, side), [(side, side)])
    return generator(images, features)[0]


def meta(side, **more):
    return dict(img_shape=(side, side), pad_shape=(side, side), **more)


def random_objects(count, side):
    """Objects from a tenth to all of the image."""
    sides = side * (0.1 + 0.9 * torch.rand(count, 2))
    top_left = torch.rand(count, 2) * (side - sides)
    return InstanceData(
        bboxes=torch.cat([top_left, top_left + sides], dim=1),
        labels=torch.randint(CLASSES, (count,)),
    )


def random_outputs(side, images, classes=CLASSES):
    """Class scores and box offsets as the head gives them."""
    sizes = MAP_SIZES[side]
    scores = [2 * torch.randn(images, 6 * (classes + 1), n, n) for n in sizes]
    offsets = [torch.randn(images, 6 * 4, n, n) for n in sizes]
    return scores, offsets


def flat(maps, columns):
    """(N, A * K, H, W) maps as (N, boxes, K), by hand."""
    rows = []
    for level in maps:
        n, _, h, w = level.shape
        by_anchor = level.reshape(n, 6, columns, h, w)
        rows += [by_anchor[:, :, :, y, x] for y in range(h) for x in range(w)]
    return torch.cat(rows, dim=1)


# Default boxes


@pytest.mark.parametrize('side', [512, 320, 128])
def test_default_boxes_are_torchvision_s(side):
    ours = SSDLiteAnchorGenerator(side).grid_priors(
        [(n, n) for n in MAP_SIZES[side]], device='cpu'
    )
    assert [len(boxes) for boxes in ours] == [6 * n * n for n in MAP_SIZES[side]]
    torch.testing.assert_close(
        torch.cat(ours), torchvision_boxes(side), rtol=1e-5, atol=1e-3
    )


def test_default_boxes_by_hand():
    """The last location sees the whole image; its sizes are 95% and sqrt(0.95)."""
    boxes = SSDLiteAnchorGenerator(512).grid_priors(
        [(n, n) for n in MAP_SIZES[512]], device='cpu'
    )[-1]
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    torch.testing.assert_close(centres, torch.full((6, 2), 256.0))
    widths, heights = (boxes[:, 2:] - boxes[:, :2]).unbind(1)
    ratios = sorted((widths / heights).tolist())
    assert ratios == pytest.approx([1 / 3, 1 / 2, 1, 1, 2, 3], rel=1e-5)
    areas = sorted((widths * heights).sqrt().tolist())
    assert areas == pytest.approx([486.4] * 5 + [512 * 0.95**0.5], rel=1e-5)


@pytest.mark.parametrize(
    ('sizes', 'found'),
    [
        (MAP_SIZES[320], r'\(20, 20\)'),
        ([16, 8, 4, 2, 1, 1], r'\(16, 16\)'),
        (MAP_SIZES[512][:5], r'\(32, 32\)'),
    ],
)
def test_maps_of_another_input_are_refused(sizes, found):
    generator = SSDLiteAnchorGenerator(512)
    with pytest.raises(
        InputError, match=f'512x512 pixels.*{found}.*anchor_generator.input_size'
    ):
        generator.grid_priors([(n, n) for n in sizes], device='cpu')


@pytest.mark.parametrize('side', [0, -512, 16, 31, 512.0, float('nan'), '512', True])
def test_sides_without_maps_are_refused(side):
    message = f'anchor_generator.input_size={side!r} is not .* of at least 32'
    with pytest.raises(InputError, match=message):
        SSDLiteAnchorGenerator(side)


def test_maps_of_a_rectangle_are_refused():
    generator = SSDLiteAnchorGenerator(512)
    sizes = [(n, max(1, n // 2)) for n in MAP_SIZES[512]]
    with pytest.raises(InputError, match=r'\(32, 16\)'):
        generator.grid_priors(sizes, device='cpu')


# Neck and head


@pytest.mark.parametrize('side', [512, 320])
@torch.no_grad()
def test_maps_and_channels_of_a_forward(side, make_head, settings):
    neck = MODELS.build({**settings.neck, 'in_channels': (12, 40)}).eval()
    head = make_head(side, channels=(12, 40, 512, 256, 256, 128)).eval()
    features = neck(
        [torch.rand(1, 12, side // 16, side // 16)]
        + [torch.rand(1, 40, side // 32, side // 32)]
    )
    assert [tuple(f.shape[2:]) for f in features] == [(n, n) for n in MAP_SIZES[side]]
    assert [f.shape[1] for f in features] == [12, 40, 512, 256, 256, 128]

    scores, offsets = head(features)
    assert [s.shape[1] for s in scores] == [6 * (CLASSES + 1)] * 6
    assert [o.shape[1] for o in offsets] == [24] * 6
    head.prior_generator.grid_priors([s.shape[2:] for s in scores], device='cpu')


def test_prediction_layers_are_depthwise_separable(make_head):
    for branch in (make_head().cls_convs, make_head().reg_convs):
        for layer, channels in zip(branch, CHANNELS, strict=True):
            convs = [m for m in layer.modules() if isinstance(m, torch.nn.Conv2d)]
            assert [(c.kernel_size, c.groups) for c in convs] == [
                ((3, 3), channels),
                ((1, 1), 1),
            ]


@torch.no_grad()
def test_head_gives_float32_in_half_precision(make_head):
    head = make_head().eval()
    features = [
        torch.rand(1, channels, n, n)
        for channels, n in zip(CHANNELS, MAP_SIZES[128], strict=True)
    ]
    exact = head(features)
    seen = []
    head.cls_convs[0].register_forward_hook(lambda m, i, o: seen.append(o.dtype))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        half = head(features)

    assert seen == [torch.bfloat16]
    for ours, reference in zip(half, exact, strict=True):
        for level, expected in zip(ours, reference, strict=True):
            assert level.dtype == torch.float32
            torch.testing.assert_close(level, expected, rtol=0.05, atol=0.01)


# Training


def torchvision_matches(objects, boxes):
    if not len(objects):
        return torch.full((len(boxes),), -1)
    return det_utils.SSDMatcher(0.5)(box_iou(objects.bboxes, boxes))


@pytest.mark.parametrize('side', [512, 320])
def test_targets_are_torchvision_s(side, make_head):
    head = make_head(side)
    sizes = [(n, n) for n in MAP_SIZES[side]]
    objects = [random_objects(7, side), random_objects(0, side)]
    metas = [meta(side), meta(side)]
    anchors, flags = head.get_anchors(sizes, metas, device='cpu')
    labels, label_weights, targets, weights, _ = head.get_targets(
        anchors, flags, objects, metas
    )
    labels, targets = torch.cat(labels, 1), torch.cat(targets, 1)
    weights, label_weights = torch.cat(weights, 1), torch.cat(label_weights, 1)

    boxes = torchvision_boxes(side)
    for image, found in enumerate(objects):
        matches = torchvision_matches(found, boxes)
        positive = matches >= 0
        expected = torch.where(
            positive, found.labels[matches] if len(found) else CLASSES, CLASSES
        )
        assert torch.equal(labels[image], expected)
        assert torch.equal(weights[image], positive[:, None].expand(-1, 4).float())
        assert label_weights[image].all()
        torch.testing.assert_close(
            targets[image][positive],
            BOX_CODER.encode_single(found.bboxes[matches[positive]], boxes[positive]),
            rtol=1e-4,
            atol=1e-4,
        )
    assert (labels[0] < CLASSES).sum() > 7
    assert (labels[1] == CLASSES).all()


def test_an_object_that_fits_no_default_box_still_gets_one(make_head):
    """Its best box is matched although they overlap by far less than a half."""
    head = make_head(512)
    metas = [meta(512)]
    sliver = InstanceData(
        bboxes=torch.tensor([[100.0, 200.0, 104.0, 320.0]]), labels=torch.tensor([2])
    )
    anchors, flags = head.get_anchors(
        [(n, n) for n in MAP_SIZES[512]], metas, device='cpu'
    )
    labels = torch.cat(head.get_targets(anchors, flags, [sliver], metas)[0], 1)[0]
    overlaps = box_iou(sliver.bboxes, torchvision_boxes(512))[0]
    assert overlaps.max() < 0.3
    (match,) = (labels < CLASSES).nonzero().flatten().tolist()
    assert labels[match] == 2
    # Several boxes hold the sliver and overlap it equally, but for rounding.
    torch.testing.assert_close(overlaps[match], overlaps.max())


def test_crowds_are_neither_object_nor_background(make_head):
    head = make_head(512)
    metas = [meta(512)]
    single = InstanceData(
        bboxes=torch.tensor([[300.0, 300.0, 420.0, 420.0]]), labels=torch.tensor([1])
    )
    crowd = InstanceData(
        bboxes=torch.tensor([[20.0, 30.0, 260.0, 250.0]]), labels=torch.tensor([0])
    )
    anchors, flags = head.get_anchors(
        [(n, n) for n in MAP_SIZES[512]], metas, device='cpu'
    )
    labels, weights, *_ = head.get_targets(
        anchors, flags, [single], metas, batch_gt_instances_ignore=[crowd]
    )
    labels, weights = torch.cat(labels, 1)[0], torch.cat(weights, 1)[0]

    boxes = torchvision_boxes(512)
    corner = torch.maximum(boxes[:, :2], crowd.bboxes[:, :2])
    sides = torch.minimum(boxes[:, 2:], crowd.bboxes[:, 2:]) - corner
    inside = sides.clamp(min=0).prod(1) / (boxes[:, 2:] - boxes[:, :2]).prod(1)
    clear = (inside - 0.5).abs() > 1e-4  # of rounding
    assert (weights[clear] == (inside <= 0.5)[clear].float()).all()
    assert 100 < (weights == 0).sum() < len(weights) / 2
    assert set(labels.tolist()) == {1, CLASSES}


def torchvision_loss(scores, offsets, objects, side):
    """SSD's loss as torchvision computes it, background first."""
    logits = flat(scores, CLASSES + 1)
    boxes = torchvision_boxes(side)
    return SSD.compute_loss(
        SimpleNamespace(box_coder=BOX_CODER, neg_to_pos_ratio=3),
        [dict(boxes=o.bboxes, labels=o.labels + 1) for o in objects],
        {
            'cls_logits': torch.cat([logits[..., -1:], logits[..., :-1]], dim=-1),
            'bbox_regression': flat(offsets, 4),
        },
        [boxes] * len(objects),
        [torchvision_matches(o, boxes) for o in objects],
    )


def our_loss(head, scores, offsets, objects, side):
    losses = head.loss_by_feat(scores, offsets, objects, [meta(side)] * len(objects))
    return sum(losses['loss_cls']).squeeze(), sum(losses['loss_bbox'])


@pytest.mark.parametrize('side', [512, 128])
def test_loss_is_torchvision_s(side, make_head):
    objects = [random_objects(count, side) for count in (6, 1, 3)]
    scores, offsets = random_outputs(side, images=3)
    for level in (*scores, *offsets):
        level.requires_grad_()
    loss_cls, loss_bbox = our_loss(make_head(side), scores, offsets, objects, side)
    expected = torchvision_loss(scores, offsets, objects, side)

    torch.testing.assert_close(loss_cls, expected['classification'])
    torch.testing.assert_close(loss_bbox, expected['bbox_regression'])
    leaves = [*scores, *offsets]
    ours = torch.autograd.grad(loss_cls + loss_bbox, leaves)
    theirs = torch.autograd.grad(sum(expected.values()), leaves)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


def test_an_image_without_objects_counts_as_one_box_in_the_divisor(make_head):
    """mmdet's convention; torchvision divides by the matched boxes alone."""
    objects = [random_objects(4, 512), random_objects(0, 512)]
    scores, offsets = random_outputs(512, images=2)
    loss_cls, loss_bbox = our_loss(make_head(512), scores, offsets, objects, 512)
    expected = torchvision_loss(scores, offsets, objects, 512)

    matched = (torchvision_matches(objects[0], torchvision_boxes(512)) >= 0).sum()
    share = matched / (matched + 1)
    torch.testing.assert_close(loss_cls, expected['classification'] * share)
    torch.testing.assert_close(loss_bbox, expected['bbox_regression'] * share)


def test_a_batch_without_objects_has_a_loss_of_zero_and_a_gradient(make_head):
    objects = [random_objects(0, 128)] * 2
    scores, offsets = random_outputs(128, images=2)
    for level in (*scores, *offsets):
        level.requires_grad_()
    loss_cls, loss_bbox = our_loss(make_head(), scores, offsets, objects, 128)
    assert loss_cls == loss_bbox == 0
    (loss_cls + loss_bbox).backward()
    assert all(not level.grad.any() for level in (*scores, *offsets))


# Prediction


def predictions_by_hand(scores, offsets, image, side, scale, settings):
    """Boxes (xyxy pixels of the original image), scores and labels, best first."""
    boxes_of_level = torchvision_boxes(side).split([6 * n * n for n in MAP_SIZES[side]])
    boxes, confidences, labels = [], [], []
    for level, defaults in enumerate(boxes_of_level):
        columns = scores[level].shape[1] // 6
        probabilities = flat(scores[level : level + 1], columns)[image].softmax(-1)
        decoded = BOX_CODER.decode_single(
            flat(offsets[level : level + 1], 4)[image], defaults
        )
        candidates = [
            (probability, box, label)
            for box, row in enumerate(probabilities[:, :-1].tolist())
            for label, probability in enumerate(row)
            if probability > settings['score_thr']
        ]
        candidates.sort(key=lambda candidate: -candidate[0])
        for probability, box, label in candidates[: settings['nms_pre']]:
            x1, y1, x2, y2 = decoded[box].clamp(0, side).tolist()
            boxes.append([x1 / scale[0], y1 / scale[1], x2 / scale[0], y2 / scale[1]])
            confidences.append(probability)
            labels.append(label)
    boxes, confidences = torch.tensor(boxes), torch.tensor(confidences)
    labels = torch.tensor(labels)
    keep = batched_nms(boxes, confidences, labels, settings['nms']['iou_threshold'])
    keep = keep[: settings['max_per_img']]
    return boxes[keep], confidences[keep], labels[keep]


@pytest.mark.parametrize(
    'changes', [{}, dict(score_thr=0.3, nms_pre=40, max_per_img=20)]
)
def test_predictions_are_torchvision_s_by_hand(changes, make_head):
    side, scales = 128, [(0.5, 2.0), (1.6, 0.8)]
    head = make_head(side, **changes)
    scores, offsets = random_outputs(side, images=2)
    results = head.predict_by_feat(
        scores,
        offsets,
        batch_img_metas=[meta(side, scale_factor=scale) for scale in scales],
        rescale=True,
    )
    for image, (found, scale) in enumerate(zip(results, scales, strict=True)):
        boxes, confidences, labels = predictions_by_hand(
            scores, offsets, image, side, scale, head.test_cfg
        )
        assert len(boxes) == head.test_cfg['max_per_img']
        torch.testing.assert_close(found.scores, confidences)
        assert torch.equal(found.labels, labels)
        torch.testing.assert_close(found.bboxes, boxes, rtol=1e-5, atol=1e-2)


def test_scale_factor_is_width_then_height(make_head):
    head = make_head()
    scores, offsets = random_outputs(128, images=1)
    network, original = (
        head.predict_by_feat(
            scores,
            offsets,
            batch_img_metas=[meta(128, scale_factor=(0.5, 2.0))],
            rescale=rescale,
            with_nms=False,
        )[0]
        for rescale in (False, True)
    )
    assert network.bboxes.min() >= 0
    assert network.bboxes.max() <= 128
    factors = torch.tensor([2.0, 0.5, 2.0, 0.5])
    torch.testing.assert_close(original.bboxes, network.bboxes * factors)


def test_boxes_of_late_classes_are_compared_as_closely_as_others(make_head):
    """Overlaps a hair's breadth beside the threshold, which a shift would round."""
    head, threshold = make_head(512, classes=80), 0.45
    generator = torch.Generator().manual_seed(1)
    pairs, expected = [], []
    for _ in range(80):
        left, top = (400 * torch.rand(2, generator=generator)).tolist()
        # Of a box 30 wide, moved so that the overlap is near the threshold.
        overlap = threshold + 1e-4 * (torch.rand(1, generator=generator).item() - 0.5)
        move = 30 * (1 - overlap) / (1 + overlap)
        box = torch.tensor([left, top, left + 30, top + 20])
        pair = torch.stack([box, box + torch.tensor([move, 0, move, 0])])
        iou = box_iou(pair[:1].double(), pair[1:].double())
        pairs.append(pair)
        expected.append(2 if iou <= threshold else 1)
    assert set(expected) == {1, 2}
    labels = torch.arange(80).repeat_interleave(2)
    candidates = InstanceData(
        bboxes=torch.cat(pairs), scores=torch.linspace(1, 0.5, 160), labels=labels
    )
    found = head._bbox_post_process(
        candidates, head.test_cfg, rescale=True, img_meta=dict(scale_factor=(3.0, 0.7))
    )
    assert found.labels.bincount().tolist() == expected


def test_a_perfect_network_finds_the_objects(make_head):
    """Offsets and scores made from torchvision's targets decode to the objects."""
    side, columns = 512, CLASSES + 1
    objects = InstanceData(
        bboxes=torch.tensor([[10.0, 20, 110, 90], [200, 180, 500, 490]]),
        labels=torch.tensor([3, 0]),
    )
    boxes = torchvision_boxes(side)
    matches = torchvision_matches(objects, boxes)
    rows = BOX_CODER.encode_single(objects.bboxes[matches.clamp(min=0)], boxes)
    labels = torch.where(matches >= 0, objects.labels[matches], CLASSES)
    logits = 20.0 * torch.nn.functional.one_hot(labels, columns)

    def as_maps(values):
        levels = values.split([6 * n * n for n in MAP_SIZES[side]])
        return [
            level.reshape(1, n, n, -1).permute(0, 3, 1, 2)
            for level, n in zip(levels, MAP_SIZES[side], strict=True)
        ]

    (found,) = make_head(side).predict_by_feat(
        as_maps(logits),
        as_maps(rows),
        batch_img_metas=[meta(side, scale_factor=(1.0, 1.0))],
        rescale=True,
    )
    order = found.labels.argsort(descending=True)
    assert found.labels[order].tolist() == [3, 0]
    torch.testing.assert_close(found.bboxes[order], objects.bboxes, rtol=0, atol=0.01)
    assert (found.scores > 0.99).all()


def test_no_box_above_the_threshold(make_head):
    head = make_head(score_thr=1.0)
    (found,) = head.predict_by_feat(
        *random_outputs(128, images=1),
        batch_img_metas=[meta(128, scale_factor=(1.0, 1.0))],
        rescale=True,
    )
    assert found.bboxes.shape == (0, 4)
    assert found.scores.shape == found.labels.shape == (0,)


def test_mmdet_s_own_head_cannot_predict(make_head, settings):
    """The reason for ours; where mmdet mends it, ours can lose a line."""
    assert issubclass(SSDLiteHead, SSDHead)
    theirs = SSDHead(
        num_classes=CLASSES,
        in_channels=CHANNELS,
        anchor_generator=dict(type='SSDLiteAnchorGenerator', input_size=128),
        test_cfg=settings.test_cfg,
    )
    with pytest.raises(AttributeError, match='loss_cls'):
        theirs.predict_by_feat(
            *random_outputs(128, images=1),
            batch_img_metas=[meta(128, scale_factor=(1.0, 1.0))],
        )
