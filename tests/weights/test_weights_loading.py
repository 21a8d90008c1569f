import logging
import re
from pathlib import Path

import pytest
import torch
import torchvision
from bad_files import RunsCode, truncate
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.model.weight_init import PretrainedInit
from mmengine.registry import MODELS, DefaultScope
from timm_nets import timm_net

from tinydet.arch import TINYNETS
from tinydet.errors import InputError
from tinydet.weights import files, loading, to_timm

REPO = Path(__file__).parents[2]


@pytest.fixture
def log(monkeypatch) -> list[tuple[str, int]]:
    """What is logged while weights are loaded: lines and levels."""
    lines = []

    def keep(line, logger, level=logging.INFO):
        assert logger == 'current'
        lines.append((line, level))

    for module in (files, loading):
        monkeypatch.setattr(module, 'print_log', keep)
    return lines


@pytest.fixture
def save(tmp_path):
    """Save what a network holds, or a checkpoint."""

    def write(content, name='weights.pth') -> str:
        if isinstance(content, torch.nn.Module):
            content = content.state_dict()
        torch.save(content, tmp_path / name)
        return str(tmp_path / name)

    return write


def pretrained(checkpoint, **settings) -> dict:
    return dict(type='Pretrained', checkpoint=checkpoint, **settings)


def build(cfg: dict):
    model = MODELS.build(cfg)
    model.init_weights()
    model.eval()  # which returns nothing in backbones of mmdet
    return model


def tinynet(variant='e', **settings) -> dict:
    return dict(type='TinyNet', variant=variant, **settings)


def classifier(backbone: dict, classes: int = 1000, **settings) -> dict:
    return dict(
        type='Classifier', backbone=backbone, head=dict(num_classes=classes), **settings
    )


def same(ours: dict, theirs: dict) -> bool:
    return ours.keys() == theirs.keys() and all(
        torch.equal(ours[name], theirs[name]) for name in ours
    )


@torch.no_grad()
def assert_logits_equal(ours, theirs, side):
    images = torch.randn(2, 3, side, side)
    logits = theirs(images)
    scale = logits.std().item()
    assert scale > 0.05, 'the comparison would be of nothing'
    # With random weights the logits of ResNet-50 are of the order of 100.
    tolerance = 1e-5 * max(1, scale)
    torch.testing.assert_close(ours(images), logits, rtol=1e-5, atol=tolerance)


@pytest.mark.parametrize('variant', sorted(TINYNETS))
def test_tinynets_there_and_back(save, variant):
    theirs = timm_net(f'tinynet_{variant}')
    path = save(theirs)
    ours = build(classifier(tinynet(variant), init_cfg=pretrained(path)))
    assert_logits_equal(ours, theirs, TINYNETS[variant].input)
    assert same(to_timm(ours.state_dict()), theirs.state_dict())


@pytest.mark.parametrize(
    ('name', 'arch'),
    [
        ('efficientnet_b0', 'efficientnet_b0'),
        ('mobilenetv1_100', 'mobilenet_v1'),
        ('mobilenetv2_100', 'mobilenet_v2'),
        ('mobilenetv3_large_100', 'mobilenet_v3_large'),
        ('mobilenetv3_small_100', 'mobilenet_v3_small'),
        ('semnasnet_100', 'mnasnet_a1'),
        ('ghostnet_100', 'ghostnet_100'),
        ('resnet50', 'resnet50'),
    ],
)
def test_other_networks(save, name, arch):
    theirs = timm_net(name)
    backbone = dict(type='ConvNet', arch=arch)
    ours = build(classifier(backbone, init_cfg=pretrained(save(theirs))))
    assert_logits_equal(ours, theirs, 96)


def test_torchvision_s_resnet(save):
    torch.manual_seed(0)
    theirs = torchvision.models.resnet50().eval()
    path = save(theirs)
    backbone = dict(type='ConvNet', arch='resnet50')
    ours = build(classifier(backbone, init_cfg=pretrained(path)))
    assert_logits_equal(ours, theirs, 64)


