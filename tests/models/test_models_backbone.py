import math
import re

import mmdet.registry
import mmpretrain.registry
import pytest
import timm
import torch
import torchvision
from mmengine.registry import MODELS
from torch import nn

from tinydet.arch import TINYNETS, tinynet
from tinydet.errors import InputError
from tinydet.models import InvertedResidualNet, TinyNet

ALL_OUTPUTS = (0, 1, 2, 3, 4, 5, 6, 'expand5', 7)
CLASSIFIER_PARAMETERS = 1280 * 1000 + 1000
BATCH_NORM = nn.modules.batchnorm._BatchNorm


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def randomise_batch_norms(model):
    """As after training; with the initial ones a swap of two would go unseen."""
    for module in model.modules():
        if isinstance(module, BATCH_NORM):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.8, 1.2)
            nn.init.uniform_(module.weight, 0.8, 1.2)
            nn.init.normal_(module.bias, std=0.1)


def without_classifier(model):
    return {
        name: value
        for name, value in model.state_dict().items()
        if not name.startswith('classifier')
    }


def record(outputs, name, module):
    def keep(module, inputs, output):
        # In-place activations that follow would change it.
        outputs[name] = output.clone()

    module.register_forward_hook(keep)


def timm_outputs(model, images):
    """What timm's modules return, under our names, and the logits."""
    outputs = {}
    for index, blocks in enumerate(model.blocks):
        record(outputs, index, blocks)
    record(outputs, 'expand5', model.blocks[5][0].bn1)  # it holds the activation
    record(outputs, 7, model.bn2)
    return outputs, model(images)


