"""timm's weights on the Hugging Face hub."""

from difflib import get_close_matches
from pathlib import Path

import timm
from huggingface_hub import hf_hub_download

from tinydet.errors import InputError

# Every repository of timm's weights has this file.
_FILE = 'model.safetensors'


def fetch(name: str) -> Path:
    """Download weights, or find them in the hub's cache.

    Args:
        name: timm's name of a model, with or without the tag of its weights, such as
            ``'tinynet_d.in1k'``.

    Returns:
        The file.

    Raises:
        InputError: timm has no such weights, or they are neither in the cache nor to
            be had; the message names the file to download by hand.
    """
    try:
        cfg = timm.get_pretrained_cfg(name, allow_unregistered=False)
    except RuntimeError:  # a model of that name, but no such tag
        cfg = None
    if cfg is None or not cfg.hf_hub_id:
        near = get_close_matches(name, timm.list_models(pretrained=True), n=5)
        raise InputError(
            f'timm://{name}: timm has no such weights on the hub; '
            + (f'near it are {", ".join(near)}' if near else 'see timm.list_models()')
        )
    try:
        return Path(hf_hub_download(cfg.hf_hub_id, _FILE))
    except Exception as error:  # of the hub's client, its transport or the system
        url = f'https://huggingface.co/{cfg.hf_hub_id}/resolve/main/{_FILE}'
        raise InputError(
            f'timm://{name}: neither in the cache nor to be fetched '
            f'({type(error).__name__}): download {url}'
            + (f' or {cfg.url}' if cfg.url else '')
            + ' and give the path of the file instead'
        ) from error
