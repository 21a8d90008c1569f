import math
import re

import mmdet.registry
import mmpretrain.registry
import pytest
import timm
import torch
import torchvision
from mmengine.registry import MODELS
from timm.models.ghostnet import GhostNet
from timm_nets import randomise
from torch import nn

from tinydet.arch import (
    ARCHS,
    EFFICIENTNET_MINUS,
    TINYNETS,
    classifier_cost,
    efficientnet_minus,
    tinynet,
)
from tinydet.errors import InputError
from tinydet.models import ConvNet, EfficientNetMinus, TinyNet

ALL_OUTPUTS = (0, 1, 2, 3, 4, 5, 6, 'expand5', 7)
CLASSIFIER_PARAMETERS = 1280 * 1000 + 1000
BATCH_NORM = nn.modules.batchnorm._BatchNorm


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


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
    randomise(theirs)
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
    randomise(theirs)
    ours = ConvNet('mobilenet_v2', out_indices=ALL_OUTPUTS).eval()
    ours.load_state_dict(without_classifier(theirs), strict=True)

    images = torch.randn(1, 3, 160, 160)
    assert_outputs_close(ours(images), timm_outputs(theirs, images)[0])


@torch.no_grad()
def test_mobilenet_v2_is_torchvision_s():
    theirs = torchvision.models.mobilenet_v2().eval()
    randomise(theirs)
    ours = ConvNet('mobilenet_v2', out_indices=ALL_OUTPUTS).eval()
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


def copy_in_order(ours, theirs):
    """Other names, the same order; returns what is left over, the classifier."""
    names = ours.state_dict().keys()
    weights = list(theirs.state_dict().values())
    weights, rest = weights[: len(names)], weights[len(names) :]
    ours.load_state_dict(dict(zip(names, weights, strict=True)))
    return rest


def wide_ghostnet():
    return GhostNet(timm.create_model('ghostnet_100').cfgs, width=1.5)


LIBRARY_NETS = {
    'efficientnet_b0': (dict(arch='efficientnet_b0'), 'efficientnet_b0'),
    'mobilenet_v1': (dict(arch='mobilenet_v1'), 'mobilenetv1_100'),
    'mobilenet_v2 0.5': (dict(arch='mobilenet_v2', w=0.5), 'mobilenetv2_050'),
    'mobilenet_v3_large': (dict(arch='mobilenet_v3_large'), 'mobilenetv3_large_100'),
    'mobilenet_v3_small': (dict(arch='mobilenet_v3_small'), 'mobilenetv3_small_100'),
    'mnasnet_a1': (dict(arch='mnasnet_a1'), 'semnasnet_100'),
    'ghostnet 0.5': (dict(arch='ghostnet_100', w=0.5), 'ghostnet_050'),
    'ghostnet 1.0': (dict(arch='ghostnet_100'), 'ghostnet_100'),
    'ghostnet 1.5': (dict(arch='ghostnet_100', w=1.5), wide_ghostnet),
    'resnet50': (dict(arch='resnet50'), torchvision.models.resnet50),
}


@pytest.mark.parametrize('name', LIBRARY_NETS)
@torch.no_grad()
def test_tables_compute_what_the_libraries_do(name):
    arguments, build = LIBRARY_NETS[name]
    theirs = timm.create_model(build) if isinstance(build, str) else build()
    randomise(theirs.eval())
    ours = ConvNet(**arguments).eval()
    copy_in_order(ours, theirs)

    # What their pooling sees is our last output.
    last = next(m for n, m in theirs.named_modules() if n in {'global_pool', 'avgpool'})
    seen = []
    last.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    images = torch.randn(2, 3, 96, 96)
    theirs(images)
    assert seen[0].std() > 0.05, 'the comparison would be of nothing'
    torch.testing.assert_close(ours(images)[0], seen[0], rtol=1e-4, atol=1e-4)


EVERY_TABLE = [
    *ARCHS.values(),
    *map(tinynet, TINYNETS),
    *map(efficientnet_minus, EFFICIENTNET_MINUS),
]


