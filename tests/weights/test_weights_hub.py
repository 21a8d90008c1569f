import re
from pathlib import Path

import huggingface_hub.constants
import pytest
import safetensors.torch
import timm
import torch

from tinydet.errors import InputError
from tinydet.weights import read_weights
from tinydet.weights.hub import fetch

COMMIT = 'f' * 40


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache of the hub, and no network."""
    monkeypatch.setattr(huggingface_hub.constants, 'HF_HUB_OFFLINE', True)
    monkeypatch.setattr(huggingface_hub.constants, 'HF_HUB_CACHE', str(tmp_path))
    return tmp_path


def put_into(cache: Path, repository: str, weights: dict) -> Path:
    """Leave weights as a download of the hub does."""
    folder = cache / f'models--{repository.replace("/", "--")}'
    (folder / 'refs').mkdir(parents=True)
    (folder / 'refs/main').write_text(COMMIT)
    path = folder / 'snapshots' / COMMIT / 'model.safetensors'
    path.parent.mkdir(parents=True)
    safetensors.torch.save_file(weights, path)
    return path


@pytest.mark.parametrize('name', ['tinynet_e.in1k', 'tinynet_e'])
def test_weights_come_from_the_cache(cache, name):
    theirs = timm.create_model('tinynet_e').state_dict()
    put_into(cache, 'timm/tinynet_e.in1k', theirs)
    found = read_weights(f'timm://{name}')
    assert found.keys() == theirs.keys()
    assert all(torch.equal(found[name], theirs[name]) for name in theirs)


def test_weights_are_downloaded_as_timm_does(monkeypatch, tmp_path):
    """The same repository and file as ``timm.create_model(pretrained=True)``."""
    path = tmp_path / 'model.safetensors'
    safetensors.torch.save_file(timm.create_model('tinynet_e').state_dict(), path)
    asked = []

    def download(repo_id, filename, **settings):
        asked.append((repo_id, filename))
        return str(path)

    monkeypatch.setattr('timm.models._hub.hf_hub_download', download)
    monkeypatch.setattr('tinydet.weights.hub.hf_hub_download', download)
    timm.create_model('tinynet_e.in1k', pretrained=True)
    assert fetch('tinynet_e.in1k') == path
    assert asked == [('timm/tinynet_e.in1k', 'model.safetensors')] * 2


def test_a_damaged_download_is_named(cache):
    path = put_into(cache, 'timm/tinynet_e.in1k', {'w': torch.ones(9)})
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(InputError, match=r'model\.safetensors: not a whole'):
        read_weights('timm://tinynet_e.in1k')


def test_no_network_and_not_in_the_cache():
    with pytest.raises(InputError) as error:
        read_weights('timm://tinynet_d.in1k')
    assert re.fullmatch(
        r'timm://tinynet_d\.in1k: neither in the cache nor to be fetched \(\w+\): '
        r'download https://huggingface\.co/timm/tinynet_d\.in1k/resolve/main/'
        r'model\.safetensors or https://github\.com/\S+/tinynet_d\.pth and give the '
        r'path of the file instead',
        str(error.value),
    )


@pytest.mark.parametrize(
    ('name', 'mend'),
    [
        ('tinynet_z', r'near it are (tinynet_\w\.in1k(, )?){5}'),
        ('tinynet_d.in22k', r'near it are tinynet_d\.in1k, '),
        ('nothing', r'see timm\.list_models\(\)'),
        ('', r'see timm\.list_models\(\)'),
        ('hf-hub:timm/tinynet_d', r'see timm\.list_models\(\)'),
    ],
)
def test_names_that_timm_does_not_know(name, mend):
    with pytest.raises(InputError, match=f'timm://{name}: timm has no such .*{mend}'):
        read_weights(f'timm://{name}')
