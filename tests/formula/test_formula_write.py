"""Configs of solved networks against what the models that they build cost."""

import os
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from tinydet.engine.jobs import load_config
from tinydet.errors import InputError
from tinydet.formula.budget import Budget
from tinydet.formula.cube import Net, classifier_cube, detector_cube
from tinydet.formula.formula import read_formula
from tinydet.formula.solve import solve_budget
from tinydet.formula.write import check_new, write_classifier, write_detector
from tinydet.models.complexity import build, count, count_model, input_side

CONFIGS = Path(__file__).parents[2] / 'configs'
TITLE = 'Something for a budget of 50M MACs.'


@dataclass(frozen=True)
class Written:
    """A solved network and its config."""

    net: Net
    cfg: Config
    text: str


formula = cache(read_formula)


def solved(cube, share: float) -> Net:
    budget = Budget('macs', share * cube.baseline.macs)
    return solve_budget(cube, formula(), budget).net


def written(path: Path, net: Net) -> Written:
    text = path.read_text()
    assert text.startswith(f'# {TITLE}\n_base_ = ')
    return Written(net, load_config(path), text)


def classifier(path: Path, name: str, classes: int = 1000, side=None) -> Written:
    net = solved(classifier_cube(name, classes, side), 0.2)
    write_classifier(path, net, name, classes, TITLE, CONFIGS)
    return written(path, net)


def detector(path: Path, name: str, net: Net, side: int, classes: int) -> Written:
    write_detector(path, net, name, side, classes, TITLE, CONFIGS)
    return written(path, net)


@pytest.mark.parametrize(
    ('name', 'classes', 'side'),
    [('efficientnet_b0', 1000, None), ('resnet50', 10, None), ('ghostnet_a', 10, 96)],
)
def test_a_classifier_costs_what_was_solved(tmp_path, name, classes, side):
    found = classifier(tmp_path / 'mine.py', name, classes, side)
    cost = count_model(found.cfg)
    assert cost.input == found.net.input
    assert (cost.params, cost.macs) == (found.net.params, found.net.macs)
    assert found.cfg.model.head.num_classes == classes
    for split in ('train', 'val', 'test'):
        dataset = found.cfg[f'{split}_dataloader'].dataset
        assert dataset.input_size == found.net.input


@pytest.mark.parametrize(
    ('name', 'recipe'),
    [
        *(('efficientnet_b0', 'efficientnet_b0_in1k'), ('resnet50', 'resnet50_in1k')),
        *(('ghostnet_a', 'ghostnet_a_in1k'), ('mobilenet_v2', 'tinynet_a_in1k')),
    ],
)
def test_the_recipe_is_that_of_the_baseline(tmp_path, name, recipe):
    cfg = classifier(tmp_path / 'mine.py', name).cfg
    known = load_config(CONFIGS / 'classification' / f'{recipe}.py')
    for part in (
        *('optim_wrapper', 'param_scheduler', 'train_cfg', 'default_hooks'),
        *('auto_scale_lr', 'val_evaluator', 'default_scope'),
    ):
        assert cfg.get(part) == known.get(part)
    assert cfg.model.head == known.model.head
    assert cfg.model.get('bn_momentum') == known.model.get('bn_momentum')
    loader, theirs = cfg.train_dataloader.dataset, known.train_dataloader.dataset
    assert loader.pipeline == theirs.pipeline
    assert cfg.train_dataloader.batch_size == known.train_dataloader.batch_size


@pytest.mark.parametrize(
    ('name', 'outputs', 'classes', 'side'),
    [
        ('ghostnet_a', ('expand6', 7), 80, 320),
    ]
    + [('resnet50', (2, 3), 3, 300)],
)
def test_a_whole_detector_costs_what_was_solved(tmp_path, name, outputs, classes, side):
    net = solved(detector_cube(name, classes, side), 0.4)
    found = detector(tmp_path / 'mine.py', name, net, net.input, classes)
    assert found.cfg.model.backbone.out_indices == outputs
    cost = count_model(found.cfg)
    assert cost.input == net.input < side
    assert (cost.params, cost.macs) == (net.params, net.macs)
    assert found.cfg.model.bbox_head.num_classes == classes


@pytest.mark.parametrize('name', ['efficientnet_b0', 'resnet50'])
def test_the_backbone_of_a_detector_costs_what_was_solved(tmp_path, name):
    # Table 5: the budget is that of the backbone as a classifier of ImageNet.
    net = solved(classifier_cube(name), 0.13)
    cfg = detector(tmp_path / 'mine.py', name, net, 512, 80).cfg
    assert input_side(cfg) == 512
    backbone = {k: v for k, v in cfg.model.backbone.items() if k != 'out_indices'}
    head = dict(num_classes=1000)
    model = build(dict(type='Classifier', backbone=backbone, head=head), 'mmpretrain')
    cost = count(model, net.input)
    assert (cost.params, cost.macs) == (net.params, net.macs)


