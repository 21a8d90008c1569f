from pathlib import Path

import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import MODELS
from mmengine.structures import InstanceData
from torch import nn

from tinydet.errors import InputError
from tinydet.models import SSDLite
from tinydet.models.detector import backbone_channels

CONFIGS = Path(__file__).parents[2] / 'configs'
SIDE = 128

TINYNET_D = dict(type='TinyNet', variant='d', out_indices=('expand5', 7))
FOREIGN_BACKBONES = {
    'mmpretrain': dict(
        type='mmpretrain.MobileNetV3', arch='small', out_indices=(8, 12)
    ),
    'timm': dict(
        type='mmpretrain.TIMMBackbone',
        model_name='mobilenetv3_small_050',
        features_only=True,
        pretrained=False,
        out_indices=(3, 4),
    ),
    'mmdet': dict(type='mmdet.MobileNetV2', widen_factor=0.25, out_indices=(4, 7)),
}


@pytest.fixture(autouse=True)
def seeded(mmdet_scope):
    torch.manual_seed(0)


def make_model(config=CONFIGS / 'ssdlite_tinynet_d.py', side=SIDE, backbone=None):
    """The detector of a config, for a small input."""
    cfg = Config.fromfile(config)
    cfg.merge_from_dict({'model.bbox_head.anchor_generator.input_size': side})
    if backbone:
        cfg.model.backbone = backbone
    # weights that another run is to make first
    cfg.model.backbone.pop('init_cfg', None)
    model = MODELS.build(cfg.model)
    model.init_weights()
    return model