@pytest.mark.parametrize(
    'init_cfg',
    [
        lambda path: pretrained(path),
        lambda path: dict(type=PretrainedInit, checkpoint=path),
        # MMEngine loads last, whatever the order.
        lambda path: [pretrained(path), dict(type='Constant', layer='Conv2d', val=0)],
    ],
)
def test_a_bare_backbone_takes_its_part(save, log, init_cfg):
    theirs = timm_net('tinynet_e')
    path = save(theirs)
    ours = build(tinynet(init_cfg=init_cfg(path)))
    images = torch.randn(1, 3, 106, 106)
    with torch.no_grad():
        pooled = ours(images)[0].mean((2, 3))
        torch.testing.assert_close(
            theirs.classifier(pooled), theirs(images), rtol=1e-5, atol=1e-5
        )
    line = (
        f'{path}: 226 of 228 tensors loaded into TinyNet (tinynet_e), 2 not used: '
        'head.fc.weight, head.fc.bias'
    )
    assert log == [(line, logging.INFO)]


def test_a_backbone_with_few_outputs(save, log):
    theirs = timm_net('tinynet_e')
    path = save(theirs)
    ours = build(tinynet(out_indices=('expand3', 4), init_cfg=pretrained(path)))
    state = theirs.state_dict()
    assert same(ours.state_dict(), {name: state[name] for name in ours.state_dict()})
    [(line, _)] = log
    assert re.fullmatch(
        r'.* \d+ not used: blocks\.5, blocks\.6, conv_head, bn2, head', line
    )


def test_a_classifier_of_an_inner_stage(save, log):
    backbone = tinynet(out_indices=(5,))
    path = save(timm_net('tinynet_e'))
    ours = build(classifier(backbone, init_cfg=pretrained(path)))
    assert ours.head.fc.in_features == 96
    (line, _), (left, level) = log
    assert line.endswith(
        ' not used: backbone.blocks.6, backbone.conv_head, backbone.bn2'
    )
    assert 'head.fc.weight (1000, 1280) for (1000, 96)' in left
    assert level == logging.WARNING


def test_parts_that_are_not_built_are_those_of_this_network(save):
    """A network with other blocks behind the last output is another one."""
    path = save({**timm_net('tinynet_e').state_dict(), 'blocks.7.0.w': torch.ones(1)})
    with pytest.raises(InputError, match=r'1 unexpected .*blocks\.7\.0\.w'):
        build(tinynet(out_indices=(4,), init_cfg=pretrained(path)))


@pytest.fixture
def detector() -> dict:
    """A checkpoint of a detector with the weights of a classifier of ours."""
    model = build(classifier(tinynet(), classes=3))
    state = model.state_dict()
    return {
        'meta': {'epoch': 3},
        'state_dict': {
            **{n: value for n, value in state.items() if n.startswith('backbone.')},
            'neck.extra.weight': torch.ones(3),
            'bbox_head.cls.weight': torch.ones(3),
        },
    }


@pytest.mark.parametrize(
    'settings', [{}, {'prefix': 'backbone'}, {'prefix': 'backbone.'}]
)
def test_a_backbone_from_a_detector(save, log, detector, settings):
    ours = build(tinynet(init_cfg=pretrained(save(detector), **settings)))
    expected = {
        name.removeprefix('backbone.'): value
        for name, value in detector['state_dict'].items()
        if name.startswith('backbone.')
    }
    assert same(ours.state_dict(), expected)
    [(line, _)] = log
    rest = '2 not used: neck.extra.weight, bbox_head.cls.weight'
    assert line.endswith(rest) == (not settings)


