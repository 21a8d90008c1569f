import logging

import mmdet.registry
import mmpretrain.models
import mmpretrain.registry
import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import MODELS, DefaultScope
from mmpretrain.structures import DataSample
from timm_nets import timm_net
from torch import nn

from tinydet.errors import InputError
from tinydet.models import Classifier, ClassifierHead
from tinydet.weights import loading

CLASSES = 4


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def classifier(backbone=None, **settings) -> dict:
    return dict(
        type='Classifier',
        backbone=backbone or dict(type='TinyNet', variant='e'),
        head=dict(num_classes=CLASSES, **settings.pop('head', {})),
        **settings,
    )


def batch(images: int = 4, side: int = 64) -> dict:
    labels = torch.arange(images) % CLASSES
    return {
        'inputs': torch.randn(images, 3, side, side) + labels.view(-1, 1, 1, 1),
        'data_samples': [DataSample().set_gt_label(int(i)) for i in labels],
    }


@pytest.mark.parametrize('scope', [None, 'mmdet', 'mmpretrain'])
@pytest.mark.parametrize(
    'registry', [MODELS, mmdet.registry.MODELS, mmpretrain.registry.MODELS]
)
def test_it_builds_in_every_scope(registry, scope):
    with DefaultScope.overwrite_default_scope(scope), torch.device('meta'):
        model = registry.build(classifier())
    assert type(model) is Classifier
    assert type(model.head) is ClassifierHead
    assert type(model.neck) is mmpretrain.models.GlobalAveragePooling
    assert type(model.head.loss_module) is mmpretrain.models.CrossEntropyLoss
    assert type(model.data_preprocessor) is mmpretrain.models.ClsDataPreprocessor


@pytest.mark.parametrize(
    ('backbone', 'channels'),
    [
        (dict(type='TinyNet', variant='a'), 1280),
        (dict(type='TinyNet', variant='e', out_indices=(2, 4)), 56),
        (dict(type='ConvNet', arch='resnet50'), 2048),
        (dict(type='mmpretrain.MobileNetV2', widen_factor=0.5), 1280),
        (dict(type='mmpretrain.MobileNetV3', arch='small'), 576),
        (dict(type='mmpretrain.ShuffleNetV2', widen_factor=0.5), 1024),
        (dict(type='mmdet.ResNet', depth=18), 512),
        (dict(type='mmpretrain.TIMMBackbone', model_name='mnasnet_050'), 1280),
    ],
)
@pytest.mark.parametrize('device', ['meta', 'cpu'])
def test_it_fits_any_backbone(backbone, channels, device):
    with torch.device(device):
        model = MODELS.build(classifier(backbone))
        images = torch.zeros(2, 3, 64, 64)
    assert model.backbone.training and model.neck.training
    assert model.head.in_channels == channels
    assert model(images).shape == (2, CLASSES)
    assert model.eval()(images, mode='tensor').shape == (2, CLASSES)


def test_building_leaves_the_statistics_as_they_are():
    model = MODELS.build(classifier())
    assert model.backbone.bn1.num_batches_tracked == 0
    assert not model.backbone.bn1.running_mean.any()


def test_weights_are_in_channels_last():
    model = MODELS.build(classifier())
    weight = model.backbone.conv_stem.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert not weight.is_contiguous()


@pytest.mark.parametrize(
    ('arch', 'hidden', 'activation'),
    [
        ('mobilenet_v3_small', 1024, nn.Hardswish),
        ('mobilenet_v3_large', 1280, nn.Hardswish),
        ('ghostnet_100', 1280, nn.ReLU),
    ],
)
def test_a_hidden_layer_comes_from_the_architecture(arch, hidden, activation):
    backbone = dict(type='ConvNet', arch=arch)
    with torch.device('meta'):
        head = MODELS.build(classifier(backbone)).head
        narrow = MODELS.build(
            classifier(backbone, head=dict(hidden=8, activation='silu'))
        ).head
    assert head.hidden.out_features == head.fc.in_features == hidden
    assert type(head.act) is activation
    assert (narrow.hidden.out_features, type(narrow.act)) == (8, nn.SiLU)


