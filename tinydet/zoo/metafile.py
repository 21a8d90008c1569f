"""Metafiles, by which the tools of OpenMMLab find configs."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import PurePosixPath

import yaml

from tinydet.errors import InputError
from tinydet.zoo.configs import CountedConfig

_PAPER = dict(
    Title="Model Rubik's Cube: Twisting Resolution, Depth and Width for TinyNets",
    URL='https://arxiv.org/abs/2010.14819',
)
# One for every folder of configs: paths of a README are relative to the metafile,
# those of configs to the root of the repository.
COLLECTIONS = {
    'configs': dict(Name='SSDLite-TinyDet', Paper=_PAPER, README='../docs/zoo.md'),
    'configs/classification': dict(
        Name='TinyDet-Classification', Paper=_PAPER, README='../../docs/zoo.md'
    ),
}
# What was measured with this repository, in percent; nothing from papers.
RESULTS = {
    'ssdlite_tinynet_d_bccd': dict(
        Task='Object Detection',
        Dataset='BCCD',
        Metrics={'box AP': 49.4, 'box AP50': 79.0},
    ),
    # docs/pretraining.md: means of three seeds at the last epoch
    **{
        f'{name}_cifar10': dict(
            Task='Image Classification',
            Dataset='CIFAR-10',
            Metrics={'Top 1 Accuracy': top1},
        )
        for name, top1 in (
            ('tinynet_d', 54.5),
            ('tinynet_e', 51.9),
            ('efficientnet_b_minus3', 56.7),
            ('efficientnet_b_minus4', 55.2),
        )
    },
    **{
        f'ssdlite320_{name}': dict(
            Task='Object Detection',
            Dataset='BCCD',
            Metrics={'box AP': box_ap, 'box AP50': box_ap50},
        )
        for name, box_ap, box_ap50 in (
            ('tinynet_d_bccd', 38.8, 60.0),
            ('tinynet_d_bccd_pretrained', 40.4, 64.7),
            ('efficientnet_b_minus3_bccd_pretrained', 43.0, 72.6),
        )
    },
}


def metafiles(configs: Sequence[CountedConfig]) -> dict[str, str]:
    """The text of every metafile, and of the index that lists them.

    Args:
        configs: All configs.

    Returns:
        Path from the root of the repository to YAML.

    Raises:
        InputError: If a folder has no collection.
    """
    files = {}
    ordered = sorted(configs, key=lambda config: (_folder(config), config.path))
    for folder, members in groupby(ordered, _folder):
        if folder not in COLLECTIONS:
            raise InputError(
                f'{folder} has no collection: name one in tinydet/zoo/metafile.py'
            )
        collection = COLLECTIONS[folder]
        files[f'{folder}/metafile.yml'] = _yaml(
            dict(
                Collections=[collection],
                Models=[_model(config, collection['Name']) for config in members],
            )
        )
    return {**files, 'model-index.yml': _yaml(dict(Import=list(files)))}


def _folder(config: CountedConfig) -> str:
    return PurePosixPath(config.path).parent.as_posix()


def _model(config: CountedConfig, collection: str) -> dict:
    cost = config.cost
    model = {
        'Name': config.name,
        'In Collection': collection,
        'Config': config.path,
        'Metadata': {
            'Parameters': cost.params,
            # multiply-accumulates, as the metafiles of mmpretrain count them
            'FLOPs': cost.macs,
            'Input': f'{cost.input}x{cost.input}',
        },
    }
    if config.name in RESULTS:
        model['Results'] = [RESULTS[config.name]]
    return model


def _yaml(data: dict) -> str:
    return yaml.safe_dump(data, sort_keys=False, width=88)