@pytest.mark.parametrize(
    'signs',
    [
        {'meta': {'averaged': True}},
        {'ema_state_dict': {'steps': torch.tensor(3)}},
        {'state_dict_ema': {}},
    ],
    ids=['ours', 'MMEngine', 'timm'],
)
def test_averaged_weights_are_taken_and_logged(save, log, signs):
    plain = build(tinynet()).state_dict()
    averaged = build(tinynet()).state_dict()
    if 'state_dict_ema' in signs:
        checkpoint = {'state_dict': plain, 'state_dict_ema': averaged}
    else:
        checkpoint = {'state_dict': averaged, **signs}
    path = save(checkpoint)
    ours = build(tinynet(init_cfg=pretrained(path)))
    assert same(ours.state_dict(), averaged)
    assert log[0] == (f'{path}: its averaged weights (EMA) are taken', logging.INFO)


def test_a_pretrained_classifier_plugs_into_a_detector(save):
    path = save({'state_dict': build(classifier(tinynet(), classes=3)).state_dict()})
    expected = torch.load(path)['state_dict']
    cfg = Config.fromfile(REPO / 'configs/ssdlite_tinynet_e.py')
    cfg.model.backbone.init_cfg = pretrained(path)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(cfg.model)
        model.init_weights()
    found = model.backbone.state_dict()
    assert same(found, {n: expected[f'backbone.{n}'] for n in found})


def ssdlite(classes: int = 3, **settings):
    cfg = Config.fromfile(REPO / 'configs/ssdlite_tinynet_e.py')
    cfg.model.bbox_head.num_classes = classes
    for name, value in settings.items():
        cfg.model[name] = value  # update() would merge
    with DefaultScope.overwrite_default_scope('mmdet'):
        return build(cfg.model)


def test_a_whole_detector(save):
    theirs = ssdlite()
    path = save({'state_dict': theirs.state_dict()})
    assert same(ssdlite(init_cfg=pretrained(path)).state_dict(), theirs.state_dict())


def test_a_detector_of_other_classes_predicts_them_anew(save, log):
    theirs = ssdlite(classes=3)
    path = save({'state_dict': theirs.state_dict()})
    ours = ssdlite(classes=5, init_cfg=pretrained(path)).state_dict()
    for name, value in theirs.state_dict().items():
        if ours[name].shape == value.shape:
            assert torch.equal(ours[name], value), name
        else:
            assert name.startswith('bbox_head.cls_convs.')
    (_, _), (left, level) = log
    assert re.search(r'cls_convs\.0\.1\.weight \(24, .*\) for \(36, ', left)
    assert level == logging.WARNING


@pytest.mark.parametrize('flaw', ['classifier', 'other backbone', 'code'])
def test_a_detector_refuses_what_is_none_of_its_kind(save, tmp_path, flaw):
    proof = tmp_path / 'proof'
    state = ssdlite().state_dict()
    if flaw == 'classifier':
        path = save(timm_net('tinynet_e'))
        message = 'has no bbox_head, .* init_cfg of model.backbone'
    elif flaw == 'code':
        path = save({'state_dict': state, 'meta': RunsCode(proof)})
        message = 'refused, since reading it would run'
    else:
        del state['backbone.conv_stem.weight']
        path = save({'state_dict': state})
        message = r'1 missing \(backbone\.conv_stem\.weight\)'
    with pytest.raises(InputError, match=message):
        ssdlite(init_cfg=pretrained(path))
    assert not proof.exists()


MMDET_S = dict(type='mmdet.ResNet', depth=18, num_stages=4, out_indices=(2, 3))


def test_a_backbone_of_another_library_takes_torchvision_s_weights(save, log):
    theirs = torchvision.models.resnet18()
    path = save(theirs)
    ours = ssdlite(backbone={**MMDET_S, 'init_cfg': pretrained(path)}).backbone
    state = theirs.state_dict()
    assert same(ours.state_dict(), {name: state[name] for name in ours.state_dict()})
    [(line, _)] = log
    assert line.endswith(
        'tensors loaded into ResNet, 2 not used: head.fc.weight, head.fc.bias'
    )


