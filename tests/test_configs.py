"""What the configs of classifiers say: the recipe of section 4.1 of the paper."""

from functools import cache
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS, TRANSFORMS, DefaultScope
from torch import nn

from tinydet.arch import table_of
from tinydet.engine.jobs import load_config
from tinydet.models.complexity import build, count_model, input_side
from tinydet.zoo.nets import NETS

CLASSIFIERS = Path(__file__).parents[1] / 'configs' / 'classification'
NETWORKS = (
    *(f'tinynet_{v}' for v in 'abcde'),
    'efficientnet_b0',
    *(f'efficientnet_b_minus{phi}' for phi in (1, 2, 3, 4)),
    *(f'ghostnet_{v}' for v in ('a', 'b', 'c', 'd', '050', '100', '150')),
    *(f'resnet50{v}' for v in ('', '_a', '_b', '_giant_a', '_giant_b')),
)
IMAGENET = [f'{network}_{data}' for network in NETWORKS for data in ('in1k', 'in100')]


@cache
def config(name: str) -> Config:
    return load_config(CLASSIFIERS / f'{name}.py')


def network(name: str) -> nn.Module:
    cfg = config(name)
    return build(cfg.model, cfg.default_scope)


def pipeline(name: str) -> list[dict]:
    return config(name).train_dataloader.dataset.pipeline


@pytest.mark.parametrize('name', IMAGENET)
def test_the_network_and_its_input_are_those_of_the_paper(name):
    cfg = config(name)
    backbone = cfg.model.backbone.to_dict()
    [net] = {
        net.label: net
        for net in NETS
        if net.model.get('backbone') == backbone and net.model.get('type') is not None
    }.values()
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert loader.dataset.input_size == net.input
    assert input_side(cfg) == net.input
    assert cfg.model.head.num_classes == (100 if name.endswith('100') else 1000)


@pytest.mark.parametrize('name', [n for n in IMAGENET if not n.startswith('resnet')])
def test_the_recipe_of_the_efficientnets(name):
    cfg = config(name)
    in100 = name.endswith('_in100')
    assert cfg.train_cfg.max_epochs == (100 if in100 else 450)
    assert cfg.optim_wrapper.optimizer == dict(
        type='RMSpropTF',
        lr=0.048,
        alpha=0.9,
        momentum=0.9,
        eps=1e-3,
        weight_decay=1e-5,
    )
    assert cfg.auto_scale_lr == dict(base_batch_size=1024, enable=True)
    assert cfg.train_dataloader.batch_size * 8 == 1024
    schedule = cfg.param_scheduler
    assert (schedule.step, schedule.gamma, schedule.warmup) == (2.4, 0.97, 3)
    assert cfg.default_hooks.ema.decay == 0.9999
    assert [step['type'] for step in pipeline(name)] == [
        *('LoadRandomCrop', 'RandomFlip', 'ColorJitter', 'PackInputs')
    ]
    lists = (cfg.train_dataloader.dataset, cfg.val_dataloader.dataset)
    assert [bool(dataset.get('ann_file')) for dataset in lists] == [in100, in100]


@pytest.mark.parametrize('name', [n for n in IMAGENET if n.startswith('resnet')])
def test_the_recipe_of_the_resnets(name):
    cfg = config(name)
    assert cfg.train_cfg.max_epochs == 90
    assert cfg.optim_wrapper.optimizer == dict(
        type='SGD', lr=0.4, momentum=0.9, weight_decay=1e-4
    )
    schedule = cfg.param_scheduler
    assert (schedule.type, schedule.step_size, schedule.gamma) == ('StepLR', 30, 0.1)
    assert cfg.auto_scale_lr == dict(base_batch_size=1024, enable=True)
    assert 'ema' not in cfg.default_hooks


@pytest.mark.parametrize(
    'name', ['tinynet_a_in1k', 'efficientnet_b0_in100', 'ghostnet_d_in1k']
)
def test_dropout_and_the_momentum_of_every_batch_norm(name):
    model = network(name)
    assert model.head.dropout.p == 0.2
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    table = table_of(model)
    assert len(norms) > 2 * sum(stage.repeats for stage in table.stages)
    assert {norm.momentum for norm in norms} == {0.01}


