"""A config as what trains the networks of a cube."""

import pytest

from tinydet.engine.jobs import load_config
from tinydet.errors import InputError
from tinydet.models.complexity import count_model
from tinydet.search.job import Job, as_python

CLASSIFIER = 'classification/efficientnet_b0_in1k'


@pytest.fixture
def config(request):
    def config(name: str, **options):
        path = request.config.rootpath / f'configs/{name}.py'
        return load_config(path, options=options)

    return config


@pytest.mark.parametrize(
    'name',
    [
        CLASSIFIER,
        'classification/ghostnet_a_hswish_in1k',
        'classification/resnet50_in100',
        'ssdlite_efficientnet_b0',
        'ssdlite320_tinynet_d_bccd',
        'ssdlite_ghostnet_a',
        'ssdlite_resnet50',
    ],
)
@pytest.mark.parametrize('by_authors', [False, True], ids=['tiny', 'authors'])
def test_a_network_in_its_config_costs_what_the_cube_says(config, name, by_authors):
    job = Job(config(name))
    scaling = job.cube.arch.scaling if by_authors else None
    net = job.cube.net(0.8, 0.7, 0.6, scaling)
    cfg = job.place(net, by_authors, seed=3)
    counted = count_model(cfg)
    assert (counted.input, counted.params, counted.macs) == (
        net.input,
        net.params,
        net.macs,
    )
    assert cfg.randomness.seed == 3
    # what is no matter of the place stays, and the config of the baseline as well
    backbone, before = cfg.model.backbone, job.cfg.model.backbone
    for argument in ('activation', 'out_indices'):
        assert backbone.get(argument) == before.get(argument)
    assert job.cube.baseline.macs > net.macs


def test_a_config_as_python_reads_as_it_was(config, tmp_path):
    cfg = Job(config('ssdlite_tinynet_d')).cfg
    path = tmp_path / 'config.py'
    path.write_text(as_python(cfg))
    assert load_config(path, cfg.work_dir).to_dict() == cfg.to_dict()


def test_every_loader_of_a_detector_resizes_to_the_input(config):
    job = Job(config('ssdlite_tinynet_d'))
    net = job.cube.net(0.5, 1, 1)
    cfg = job.place(net, False, 0)
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        (resize,) = (
            step for step in cfg[name].dataset.pipeline if step['type'] == 'Resize'
        )
        assert resize['scale'] == (256, 256)
    assert job.cube.side == 512


def test_the_figure_is_that_of_the_task(config):
    assert Job(config(CLASSIFIER)).figure == 'top1'
    assert Job(config('ssdlite_tinynet_d')).figure == 'bbox_mAP'


def test_the_digest_is_that_of_the_training(config):
    job = Job(config(CLASSIFIER))
    data = Job(config(CLASSIFIER, **{'train_dataloader.dataset.data_root': 'there/'}))
    longer = Job(config(CLASSIFIER, **{'train_cfg.max_epochs': 451}))
    larger = Job(config(CLASSIFIER, **{'train_dataloader.batch_size': 64}))
    assert job.digest == data.digest
    assert len({job.digest, longer.digest, larger.digest}) == 3


@pytest.mark.parametrize(
    ('name', 'options', 'reason'),
    [
        ('ssdlite_resnet18', {}, r'no table to twist: give type=.ConvNet'),
        ('ssdlite_tinynet_d', {'model.type': 'SSD'}, r"its model is 'SSD'"),
        (CLASSIFIER, {'model.backbone.type': 'TIMMBackbone'}, r"'TIMMBackbone'"),
    ],
)
def test_what_cannot_be_twisted_is_refused(config, name, options, reason):
    with pytest.raises(InputError, match=reason):
        Job(config(name, **options))