@pytest.mark.parametrize('flaw', ['another network', 'code'])
def test_a_backbone_of_another_library_is_as_strict(save, tmp_path, flaw):
    proof = tmp_path / 'proof'
    state = torchvision.models.resnet18().state_dict()
    path = {
        'another network': lambda: save(torchvision.models.resnet34()),
        'code': lambda: save({'state_dict': state, 'meta': RunsCode(proof)}),
    }[flaw]()
    backbone = {**MMDET_S, 'init_cfg': pretrained(path)}
    message = 'not the weights of ResNet: .*unexpected|would run'
    with pytest.raises(InputError, match=message):
        ssdlite(backbone=backbone)
    assert not proof.exists()


def test_no_weights_under_a_prefix(save, detector):
    with pytest.raises(
        InputError,
        match=r"has no weights under prefix='student\.'; it has backbone, neck, bbox",
    ):
        build(tinynet(init_cfg=pretrained(save(detector), prefix='student.')))


def test_a_classifier_of_other_classes_starts_anew(save, log):
    theirs = timm_net('tinynet_e', num_classes=5)
    path = save(theirs)
    ours = build(classifier(tinynet(), classes=10, init_cfg=pretrained(path)))
    state = theirs.state_dict()
    for name, value in ours.backbone.state_dict().items():
        assert torch.equal(value, state[name])
    # as its own init_cfg says
    assert ours.head.fc.weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert not ours.head.fc.bias.any()
    assert log == [
        (
            f'{path}: 226 of 228 tensors loaded into Classifier (tinynet_e)',
            logging.INFO,
        ),
        (
            f'{path}: the classifier is another one and stays as it was initialised: '
            'head.fc.weight (5, 1280) for (10, 1280), head.fc.bias (5,) for (10,)',
            logging.WARNING,
        ),
    ]


def test_a_hidden_layer_is_kept_when_the_classes_differ(save):
    theirs = timm_net('mobilenetv3_small_100', num_classes=5)
    backbone = dict(type='ConvNet', arch='mobilenet_v3_small')
    ours = build(classifier(backbone, classes=10, init_cfg=pretrained(save(theirs))))
    assert torch.equal(ours.head.hidden.weight, theirs.conv_head.weight.flatten(1))
    assert torch.equal(ours.head.hidden.bias, theirs.conv_head.bias)


def test_a_file_without_a_classifier(save, log):
    backbone = build(tinynet())
    path = save(backbone)
    ours = build(classifier(tinynet(), init_cfg=pretrained(path)))
    assert same(ours.backbone.state_dict(), backbone.state_dict())
    assert log[1][0].endswith(': head.fc.weight, head.fc.bias')


def test_counters_of_batch_norms_may_be_missing(save):
    """As in the files that timm 0.1 and PyTorch before 0.4.1 left."""
    state = timm_net('tinynet_e').state_dict()
    without = {n: v for n, v in state.items() if not n.endswith('num_batches_tracked')}
    ours = build(classifier(tinynet(), init_cfg=pretrained(save(without))))
    found = to_timm(ours.state_dict())
    assert same({name: found[name] for name in without}, without)
    assert ours.backbone.bn1.num_batches_tracked == 0


@pytest.mark.parametrize('wrong', ['tinynet_a', 'efficientnet_b0', 'resnet50'])
@pytest.mark.parametrize('whole', [True, False])
def test_the_file_of_another_network_is_refused(save, wrong, whole):
    path = save(timm_net(wrong))
    model = MODELS.build(
        classifier(tinynet('d'), init_cfg=pretrained(path))
        if whole
        else tinynet('d', init_cfg=pretrained(path))
    )
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(InputError) as error:
        loading.load_pretrained(model, path)
    network = 'Classifier' if whole else 'TinyNet'
    message = re.fullmatch(
        rf'{re.escape(path)}: not the weights of {network} \(tinynet_d\): (.*): give '
        'the file of this network, or configure the network of this file',
        str(error.value),
    )
    problems = message[1].split('; ')
    for problem in problems:
        number, listed = re.fullmatch(
            r'(\d+) (?:missing|unexpected|of another shape) \((.*)\)', problem
        ).groups()
        names = re.findall(r'[a-z]\w*\.[\w.]+[a-z]', listed)
        assert len(names) == min(int(number), 8) > 0
        assert listed.endswith(', ...') == (int(number) > 8)
    # All or nothing.
    assert same(model.state_dict(), before)
    with pytest.raises(InputError, match='not the weights'):
        model.init_weights()