def test_a_backbone_of_another_library_gets_the_momentum_too():
    backbone = dict(type='mmpretrain.MobileNetV2', widen_factor=0.35)
    model = build(
        dict(
            type='Classifier',
            backbone=backbone,
            head=dict(num_classes=3),
            bn_momentum=config('tinynet_d_in1k').model.bn_momentum,
        ),
        'mmpretrain',
    )
    momenta = {m.momentum for m in model.modules() if isinstance(m, nn.BatchNorm2d)}
    assert momenta == {0.01}


def test_the_resnets_keep_pytorch_s_momentum_and_have_no_dropout():
    model = network('resnet50_b_in100')
    momenta = {m.momentum for m in model.modules() if isinstance(m, nn.BatchNorm2d)}
    assert momenta == {0.1}
    assert model.head.dropout.p == 0


@pytest.mark.parametrize('name', ['resnet18_in100', 'resnet34_in100'])
def test_the_batch_norms_of_the_smaller_resnets_learn(name):
    model = network(name).train()
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms
    assert all(norm.training for norm in norms)


@pytest.mark.parametrize(
    ('name', 'decayed'),
    [
        ('tinynet_d_in1k', lambda name, weight: weight.ndim > 1),
        ('resnet50_b_in1k', lambda name, weight: True),
    ],
)
def test_what_is_decayed(name, decayed):
    """timm's rule for the TinyNets, no norms and biases; all of a ResNet."""
    cfg = config(name)
    model = MODELS.build(cfg.model)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    decay = {
        id(weight): group['weight_decay']
        for group in wrapper.param_groups
        for weight in group['params']
    }
    most = cfg.optim_wrapper.optimizer.weight_decay
    for weight_name, weight in model.named_parameters():
        expected = most if decayed(weight_name, weight) else 0
        assert decay[id(weight)] == expected, weight_name


@pytest.mark.parametrize(
    'name',
    [
        *('tinynet_a_ra_in1k', 'efficientnet_b0_ra_in1k'),
        *(f'ghostnet_{v}_hswish_ra_in1k' for v in 'abcd'),
    ],
)
def test_randaugment_is_the_named_policy_and_the_only_difference(name):
    with_ra, without = config(name), config(name.replace('_ra', ''))
    assert [step['type'] for step in pipeline(name)] == [
        *('LoadRandomCrop', 'RandomFlip', 'TimmRandAugment', 'PackInputs')
    ]
    assert pipeline(name)[2].policy == 'rand-m9-mstd0.5'
    changed = {
        key
        for key in with_ra.to_dict()
        if with_ra.to_dict()[key] != without.to_dict()[key]
    }
    assert changed == {'train_dataloader', 'work_dir'}


@pytest.mark.parametrize('variant', 'abcd')
def test_hard_swish_is_one_line(variant):
    plain = config(f'ghostnet_{variant}_in1k').model.to_dict()
    plain['backbone']['activation'] = 'hard_swish'
    assert config(f'ghostnet_{variant}_hswish_in1k').model.to_dict() == plain


def test_every_transform_of_the_pipelines_exists():
    cfg = config('tinynet_d_in1k')
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        for steps in (cfg.train_pipeline, cfg.ra_train_pipeline, cfg.test_pipeline):
            assert [type(TRANSFORMS.build(step)).__name__ for step in steps] == [
                step['type'] for step in steps
            ]


@pytest.mark.parametrize(
    ('ours', 'theirs'),
    [('tinynet_d', 'efficientnet_b_minus3'), ('tinynet_e', 'efficientnet_b_minus4')],
)
def test_on_cifar_10_the_pairs_cost_the_same_at_the_paper_s_ratio_of_r(ours, theirs):
    costs = [count_model(config(f'{name}_cifar10')) for name in (ours, theirs)]
    assert costs[0].macs == pytest.approx(costs[1].macs, rel=0.03)
    sides = [input_side(config(f'{name}_in1k')) for name in (ours, theirs)]
    assert costs[0].input / costs[1].input == pytest.approx(
        sides[0] / sides[1], rel=0.02
    )


def test_the_shortened_recipe_is_the_recipe_in_proportion():
    long, short = config('tinynet_d_in1k'), config('tinynet_d_cifar10')
    share = short.train_cfg.max_epochs / long.train_cfg.max_epochs
    assert short.param_scheduler.step == pytest.approx(
        share * long.param_scheduler.step
    )
    steps = short.train_cfg.max_epochs * (50_000 // short.train_dataloader.batch_size)
    assert (1 - short.default_hooks.ema.decay) * steps == pytest.approx(
        (1 - long.default_hooks.ema.decay) * 450 * 1251
    )
    assert short.optim_wrapper == long.optim_wrapper