def assert_outputs_close(ours, theirs):
    for name, output in zip(ALL_OUTPUTS, ours, strict=True):
        expected = theirs[name]
        assert expected.std() > 0.05, 'the comparison would be of nothing'
        torch.testing.assert_close(output, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('variant', sorted(TINYNETS))
@torch.no_grad()
def test_outputs_are_timm_s_with_the_same_weights(variant):
    theirs = timm.create_model(f'tinynet_{variant}').eval()
    randomise_batch_norms(theirs)
    ours = TinyNet(variant=variant, out_indices=ALL_OUTPUTS).eval()
    ours.load_state_dict(without_classifier(theirs), strict=True)

    side = TINYNETS[variant].input
    images = torch.randn(1, 3, side, side)
    outputs = ours(images)
    expected, logits = timm_outputs(theirs, images)

    assert_outputs_close(outputs, expected)
    torch.testing.assert_close(
        theirs.classifier(outputs[-1].mean((2, 3))), logits, rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize(
    # In millions, with the classifier; as published with the authors' weights.
    ('variant', 'published'),
    [('a', 6.19), ('b', 3.73), ('c', 2.46), ('d', 2.34), ('e', 2.04)],
)
def test_parameters(variant, published):
    backbone = sum(p.numel() for p in TinyNet(variant=variant).parameters())
    theirs = timm.create_model(f'tinynet_{variant}').parameters()
    assert backbone + CLASSIFIER_PARAMETERS == sum(p.numel() for p in theirs)
    assert round((backbone + CLASSIFIER_PARAMETERS) / 1e6, 2) == published


@torch.no_grad()
def test_mobilenet_v2_is_timm_s():
    theirs = timm.create_model('mobilenetv2_100').eval()
    randomise_batch_norms(theirs)
    ours = InvertedResidualNet('mobilenet_v2', out_indices=ALL_OUTPUTS).eval()
    ours.load_state_dict(without_classifier(theirs), strict=True)

    images = torch.randn(1, 3, 160, 160)
    assert_outputs_close(ours(images), timm_outputs(theirs, images)[0])


@torch.no_grad()
def test_mobilenet_v2_is_torchvision_s():
    theirs = torchvision.models.mobilenet_v2().eval()
    randomise_batch_norms(theirs)
    ours = InvertedResidualNet('mobilenet_v2', out_indices=ALL_OUTPUTS).eval()
    # Other names, the same order.
    weights = without_classifier(theirs).values()
    names = ours.state_dict().keys()
    ours.load_state_dict(dict(zip(names, weights, strict=True)))

    outputs = {}
    for name, block in enumerate((1, 3, 6, 10, 13, 16, 17, 18)):
        record(outputs, name, theirs.features[block])
    record(outputs, 'expand5', theirs.features[14].conv[0])
    images = torch.randn(1, 3, 160, 160)
    theirs(images)
    assert_outputs_close(ours(images), outputs)


@torch.no_grad()
def test_only_what_is_asked_for_comes_in_that_order():
    ours = TinyNet(variant='e', out_indices=ALL_OUTPUTS).eval()
    few = TinyNet(variant='e', out_indices=(4, 'expand5', 1)).eval()
    few.load_state_dict(ours.state_dict(), strict=False)

    images = torch.randn(1, 3, 64, 64)
    every = dict(zip(ALL_OUTPUTS, ours(images), strict=True))
    for output, name in zip(few(images), (4, 'expand5', 1), strict=True):
        assert torch.equal(output, every[name])
    # Nothing is built behind the deepest tap.
    assert len(few.blocks) == 6
    assert not hasattr(few, 'conv_head')


@pytest.mark.parametrize('registry', [mmdet.registry, mmpretrain.registry])
def test_every_scope_finds_the_backbones(registry):
    assert MODELS.get('TinyNet') is TinyNet
    backbone = registry.MODELS.build(dict(type='TinyNet', variant='e'))
    assert type(backbone) is TinyNet
    baseline = registry.MODELS.build(
        dict(type='InvertedResidualNet', arch='mobilenet_v2')
    )
    assert type(baseline) is InvertedResidualNet


def test_a_table_of_ones_own_builds():
    ours = InvertedResidualNet(tinynet('e'))
    named = TinyNet(variant='e')
    assert [p.shape for p in ours.parameters()] == [p.shape for p in named.parameters()]


@pytest.mark.parametrize('variant', sorted(TINYNETS))
def test_multipliers_give_the_variant(variant):
    twist = TINYNETS[variant]
    explicit = TinyNet(w=twist.w, d=twist.d).state_dict()
    named = TinyNet(variant=variant).state_dict()
    assert {name: value.shape for name, value in explicit.items()} == {
        name: value.shape for name, value in named.items()
    }


def trained_parts(model):
    """Top-level parts whose parameters all train, and those of which none does."""
    parts = {'stem': [model.conv_stem, model.bn1]}
    parts.update({f'stage {i}': [stage] for i, stage in enumerate(model.blocks)})
    parts['head'] = [model.conv_head, model.bn2]
    states = {
        name: {p.requires_grad for m in modules for p in m.parameters()}
        for name, modules in parts.items()
    }
    modes = {
        name: {
            m.training
            for part in modules
            for m in part.modules()
            if isinstance(m, BATCH_NORM)
        }
        for name, modules in parts.items()
    }
    assert states == modes, 'batch norms of frozen parts are in evaluation mode'
    return [name for name, state in states.items() if state == {True}], [
        name for name, state in states.items() if state == {False}
    ]


@pytest.mark.parametrize('frozen_stages', range(-1, 9))
def test_frozen_stages(frozen_stages):
    model = TinyNet(variant='e', frozen_stages=frozen_stages)
    model.eval().train()
    trained, frozen = trained_parts(model)

    order = ['stem', *(f'stage {i}' for i in range(7)), 'head']
    assert frozen == order[: frozen_stages + 1]
    assert trained == order[frozen_stages + 1 :]


def test_a_step_leaves_frozen_stages_as_they_are():
    model = TinyNet(variant='e', frozen_stages=2).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.SGD(
        [p for p in model.parameters() if p.requires_grad], lr=0.1
    )
    model(torch.randn(2, 3, 64, 64))[0].square().mean().backward()
    optimizer.step()

    changed = {
        re.match(r'blocks\.\d|\w+', name).group()
        for name, value in model.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert changed == {*(f'blocks.{i}' for i in range(2, 7)), 'conv_head', 'bn2'}


def test_norm_eval_keeps_the_statistics_and_trains_the_weights():
    model = TinyNet(variant='e', norm_eval=True).train()
    before = {name: value.clone() for name, value in model.named_buffers()}
    model(torch.randn(2, 3, 64, 64))[0].sum().backward()
    assert model.training
    for name, value in model.named_buffers():
        assert torch.equal(value, before[name]), name
    assert all(p.grad is not None for p in model.parameters())

    free = TinyNet(variant='e').train()
    free(torch.randn(2, 3, 64, 64))
    assert free.bn1.num_batches_tracked == 1


def test_drop_path_rates_are_timm_s():
    ours = TinyNet(variant='d', drop_path_rate=0.2)
    theirs = timm.create_model('tinynet_d', drop_path_rate=0.2)
    for blocks, their_blocks in zip(ours.blocks, theirs.blocks, strict=True):
        for block, their_block in zip(blocks, their_blocks, strict=True):
            expected = getattr(their_block.drop_path, 'drop_prob', 0.0)
            assert block.drop_path.p == pytest.approx(expected)


def test_drop_path_drops_whole_images_in_training_only():
    model = TinyNet(variant='d', drop_path_rate=0.5, norm_eval=True).train()
    block = next(b for b in reversed([*model.blocks[5]]) if b.residual)
    rate = block.drop_path.p
    assert 0.3 < rate < 0.5
    images = 1000
    x = torch.randn(images, block.conv_pw.in_channels, 2, 2)
    with torch.no_grad():
        out = block(x)
        branch = block.eval()(x) - x
    dropped = (out == x).all(dim=(1, 2, 3))
    # Five standard deviations of the binomial.
    tolerance = 5 * math.sqrt(rate * (1 - rate) / images)
    assert dropped.float().mean().item() == pytest.approx(rate, abs=tolerance)
    # What stays is scaled so that the mean stays.
    torch.testing.assert_close(
        out[~dropped], (x + branch / (1 - rate))[~dropped], rtol=1e-4, atol=1e-5
    )


@torch.no_grad()
def test_drop_path_is_nothing_in_evaluation():
    plain = TinyNet(variant='e').eval()
    dropping = TinyNet(variant='e', drop_path_rate=0.5).eval()
    dropping.load_state_dict(plain.state_dict(), strict=True)
    images = torch.randn(2, 3, 64, 64)
    assert torch.equal(plain(images)[0], dropping(images)[0])


@torch.no_grad()
def test_pretrained_loads_a_file_of_timm_s_weights(tmp_path):
    theirs = timm.create_model('tinynet_e').eval()
    randomise_batch_norms(theirs)
    path = tmp_path / 'tinynet_e.pth'
    torch.save(theirs.state_dict(), path)
    torch.load(path, weights_only=True)

    ours = MODELS.build(
        dict(
            type='TinyNet',
            variant='e',
            init_cfg=dict(type='Pretrained', checkpoint=str(path)),
        )
    )
    ours.init_weights()
    images = torch.randn(1, 3, 106, 106)
    torch.testing.assert_close(
        theirs.classifier(ours.eval()(images)[0].mean((2, 3))),
        theirs(images),
        rtol=1e-5,
        atol=1e-5,
    )


def test_init_weights_draws_for_the_fan_out():
    model = TinyNet(variant='a')
    for parameter in model.parameters():
        nn.init.constant_(parameter, 7.0)
    for module in model.modules():
        if isinstance(module, BATCH_NORM):
            module.reset_parameters()
    model.init_weights()

    for name, module in model.named_modules():
        if not isinstance(module, nn.Conv2d):
            continue
        weight = module.weight
        # Each input of a group feeds out_channels / groups outputs through k x k taps.
        fan_out = weight.shape[0] // module.groups * weight[0, 0].numel()
        assert weight.std().item() == pytest.approx(
            math.sqrt(2 / fan_out), rel=5 / math.sqrt(2 * weight.numel())
        ), name
        if module.bias is not None:
            assert not module.bias.any(), name
    assert (model.bn1.weight == 1).all()


@pytest.mark.parametrize(
    'backbone',
    [
        dict(type='TinyNet', variant='e', out_indices=('expand5', 7)),
        dict(
            type='InvertedResidualNet',
            arch='mobilenet_v2',
            out_indices=('expand5', 7),
        ),
    ],
)
def test_gradient_reaches_all_parameters(backbone):
    model = MODELS.build(backbone).train()
    outputs = model(torch.randn(2, 3, 64, 64))
    sum((output * torch.randn_like(output)).sum() for output in outputs).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(variant='z'), "TinyNet 'z'.*a, b, c, d, e"),
        (dict(variant=''), "TinyNet ''.*a, b, c, d, e"),
        ({}, 'a variant, or both w and d; got variant=None, w=None, d=None'),
        (dict(variant='d', w=0.5), "got variant='d', w=0.5, d=None"),
        (dict(variant='d', w=0.5, d=1.0), "got variant='d', w=0.5, d=1.0"),
        (dict(variant='d', d=1.0), "got variant='d', w=None, d=1.0"),
        (dict(w=0.5), 'got variant=None, w=0.5, d=None'),
        (dict(d=0.5), 'got variant=None, w=None, d=0.5'),
        (dict(w=0, d=1), 'w=0 .*above 0'),
        (dict(w=1, d=-1), 'd=-1 .*above 0'),
        (
            dict(variant='d', out_indices=(3, 8)),
            'holds 8, but tinynet_d has the stages 0 to 6, 7 for',
        ),
        (dict(variant='d', out_indices=(-1,)), 'holds -1,.*stages 0 to 6'),
        (
            dict(variant='d', out_indices=('expand0', 7)),
            "'expand0',.*expand1, expand2, expand3, expand4, expand5, expand6",
        ),
        (dict(variant='d', out_indices=('conv5',)), "'conv5',.*expand1"),
        (dict(variant='d', frozen_stages=9), 'frozen_stages=9 is outside -1 to 8'),
        (dict(variant='d', frozen_stages=-2), 'frozen_stages=-2 is outside -1 to 8'),
        (dict(variant='d', drop_path_rate=1.0), r'drop_path_rate=1.0 .* \[0, 1\)'),
        (dict(variant='d', drop_path_rate=-0.1), r'drop_path_rate=-0.1 .*\[0, 1\)'),
    ],
)
def test_bad_arguments_are_named_with_their_range(arguments, message):
    with pytest.raises(InputError, match=message):
        TinyNet(**arguments)


def test_an_unknown_table_names_the_choices():
    with pytest.raises(InputError, match="'resnet'.*efficientnet_b0, mobilenet_v2"):
        InvertedResidualNet('resnet')