def test_every_problem_is_listed(save):
    state = timm_net('tinynet_e').state_dict()
    del state['bn2.bias']
    state['bn3.bias'] = torch.zeros(3)
    state['conv_stem.weight'] = torch.zeros(32, 1, 3, 3)
    path = save(state)
    with pytest.raises(InputError) as error:
        build(tinynet(init_cfg=pretrained(path)))
    assert str(error.value) == (
        f'{path}: not the weights of TinyNet (tinynet_e): 1 missing (bn2.bias); '
        '1 unexpected (bn3.bias); 1 of another shape (conv_stem.weight (32, 1, 3, 3) '
        'for (32, 3, 3, 3)): give the file of this network, or configure the network '
        'of this file'
    )


@pytest.mark.parametrize('level', ['classifier', 'backbone'])
@pytest.mark.parametrize('flaw', ['truncated', 'code', 'missing', 'empty'])
def test_bad_files(save, tmp_path, level, flaw):
    """The same with and without the tools, which make MMEngine weights-only."""
    proof = tmp_path / 'proof'
    path = tmp_path / 'weights.pth'
    state = timm_net('tinynet_e').state_dict()
    if flaw == 'empty':
        save({'state_dict': {}})
    elif flaw != 'missing':
        save({'state_dict': state, 'meta': RunsCode(proof) if flaw == 'code' else None})
    if flaw == 'truncated':
        truncate(path)
    message = {
        'truncated': 'not a whole checkpoint',
        'code': 'refused, since reading it would run .*mkdir',
        'missing': 'No such file',
        'empty': 'holds no weights',
    }[flaw]
    init_cfg = pretrained(str(path))
    with pytest.raises(InputError, match=rf'weights\.pth: .*{message}'):
        if level == 'classifier':
            build(classifier(tinynet(), init_cfg=init_cfg))
        else:
            build(classifier(tinynet(init_cfg=init_cfg)))
    assert not proof.exists()


def test_initialised_once(save, monkeypatch):
    """MMEngine's bookkeeping holds: a second call warns and leaves all as it is."""
    path = save(timm_net('tinynet_e'))
    model = build(classifier(tinynet(), init_cfg=pretrained(path)))
    assert model.is_init and model.backbone.is_init and model.head.is_init
    assert not any(hasattr(m, '_params_init_info') for m in model.modules())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    warnings = []
    monkeypatch.setattr(
        'mmengine.model.base_module.print_log',
        lambda line, logger, level: warnings.append((line, level)),
    )
    model.init_weights()
    model.backbone.init_weights()
    assert same(model.state_dict(), before)
    assert [level for _, level in warnings] == [logging.WARNING] * 2
    assert all('more than once' in line for line, _ in warnings)


def test_the_model_s_weights_come_after_those_of_its_backbone(save):
    first = save(timm_net('tinynet_e'), 'first.pth')
    other = build(classifier(tinynet()))
    second = save(other, 'second.pth')
    model = build(
        classifier(tinynet(init_cfg=pretrained(first)), init_cfg=pretrained(second))
    )
    assert same(model.state_dict(), other.state_dict())


def test_mmengine_s_record_names_the_file(save, tmp_path, monkeypatch):
    """The log of a run says of every parameter where it is from."""
    path = save(timm_net('tinynet_e', num_classes=5))
    monkeypatch.setattr(MMLogger, '_instance_dict', {})
    MMLogger.get_instance('loading', log_file=str(tmp_path / 'run.log'))
    model = build(classifier(tinynet(), classes=10, init_cfg=pretrained(path)))
    record = (tmp_path / 'run.log').read_text()
    loaded = record.count(f'Pretrained: loaded from {path}')
    assert loaded == len([*model.backbone.parameters()])
    [head] = re.findall(r'head\.fc\.weight - torch\.Size.*\n(.*)', record)
    assert 'NormalInit' in head
