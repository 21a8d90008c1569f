import argparse
import pickle

import pytest
import safetensors.torch
import torch
from bad_files import RunsCode, truncate

from tinydet.errors import InputError
from tinydet.weights import load_weights_only, read_weights

WEIGHTS = {'conv.weight': torch.arange(4.0), 'conv.bias': torch.tensor(1.0)}
OTHERS = {'conv.weight': torch.zeros(4), 'conv.bias': torch.tensor(0.0)}


def save(content, path):
    if path.suffix == '.safetensors':
        safetensors.torch.save_file(content, path)
    else:
        torch.save(content, path)
    return path


def with_prefix(prefix: str) -> dict:
    return {prefix + name: value for name, value in WEIGHTS.items()}


@pytest.mark.parametrize(
    ('name', 'content'),
    [
        ('plain.pth', WEIGHTS),
        ('plain.safetensors', WEIGHTS),
        ('mmengine.pth', {'meta': {'epoch': 3}, 'state_dict': WEIGHTS}),
        ('torchvision.pt', {'model': WEIGHTS, 'epoch': 3}),
        (
            'timm.pth.tar',
            {
                'epoch': 3,
                'arch': 'tinynet_d',
                'args': argparse.Namespace(lr=0.1),
                'optimizer': {'state': {0: {'step': torch.tensor(9.0)}}},
                'state_dict': OTHERS,
                'state_dict_ema': WEIGHTS,
            },
        ),
        ('torchvision_ema.pth', {'model': OTHERS, 'model_ema': WEIGHTS}),
        ('distributed.pth', {'state_dict': with_prefix('module.')}),
        ('compiled.pth', {'state_dict': with_prefix('module._orig_mod.')}),
        ('counted.pth', {**WEIGHTS, 'epoch': 3}),
    ],
)
def test_weights_are_found_whoever_wrote_them(tmp_path, name, content):
    found = read_weights(save(content, tmp_path / name))
    assert {name: value.tolist() for name, value in found.items()} == {
        name: value.tolist() for name, value in WEIGHTS.items()
    }


def test_the_whole_checkpoint_is_loaded(tmp_path):
    content = {'meta': {'epoch': 3}, 'state_dict': WEIGHTS}
    loaded = load_weights_only(save(content, tmp_path / 'weights.pth'))
    assert loaded['meta'] == {'epoch': 3}
    assert loaded['state_dict']['conv.weight'].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize('suffix', ['pth', 'safetensors'])
@pytest.mark.parametrize(
    'content',
    [b'', b'PK\x03\x04', b'\x80', b'hello', bytes(range(256)), b'{"state_dict": {}}'],
)
def test_files_that_are_no_checkpoints(tmp_path, suffix, content):
    path = tmp_path / f'some.{suffix}'
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf'some\.{suffix}: not a whole checkpoint'):
        load_weights_only(path)


@pytest.mark.parametrize('name', ['some.pth', 'some.safetensors'])
def test_every_truncation_is_refused(tmp_path, name):
    path = save({'w': torch.ones(3)}, tmp_path / name)
    whole = path.read_bytes()
    for size in range(0, len(whole), 37):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match=name):
            load_weights_only(path)


@pytest.mark.parametrize(
    'written, named', [('pth', 'safetensors'), ('safetensors', 'pth')]
)
def test_files_of_another_suffix(tmp_path, written, named):
    path = save(WEIGHTS, tmp_path / f'some.{written}')
    renamed = path.rename(path.with_suffix(f'.{named}'))
    with pytest.raises(InputError, match='damaged or of another format'):
        load_weights_only(renamed)


@pytest.mark.parametrize(
    'content', [[1, 2], {'state_dict': {}}, {'a': 1}, 'text', {'model': [1]}]
)
def test_files_without_weights(tmp_path, content):
    path = save(content, tmp_path / 'some.pth')
    with pytest.raises(InputError, match=r'some\.pth: holds no weights'):
        read_weights(path)


def test_missing_files(tmp_path):
    for name in ('none.pth', 'none.safetensors'):
        with pytest.raises(InputError, match=r'none\..*: .*No such file'):
            load_weights_only(tmp_path / name)
    with pytest.raises(InputError, match='directory'):
        load_weights_only(tmp_path)


@pytest.mark.parametrize('dump', [torch.save, None])
def test_code_in_a_file_is_refused_and_not_run(tmp_path, dump):
    path, proof = tmp_path / 'evil.pth', tmp_path / 'proof'
    content = {'state_dict': WEIGHTS, 'args': argparse.Namespace(x=RunsCode(proof))}
    if dump:
        dump(content, path)
    else:
        path.write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(InputError, match=r'evil\.pth: refused'):
        read_weights(path)
    assert not proof.exists()
    # and it would have run
    torch.load(path, weights_only=False) if dump else pickle.loads(path.read_bytes())
    assert proof.exists()


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_code_in_a_plain_pickle_of_any_version(tmp_path, protocol):
    path, proof = tmp_path / 'evil.pth', tmp_path / 'proof'
    path.write_bytes(pickle.dumps({'a': RunsCode(proof)}, protocol))
    with pytest.raises(InputError, match=r'evil\.pth: refused, since reading .* run'):
        load_weights_only(path)
    assert not proof.exists()


def test_files_cut_in_half(tmp_path):
    path = save(WEIGHTS, tmp_path / 'cut.safetensors')
    truncate(path)
    with pytest.raises(InputError, match=r'cut\.safetensors: not a whole checkpoint'):
        read_weights(path)


@pytest.mark.parametrize('url', ['https://x.org/a.pth', 'torchvision://resnet50'])
def test_other_sources_are_refused(url):
    with pytest.raises(InputError, match=f'{url}: .* download the file and give'):
        read_weights(url)
