import pytest
import torch
from mmengine.registry import MODELS
from timm_nets import timm_net

from tinydet.errors import InputError
from tinydet.weights import to_timm, to_tinydet

TINYNETS = [(f'tinynet_{v}', dict(type='TinyNet', variant=v)) for v in 'abcde']
OTHERS = [
    (theirs, dict(type='ConvNet', arch=ours))
    for theirs, ours in (
        ('efficientnet_b0', 'efficientnet_b0'),
        ('mobilenetv1_100', 'mobilenet_v1'),
        ('mobilenetv2_100', 'mobilenet_v2'),
        ('semnasnet_100', 'mnasnet_a1'),
        ('resnet50', 'resnet50'),
    )
]


def classifier_names(backbone: dict) -> set[str]:
    with torch.device('meta'):
        model = MODELS.build(
            dict(type='Classifier', backbone=backbone, head=dict(num_classes=1000))
        )
    return set(model.state_dict())


@pytest.mark.parametrize(('name', 'backbone'), TINYNETS + OTHERS)
def test_there_and_back_bit_for_bit(name, backbone):
    theirs = timm_net(name)
    state = theirs.state_dict()
    ours = to_tinydet(state)
    assert ours.keys() == classifier_names(backbone)
    back = to_timm(ours)
    assert list(back) == list(state)
    assert all(torch.equal(back[name], state[name]) for name in state)
    theirs.load_state_dict(back, strict=True)


def test_our_names_stay():
    state = to_tinydet(timm_net('tinynet_e').state_dict())
    assert to_tinydet(state) == state


def test_other_parts_have_no_place_at_timm():
    detector = {
        'backbone.conv_stem.weight': torch.ones(1),
        'neck.conv.weight': torch.ones(1),
        'bbox_head.cls.weight': torch.ones(1),
    }
    assert list(to_timm(detector)) == ['conv_stem.weight']


def test_blocks_in_other_groups_need_the_table():
    state = timm_net('mobilenetv3_small_100').state_dict()
    table = [1] * 12
    ours = to_tinydet(state, table)
    # A 1x1 convolution behind pooling is a linear layer.
    assert ours['head.hidden.weight'].shape == (1024, 576)
    assert torch.equal(
        ours['backbone.conv_head.weight'], state['blocks.5.0.conv.weight']
    )
    with pytest.raises(InputError, match='hidden layer .* cannot be converted'):
        to_timm(ours)