def make_batch(num_classes, side=SIDE, images=2):
    """uint8 noise with bright squares, as the data loader gives it."""
    inputs, samples = [], []
    for _ in range(images):
        image = torch.randint(0, 100, (3, side, side), dtype=torch.uint8)
        corners = torch.randint(0, side // 2, (3, 2))
        sides = torch.randint(side // 5, side // 2, (3, 2))
        boxes = torch.cat([corners, corners + sides], dim=1)
        for x1, y1, x2, y2 in boxes.tolist():
            image[:, y1:y2, x1:x2] += 50
        sample = DetDataSample(
            gt_instances=InstanceData(
                bboxes=boxes.float(), labels=torch.randint(num_classes, (3,))
            ),
            metainfo=dict(
                img_shape=(side, side),
                ori_shape=(2 * side, 4 * side),
                scale_factor=(0.25, 0.5),
            ),
        )
        inputs.append(image)
        samples.append(sample)
    return dict(inputs=inputs, data_samples=samples)


def train(model, batch, steps):
    """Losses of a few steps on one batch."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    wrapper = OptimWrapper(optimizer, clip_grad=dict(max_norm=10))
    model.train()
    return [model.train_step(batch, wrapper)['loss'].item() for _ in range(steps)]


def assert_trains_and_predicts(model):
    num_classes = model.bbox_head.num_classes
    batch = make_batch(num_classes)
    losses = torch.tensor(train(model, batch, steps=4))
    assert losses.isfinite().all()
    assert losses[-1] < losses[0]

    model.bbox_head.test_cfg.score_thr = 0.0
    model.eval()
    with torch.no_grad():
        samples = model.test_step(batch)
    for sample in samples:
        found = sample.pred_instances
        assert 0 < len(found) <= 200
        assert found.scores.isfinite().all()
        assert found.labels.min() >= 0
        assert found.labels.max() < num_classes
        # In pixels of the original image, which is four times as wide, twice as high.
        assert found.bboxes.min() >= 0
        assert 2 * SIDE < found.bboxes[:, 0::2].max() <= 4 * SIDE
        assert SIDE < found.bboxes[:, 1::2].max() <= 2 * SIDE


# Every shipped config, and backbones of other packages


@pytest.mark.parametrize(
    'config', sorted(CONFIGS.glob('ssdlite*.py')), ids=lambda path: path.stem
)
def test_every_config_trains_and_predicts(config):
    model = make_model(config)
    assert isinstance(model, SSDLite)
    assert_trains_and_predicts(model)


@pytest.mark.parametrize(
    'backbone', FOREIGN_BACKBONES.values(), ids=list(FOREIGN_BACKBONES)
)
def test_one_line_of_a_config_swaps_the_backbone(backbone, tmp_path):
    config = tmp_path / 'swapped.py'
    config.write_text(
        f"_base_ = '{CONFIGS / 'ssdlite_tinynet_d.py'}'\n"
        f'model = dict(backbone=dict(_delete_=True, **{backbone}))\n'
    )
    model = make_model(config)
    assert type(model.backbone).__name__ == backbone['type'].rpartition('.')[2]
    assert_trains_and_predicts(model)


@torch.no_grad()
def test_maps_at_the_size_of_the_configs():
    model = make_model(side=512).eval()
    scores, offsets = model(torch.zeros(1, 3, 512, 512))
    sizes = [(n, n) for n in (32, 16, 8, 4, 2, 1)]
    assert [tuple(s.shape[2:]) for s in scores] == sizes
    assert [tuple(o.shape[2:]) for o in offsets] == sizes
    assert [s.shape[1] for s in scores] == [6 * 81] * 6


# Taps and channels


@pytest.mark.parametrize(
    ('backbone', 'channels'),
    [
        # The expansion has six times the 64 channels that enter stage 5.
        (TINYNET_D, [384, 1280]),
        (dict(TINYNET_D, out_indices=(4, 6)), [64, 176]),
        (dict(TINYNET_D, variant='a'), [672, 1280]),
        (
            dict(
                type='ConvNet',
                arch='mobilenet_v2',
                out_indices=('expand5', 7),
            ),
            [576, 1280],
        ),
        (FOREIGN_BACKBONES['mmpretrain'], [48, 576]),
        (FOREIGN_BACKBONES['timm'], [24, 288]),
    ],
)
def test_channels_follow_the_backbone(backbone, channels):
    model = make_model(backbone=backbone)
    assert backbone_channels(model.backbone) == channels
    expected = [*channels, 512, 256, 256, 128]
    depthwise = [convs[0].conv.in_channels for convs in model.bbox_head.cls_convs]
    assert depthwise == expected
    features = model.extract_feat(torch.zeros(2, 3, SIDE, SIDE))
    assert [f.shape[1] for f in features] == expected


@pytest.mark.parametrize(
    ('out_indices', 'strides'),
    [
        ((2, 7), r'2 feature maps of strides \[8, 32\]'),
        ((7, 'expand5'), r'2 feature maps of strides \[32, 16\]'),
        ((7,), r'1 feature maps of strides \[32\]'),
        ((2, 4, 6), r'3 feature maps of strides \[8, 16, 32\]'),
    ],
)
def test_wrong_strides_are_refused(out_indices, strides):
    backbone = dict(TINYNET_D, out_indices=out_indices)
    with pytest.raises(InputError, match=f'TinyNet gives {strides}.*out_indices'):
        make_model(backbone=backbone)


@pytest.mark.parametrize(
    ('backbone', 'message'),
    [
        (
            dict(type='ResNet', depth=17, out_indices=(2, 3)),
            r'the backbone ResNet cannot be built with \(depth=17, out_indices=\(2, 3\)'
            r'\): KeyError: .*17',
        ),
        (dict(type='ResNet', depth=18, out_indices=(2, 9)), 'AssertionError'),
        (dict(type='ResNet', foo=1), r'\(foo=1\): TypeError: .*foo'),
        (dict(type='NoNet'), 'the backbone NoNet cannot be built with .*NoNet'),
        (dict(type='mmpretrain.MobileNetV2', out_indices=(3, 99)), '99'),
        (dict(TINYNET_D, foo=1), 'the backbone TinyNet cannot be built .*foo'),
        (dict(TINYNET_D, variant='f'), "^there is no TinyNet 'f'"),
    ],
    ids=str,
)
def test_arguments_of_any_backbone_are_refused_in_a_line(backbone, message):
    with pytest.raises(InputError, match=message) as error:
        make_model(backbone=backbone)
    assert len(str(error.value).splitlines()) == 1


def test_finding_the_channels_leaves_no_trace():
    frozen = dict(TINYNET_D, frozen_stages=2)
    model = make_model(backbone=frozen)
    for name, module in model.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.num_batches_tracked == 0, name
            assert not module.running_mean.any(), name
    assert model.training
    assert model.neck.training
    assert model.backbone.blocks[2].training
    assert not model.backbone.blocks[1].training


# Layout in memory


def test_weights_and_features_are_channels_last():
    model = make_model()
    train(model, make_batch(80), steps=1)
    weights = {n: p for n, p in model.named_parameters() if p.dim() == 4}
    assert len(weights) > 80
    for name, weight in weights.items():
        assert weight.is_contiguous(memory_format=torch.channels_last), name
    for feature in model.extract_feat(torch.zeros(2, 3, SIDE, SIDE)):
        assert feature.is_contiguous(memory_format=torch.channels_last)


def test_layout_changes_no_result():
    model = make_model().eval()
    images = torch.rand(1, 3, SIDE, SIDE)
    with torch.no_grad():
        ours = model(images)
        plain = model.to(memory_format=torch.contiguous_format)(images)
    torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-5)
