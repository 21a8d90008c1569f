"""The tool that converts weights."""

import re

import pytest
import safetensors.torch
import timm
import torch
from bad_files import RunsCode, truncate
from mmengine.registry import MODELS
from mmengine.runner import load_checkpoint
from timm_nets import timm_net
from tiny_runs import call

import tinydet.models  # noqa: F401  (registers)
from tinydet.weights import load_weights_only


def classifier(variant: str):
    return MODELS.build(
        dict(
            type='Classifier',
            backbone=dict(type='TinyNet', variant=variant),
            head=dict(num_classes=1000),
        )
    ).eval()


def same(ours: dict, theirs: dict) -> bool:
    return ours.keys() == theirs.keys() and all(
        torch.equal(ours[name], theirs[name]) for name in ours
    )


@torch.no_grad()
@pytest.mark.parametrize('suffix', ['pth', 'safetensors'])
def test_there_and_back(tmp_path, capsys, suffix):
    theirs = timm_net('tinynet_e')
    path = tmp_path / f'timm.{suffix}'
    if suffix == 'pth':
        torch.save(theirs.state_dict(), path)
    else:
        safetensors.torch.save_file(theirs.state_dict(), path)
    ours, back = tmp_path / f'new/ours.{suffix}', tmp_path / f'back.{suffix}'

    assert call('convert_weights.py', path, ours, '--to', 'tinydet') == 0
    assert capsys.readouterr().out.splitlines() == [
        f'{ours}: written for tinydet from {path}',
        '  backbone      226 tensors',
        '  classifier      2 tensors',
    ]
    model = classifier('e')
    model.load_state_dict(
        load_weights_only(ours)['state_dict']
        if suffix == 'pth'
        else load_weights_only(ours),
        strict=True,
    )
    images = torch.randn(2, 3, 106, 106)
    torch.testing.assert_close(model(images), theirs(images), rtol=1e-5, atol=1e-5)

    assert call('convert_weights.py', ours, back, '--to', 'timm') == 0
    found = load_weights_only(back)
    assert same(found, theirs.state_dict())
    timm.create_model('tinynet_e').load_state_dict(found, strict=True)
    timm.models.load_checkpoint(timm.create_model('tinynet_e'), str(back), strict=True)


def test_mmengine_loads_the_checkpoint(tmp_path):
    path, ours = tmp_path / 'timm.pth', tmp_path / 'ours.pth'
    torch.save(timm_net('tinynet_e').state_dict(), path)
    assert call('convert_weights.py', path, ours, '--to', 'tinydet') == 0
    model = classifier('e')
    checkpoint = load_checkpoint(model, str(ours), strict=True)
    assert checkpoint['meta']['source'] == str(path)
    assert same(model.state_dict(), checkpoint['state_dict'])


def test_a_trained_model_in_channels_last(tmp_path):
    """Its weights lie otherwise in memory, which safetensors does not save."""
    model = classifier('e')
    path, out = tmp_path / 'epoch_1.pth', tmp_path / 'timm.safetensors'
    torch.save({'state_dict': model.state_dict(), 'meta': {'epoch': 1}}, path)
    assert call('convert_weights.py', path, out, '--to', 'timm') == 0
    weight = load_weights_only(out)['conv_stem.weight']
    assert weight.is_contiguous()
    assert torch.equal(weight, model.backbone.conv_stem.weight)


def test_what_has_no_place_is_counted(tmp_path, capsys):
    state = {f'backbone.{n}': v for n, v in timm_net('tinynet_e').state_dict().items()}
    state = {n: v for n, v in state.items() if 'classifier' not in n}
    path, out = tmp_path / 'detector.pth', tmp_path / 'timm.pth'
    neck = {'neck.a.weight': torch.ones(1), 'bbox_head.b.weight': torch.ones(1)}
    torch.save({'state_dict': {**state, **neck}}, path)
    assert call('convert_weights.py', path, out, '--to', 'timm') == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        '  backbone      226 tensors',
        '  classifier      0 tensors',
        '  left out        2 tensors (neck, bbox_head)',
    ]
    timm.create_model('tinynet_e', num_classes=0).load_state_dict(
        load_weights_only(out), strict=True
    )


def refused(capsys, *args) -> str:
    assert call('convert_weights.py', *args) == 2
    return capsys.readouterr().err


def test_bad_input(tmp_path, capsys):
    path, out, proof = tmp_path / 'in.pth', tmp_path / 'out.pth', tmp_path / 'proof'
    to = ('--to', 'tinydet')
    error = refused(capsys, path, out, *to)
    assert re.fullmatch(r'error: \S+in\.pth: .*No such file.*\n', error)

    torch.save({'conv.weight': torch.ones(3)}, path)
    error = refused(capsys, path, out, *to)
    assert re.fullmatch(
        r'error: \S+in\.pth: neither a network of ours, nor .*\n', error
    )

    torch.save(timm_net('mobilenetv3_small_050').state_dict(), path)
    error = refused(capsys, path, out, *to)
    assert re.fullmatch(r'error: \S+in\.pth: .* hidden layer .* init_cfg.*\n', error)

    error = refused(capsys, path, tmp_path / 'out.onnx', *to)
    assert re.fullmatch(r'error: \S+out\.onnx: .* ends with \.pth, .*\n', error)

    truncate(path)
    error = refused(capsys, path, out, *to)
    assert re.fullmatch(r'error: \S+in\.pth: not a whole checkpoint.*\n', error)

    torch.save({'state_dict': {'w': torch.ones(1)}, 'x': RunsCode(proof)}, path)
    error = refused(capsys, path, out, *to)
    assert re.fullmatch(r'error: \S+in\.pth: refused, .*\n', error)
    assert not proof.exists()
    assert [p.name for p in tmp_path.iterdir()] == ['in.pth']