@pytest.mark.parametrize('arch', EVERY_TABLE, ids=lambda arch: arch.name)
def test_every_table_builds_with_the_parameters_that_its_cost_says(arch):
    with torch.device('meta'):
        backbone = ConvNet(arch)
        features = backbone.eval()(torch.empty(1, 3, arch.input, arch.input))[0]
    channels = arch.head or arch.stages[-1].channels
    assert features.shape[1] == channels
    assert features.shape[2] == math.ceil(arch.input / 32)
    classifier = channels * arch.hidden + arch.hidden if arch.hidden else 0
    classifier += (arch.hidden or channels) * 1000 + 1000
    parameters = sum(p.numel() for p in backbone.parameters())
    assert parameters + classifier == classifier_cost(arch).params


@pytest.mark.parametrize('phi', EFFICIENTNET_MINUS)
def test_efficientnet_minus_is_its_table(phi):
    with torch.device('meta'):
        ours = EfficientNetMinus(phi=phi)
        table = ConvNet(efficientnet_minus(phi))
    assert ours.arch == table.arch
    shapes = {name: value.shape for name, value in ours.state_dict().items()}
    assert shapes == {name: v.shape for name, v in table.state_dict().items()}


def test_multipliers_follow_the_rule_of_the_class():
    with torch.device('meta'):
        giant = ConvNet('efficientnet_b0', w=0.5)
        tiny = TinyNet(w=0.5, d=1.0)
        ghost = TinyNet(w=0.5, d=1.0, baseline='ghostnet_a')
    assert (giant.arch.stem, giant.arch.head) == (16, 640)
    assert (tiny.arch.stem, tiny.arch.head) == (32, 1280)
    assert (ghost.arch.stem, ghost.arch.head, ghost.arch.hidden) == (28, 840, 700)
    assert giant.conv_stem.out_channels == 16
    assert tiny.conv_head.out_channels == 1280


def test_the_activation_of_a_network_can_be_another():
    # "+ HSwish" of the paper's Table 6; squeeze-and-excitation keeps ReLU.
    plain = ConvNet('ghostnet_a')
    swish = ConvNet('ghostnet_a', activation='hard_swish')
    swish.load_state_dict(plain.state_dict(), strict=True)
    kinds = {type(module) for module in plain.modules()}
    assert nn.ReLU in kinds
    assert nn.Hardswish not in kinds
    for name, module in swish.named_modules():
        if isinstance(module, nn.ReLU):
            assert name.endswith('se.act'), name
    images = torch.randn(1, 3, 64, 64)
    assert not torch.allclose(plain.eval()(images)[0], swish.eval()(images)[0])


def test_rows_that_name_their_activation_keep_it():
    swapped = ConvNet('mobilenet_v3_small', activation='silu')
    assert isinstance(swapped.act1, nn.SiLU)
    assert isinstance(swapped.blocks[1][0].act1, nn.ReLU)
    assert isinstance(swapped.blocks[-1][0].act1, nn.Hardswish)


@torch.no_grad()
def test_ghost_expansions_are_what_the_block_goes_on_with():
    model = ConvNet('ghostnet_a', out_indices=(5, 'expand6', 6, 7)).eval()
    randomise(model)
    before, expanded, after, last = model(torch.randn(1, 3, 64, 64))
    block = model.blocks[6][0]
    assert expanded.shape[1:] == (6 * 196, 4, 4)
    torch.testing.assert_close(expanded, block.ghost1(before))
    # The second half comes from the first by depthwise convolution.
    half = expanded.shape[1] // 2
    cheap = block.ghost1.cheap_operation(expanded[:, :half])
    torch.testing.assert_close(expanded[:, half:], cheap)
    torch.testing.assert_close(after, model.blocks[6](before))
    assert last.shape[1:] == (1680, 2, 2)


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
    baseline = registry.MODELS.build(dict(type='ConvNet', arch='mobilenet_v2'))
    assert type(baseline) is ConvNet