def test_a_detector_as_the_paper_s_says_nothing_else(tmp_path):
    net = solved(classifier_cube('efficientnet_b0'), 0.13)
    found = detector(tmp_path / 'mine.py', 'efficientnet_b0', net, 512, 80)
    paper = load_config(CONFIGS / 'ssdlite_tinynet_d.py')
    assert {k: v for k, v in found.cfg.items() if paper.get(k) != v}.keys() <= {
        *('model', 'backbone', 'work_dir')
    }
    assert found.cfg.model.bbox_head == paper.model.bbox_head
    assert 'variant' not in found.cfg.model.backbone
    assert len(found.text.splitlines()) == 5


def test_every_image_gets_the_side_of_the_detector(tmp_path):
    net = solved(detector_cube('efficientnet_b0', 3, 320), 0.4)
    cfg = detector(tmp_path / 'mine.py', 'efficientnet_b0', net, net.input, 3).cfg
    for split in ('train', 'val', 'test'):
        steps = cfg[f'{split}_dataloader'].dataset.pipeline
        resizes = [step['scale'] for step in steps if step['type'] == 'Resize']
        assert [tuple(scale) for scale in resizes] == [(net.input, net.input)]
    assert cfg.model.bbox_head.anchor_generator.input_size == net.input


def test_the_model_of_a_detector_runs(tmp_path):
    net = solved(detector_cube('efficientnet_b0', 3, 128), 0.3)
    cfg = detector(tmp_path / 'mine.py', 'efficientnet_b0', net, net.input, 3).cfg
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        model = MODELS.build(cfg.model).eval()
    image = torch.zeros(1, 3, net.input, net.input)
    with torch.no_grad():
        scores, boxes = model(image)
    # 6 boxes a location, at strides 16 and 32 and in the four layers behind
    sides = [-(-net.input // stride) for stride in (16, 32, 64, 128, 256, 512)]
    assert [tuple(level.shape[-2:]) for level in boxes] == [(s, s) for s in sides]
    assert {level.shape[1] for level in scores} == {6 * (3 + 1)}


def test_multipliers_are_written_as_they_are(tmp_path):
    net = solved(classifier_cube('efficientnet_b0'), 0.5)
    cfg = classifier(tmp_path / 'mine.py', 'efficientnet_b0').cfg
    assert cfg.model.backbone.d == round(cfg.model.backbone.d, 3)
    write_classifier(tmp_path / 'half.py', net, 'efficientnet_b0', 1000, TITLE, CONFIGS)
    backbone = Config.fromfile(tmp_path / 'half.py').model.backbone
    assert (backbone.w, backbone.d) == (net.w, net.d)


@pytest.mark.parametrize('folder', ['shallow', 'deep/er', 'deep/linked'])
def test_the_base_is_found_from_any_folder(tmp_path, monkeypatch, folder):
    (tmp_path / 'elsewhere').mkdir()
    (tmp_path / 'deep/er').mkdir(parents=True)
    (tmp_path / 'deep/linked').symlink_to(tmp_path / 'elsewhere')
    (tmp_path / folder).mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path)
    net = solved(classifier_cube('efficientnet_b0'), 0.2)
    path = Path(folder) / 'mine.py'
    write_classifier(path, net, 'efficientnet_b0', 1000, TITLE, CONFIGS)
    monkeypatch.chdir('/')
    assert load_config(tmp_path / path).model.backbone.w == net.w
    assert os.listdir(tmp_path / folder) == ['mine.py']


def test_a_config_in_the_project_moves_with_it(tmp_path):
    configs = tmp_path / 'here/configs'
    shutil.copytree(CONFIGS / '_base_', configs / '_base_')
    net = solved(classifier_cube('efficientnet_b0'), 0.2)
    for path in (configs / 'mine.py', configs / 'own/mine.py'):
        path.parent.mkdir(exist_ok=True)
        write_classifier(path, net, 'efficientnet_b0', 1000, TITLE, configs)
    (tmp_path / 'here').rename(tmp_path / 'there')
    for name in ('mine.py', 'own/mine.py'):
        cfg = load_config(tmp_path / 'there/configs' / name)
        assert cfg.model.backbone.w == net.w


def test_a_config_is_not_written_over(tmp_path):
    path = tmp_path / 'mine.py'
    check_new(path)
    path.write_text('precious')
    with pytest.raises(InputError, match=r'mine\.py exists: remove it, or give'):
        check_new(path)
    for name in ('mine', 'mine.json', 'py'):
        with pytest.raises(InputError, match=r'no config: give .* ends in \.py'):
            check_new(tmp_path / name)