@torch.no_grad()
def test_dropout_is_between_the_last_two_layers():
    head = ClassifierHead(
        CLASSES, in_channels=6, hidden=500, activation='relu', dropout=0.3
    )
    feats = (torch.rand(200, 6),)
    head.eval()
    expected = torch.relu(head.hidden(feats[0]))
    torch.testing.assert_close(head.pre_logits(feats), expected)
    torch.testing.assert_close(head(feats), head.fc(expected))
    dropped = head.train().pre_logits(feats)
    alive = expected > 0
    assert (dropped[alive] == 0).float().mean().item() == pytest.approx(0.3, abs=0.02)
    kept = alive & (dropped != 0)
    torch.testing.assert_close(dropped[kept], expected[kept] / 0.7)


def test_loss_and_prediction():
    model = MODELS.build(classifier()).eval()
    data = batch()
    logits = model(data['inputs'])
    labels = torch.tensor([s.gt_label.item() for s in data['data_samples']])
    loss = model(**data, mode='loss')['loss']
    torch.testing.assert_close(loss, nn.functional.cross_entropy(logits, labels))
    predicted = model(**data, mode='predict')
    torch.testing.assert_close(
        torch.stack([sample.pred_score for sample in predicted]), logits.softmax(1)
    )
    assert [s.pred_label.item() for s in predicted] == logits.argmax(1).tolist()


def train(model, steps: int = 6) -> list[float]:
    optimizer = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.05))
    data = batch()
    return [model.train_step(data, optimizer)['loss'].item() for _ in range(steps)]


MMPRETRAIN_S = dict(
    type='ImageClassifier',
    backbone=dict(type='TinyNet', variant='e'),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead',
        num_classes=CLASSES,
        in_channels=1280,
        loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1),
    ),
)


@pytest.mark.parametrize('cfg', [classifier(), MMPRETRAIN_S], ids=['ours', 'theirs'])
def test_it_trains(cfg):
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(cfg)
        model.init_weights()
    losses = train(model)
    assert losses[-1] < 0.8 * losses[0]


def test_mmpretrain_s_classifier_loads_the_backbone_strictly(tmp_path):
    theirs = timm_net('tinynet_e').state_dict()
    right, wrong = tmp_path / 'right.pth', tmp_path / 'wrong.pth'
    torch.save(theirs, right)
    torch.save({**theirs, 'bn2.bias': torch.zeros(3)}, wrong)

    def build(path):
        backbone = dict(
            **MMPRETRAIN_S['backbone'],
            init_cfg=dict(type='Pretrained', checkpoint=str(path)),
        )
        with DefaultScope.overwrite_default_scope('mmpretrain'):
            model = MODELS.build({**MMPRETRAIN_S, 'backbone': backbone})
            model.init_weights()
        return model

    for name, value in build(right).backbone.state_dict().items():
        assert torch.equal(value, theirs[name])
    with pytest.raises(InputError, match=r'1 of another shape \(bn2\.bias \(3,\)'):
        build(wrong)


def test_a_checkpoint_with_a_backbone_from_elsewhere(tmp_path, monkeypatch):
    """Weights by name need no table of ours."""
    lines = []
    monkeypatch.setattr(
        loading,
        'print_log',
        lambda line, logger, level=logging.INFO: lines.append(line),
    )
    backbone = dict(type='mmpretrain.MobileNetV2', widen_factor=0.35)
    first = MODELS.build(classifier(backbone))
    path = tmp_path / 'weights.pth'
    torch.save({'state_dict': first.state_dict()}, path)
    init_cfg = dict(type='Pretrained', checkpoint=str(path))
    second = MODELS.build(classifier(backbone, init_cfg=init_cfg))
    second.init_weights()
    for name, value in second.state_dict().items():
        assert torch.equal(value, first.state_dict()[name])
    count = len(first.state_dict())
    assert lines == [f'{path}: {count} of {count} tensors loaded into Classifier']


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(num_classes=0), 'num_classes=0 is not a whole number of at least 1'),
        (dict(hidden=-1), 'hidden=-1 is not a whole number of at least 0'),
        (dict(num_classes='x'), "num_classes='x' is not a whole number"),
        (dict(dropout=1.0), r'dropout=1.0 is outside \[0, 1\)'),
        (dict(activation='swish'), "no activation 'swish': choose one of .*silu"),
    ],
)
def test_arguments_outside_their_range(settings, message):
    with pytest.raises(InputError, match=message):
        ClassifierHead(**{'num_classes': CLASSES, 'in_channels': 8, **settings})