def test_a_table_of_ones_own_builds():
    ours = ConvNet(tinynet('e'))
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
    randomise(theirs)
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
        dict(type='ConvNet', arch='ghostnet_d', out_indices=('expand6', 7)),
        dict(type='ConvNet', arch='resnet50', out_indices=(2, 3)),
        dict(type='ConvNet', arch='mobilenet_v3_small', w=0.5),
        dict(
            type='ConvNet',
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
        (
            dict(variant='a', baseline='resnet50'),
            "'a' is made of efficientnet_b0: give w and d for baseline='resnet50'",
        ),
        (dict(w=1, d=1, baseline='b0'), "architecture 'b0': .* efficientnet_b0,"),
        (dict(w=1, d=0.1), 'depth underflow: d=0.1 .* 173M'),
        (dict(w='1', d=1), "w='1' is not a number above 0"),
        (dict(variant='d', activation='gelu'), "'gelu': choose one of relu, relu6"),
        (dict(variant='d', out_indices=(True,)), 'holds True, but tinynet_d'),
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
        (dict(variant='d', frozen_stages=9), 'frozen_stages=9 is not .* from -1 to 8'),
        (
            dict(variant='d', frozen_stages=-2),
            'frozen_stages=-2 is not .* from -1 to 8',
        ),
        (dict(variant='d', drop_path_rate=1.0), r'drop_path_rate=1.0 .* \[0, 1\)'),
        (dict(variant='d', drop_path_rate=-0.1), r'drop_path_rate=-0.1 .*\[0, 1\)'),
        (dict(variant='d', drop_path_rate='x'), r"drop_path_rate='x' .*\[0, 1\)"),
        (dict(variant=['d']), r"no TinyNet \['d'\]: choose one of a, b, c, d, e"),
        (dict(w=1, d=1, baseline=3), 'no architecture 3: choose one of'),
        (dict(variant='d', activation=['relu']), r"no activation \['relu'\]: .*relu6"),
        (dict(variant='d', out_indices=7), r'out_indices=7 is not a list: .*\(7,\)'),
        (dict(variant='d', out_indices='expand5'), "'expand5' is not a list"),
        (dict(variant='d', out_indices=()), 'out_indices is empty'),
        (dict(variant='d', out_indices=([5],)), r'holds \[5\], but tinynet_d has'),
        (dict(variant='d', frozen_stages='x'), "'x' is not a whole number from -1"),
        (dict(variant='d', frozen_stages=True), 'True is not a whole number from -1'),
    ],
)
def test_bad_arguments_are_named_with_their_range(arguments, message):
    with pytest.raises(InputError, match=message):
        TinyNet(**arguments)


def test_an_unknown_table_names_the_choices():
    with pytest.raises(InputError, match="'resnet'.*efficientnet_b0, mobilenet_v1"):
        ConvNet('resnet')


@pytest.mark.parametrize(
    ('arch', 'out_indices', 'message'),
    [
        ('resnet50', (4,), 'holds 4, but resnet50 has the stages 0 to 3$'),
        ('resnet50', ('expand3',), "'expand3', but resnet50 has the stages 0 to 3$"),
        ('mobilenet_v1', (5,), 'holds 5, but mobilenet_v1 has the stages 0 to 4$'),
        (
            'ghostnet_a',
            (8,),
            'stages 0 to 6, 7 for its last .*, the expansions expand0',
        ),
    ],
)
def test_taps_beyond_the_stages_name_what_there_is(arch, out_indices, message):
    with pytest.raises(InputError, match=message):
        ConvNet(arch, out_indices=out_indices)


def test_frozen_stages_end_with_what_the_network_has():
    assert ConvNet('resnet50', frozen_stages=4).frozen_stages == 4
    with pytest.raises(InputError, match='resnet50 frozen_stages=5 .* -1 to 4'):
        ConvNet('resnet50', frozen_stages=5)


@pytest.mark.parametrize('arch', ['resnet50', 'mobilenet_v1'])
def test_blocks_without_a_branch_refuse_to_drop_it(arch):
    with pytest.raises(InputError, match=f'{arch} have no branch .*drop_path_rate'):
        ConvNet(arch, drop_path_rate=0.1)


@pytest.mark.parametrize('shape', [(31, 64), (64, 31)])
def test_an_input_smaller_than_the_stride_is_refused(shape):
    model = ConvNet('ghostnet_d').eval()
    message = f'{shape[0]}x{shape[1]} pixels is smaller .* ghostnet_d: .* 32 a side'
    with pytest.raises(InputError, match=message):
        model(torch.zeros(1, 3, *shape))
    assert model(torch.zeros(1, 3, 32, 32))[0].shape[2:] == (1, 1)


@pytest.mark.parametrize('phi', [5, -1, 0.5, None, True, 1.0, [1], '1'])
def test_unknown_phi_names_the_range(phi):
    with pytest.raises(InputError, match='from 0 .B0. to 4'):
        EfficientNetMinus(phi=phi)
    with pytest.raises(InputError, match='phi=None: .* from 0 .B0. to 4'):
        EfficientNetMinus()
