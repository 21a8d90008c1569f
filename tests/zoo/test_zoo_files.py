"""What is generated from the zoo."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from counted_zoo import REPO, zoo
from mmengine.registry import MODELS, DefaultScope
from mmpretrain.apis import ModelHub
from modelindex.load_model_index import load

from tinydet.errors import InputError
from tinydet.zoo.files import stale_files, write_zoo
from tinydet.zoo.metafile import metafiles
from tinydet.zoo.nets import NETS
from tinydet.zoo.page import page
from tinydet.zoo.paper import IMAGENET


@pytest.fixture(scope='module')
def written(tmp_path_factory) -> Path:
    """A folder with all files of the zoo."""
    folder = tmp_path_factory.mktemp('zoo')
    (folder / 'docs').mkdir()
    assert sorted(write_zoo(zoo(), folder)) == sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob('*')
        if path.is_file()
    )
    return folder


def cells(text: str, heading: str) -> list[list[str]]:
    """The rows of the table under a heading, header and rule first."""
    part = text.split(f'\n## {heading}\n')[1].split('\n## ')[0]
    return [
        [cell.strip() for cell in line.strip('|').split(' | ')]
        for line in part.splitlines()
        if line.startswith('| ')
    ]


def test_files_just_written_are_up_to_date(written):
    assert stale_files(zoo(), written) == []


def test_a_changed_cost_makes_the_page_and_the_plot_stale(written):
    first, *others = zoo().comparisons
    costlier = replace(first, cost=replace(first.cost, macs=first.cost.macs + 10**6))
    changed = replace(zoo(), comparisons=(costlier, *others))
    assert stale_files(changed, written) == ['docs/zoo.md', 'docs/zoo.png']


def test_a_new_config_makes_page_and_metafile_stale(written):
    config = zoo().configs[0]
    extended = (*zoo().configs, replace(config, path='configs/another.py'))
    stale = stale_files(replace(zoo(), configs=extended), written)
    assert stale == ['docs/zoo.md', 'configs/metafile.yml']


def test_missing_files_are_stale(tmp_path):
    assert stale_files(zoo(), tmp_path) == [*zoo().texts, 'docs/zoo.png']


def test_the_page_says_of_each_network_what_was_counted(written):
    header, _, *rows = cells((written / 'docs/zoo.md').read_text(), 'Classifiers')
    assert [re.sub(r' \[\d+\]$', '', row[0]) for row in rows] == [
        net.label for net in NETS
    ]
    for row, item in zip(rows, zoo().comparisons, strict=True):
        # cells without the trailing empty ones of a split row
        values = dict(zip(header, row, strict=True))
        assert float(values['parameters, M']) == round(item.cost.params / 1e6, 2)
        assert float(values['MACs, M']) == round(item.cost.macs / 1e6, 2)
        assert values['config'] == f'`{item.net.line}`'


def test_the_differences_follow_from_the_printed_figures(written):
    _, _, *rows = cells((written / 'docs/zoo.md').read_text(), 'Classifiers')
    for row in rows:
        for ours, paper in ((row[3], row[4]), (row[5], row[6])):
            if paper:
                printed, unit, off = re.fullmatch(
                    r'([\d.]+)([MB]) \(([+-][\d.]+)%\)', paper
                ).groups()
                theirs = float(printed) * {'M': 1, 'B': 1000}[unit]
                assert float(off) == pytest.approx(
                    100 * (float(ours) / theirs - 1), abs=0.5
                )


def test_every_note_of_the_page_is_used_and_there(written):
    text = (written / 'docs/zoo.md').read_text()
    marks = {int(number) for number in re.findall(r' \[(\d+)\] \|', text)}
    notes = {int(number) for number in re.findall(r'^(\d+)\. ', text, re.MULTILINE)}
    assert marks == notes == set(range(1, len(notes) + 1))


def test_the_page_links_to_files_of_the_repository(written):
    text = (written / 'docs/zoo.md').read_text()
    links = re.findall(r'\]\(((?!https)[^)]+)\)', text)
    assert len(links) > len(zoo().configs)
    assert [link for link in links if not (REPO / 'docs' / link).is_file()] == []


def test_every_detector_config_is_on_the_page(written):
    header, _, *rows = cells((written / 'docs/zoo.md').read_text(), 'Detectors')
    names = [re.match(r'\[(\w+)\]', row[0])[1] for row in rows]
    assert names == sorted(path.stem for path in REPO.glob('configs/ssdlite*.py'))
    paper_map = {
        name: row[header.index('mAP (paper)')]
        for name, row in zip(names, rows, strict=True)
    }
    assert {name: value for name, value in paper_map.items() if value} == {
        'ssdlite_tinynet_d': '19.2',
        'ssdlite_efficientnet_b_minus3': '17.1',
    }


def test_configs_of_classifiers_get_a_table():
    config = zoo().configs[0]
    model = dict(type='Classifier', backbone=dict(type='TinyNet', variant='d'))
    classifier = replace(
        config,
        path='configs/classification/tinynet_d.py',
        cfg=type(config.cfg)(dict(model=model)),
    )
    text = page(zoo().comparisons, [classifier])
    (row,) = cells(text, 'Configs of classifiers')[2:]
    assert row[0] == '[tinynet_d](../configs/classification/tinynet_d.py)'


def test_the_index_is_valid_and_its_configs_exist():
    index = load(str(REPO / 'model-index.yml'))
    index.build_models_with_collections()
    assert index.check(silent=True) == []
    found = {model.config for model in index.models}
    assert found == {
        path.relative_to(REPO).as_posix()
        for path in REPO.glob('configs/**/*.py')
        if '_base_' not in path.parts
    }
    for model in index.models:
        assert model.name == Path(model.config).stem
        assert model.in_collection
        assert model.weights is None  # none is published


def test_metafiles_count_what_a_built_detector_has():
    (config,) = (item for item in zoo().configs if item.name == 'ssdlite_tinynet_e')
    with DefaultScope.overwrite_default_scope('mmdet'):
        detector = MODELS.build(config.cfg.model)
    text = (REPO / 'configs/metafile.yml').read_text()
    (model,) = (
        model
        for model in yaml.safe_load(text)['Models']
        if model['Name'] == 'ssdlite_tinynet_e'
    )
    weights = sum(parameter.numel() for parameter in detector.parameters())
    assert model['Metadata']['Parameters'] == weights
    assert model['Metadata']['FLOPs'] == config.cost.macs


def test_mmpretrain_finds_configs_by_name(monkeypatch):
    monkeypatch.setattr(ModelHub, '_models_dict', {})
    monkeypatch.setattr(ModelHub, '_ModelHub__mmpretrain_registered', True)
    ModelHub.register_model_index(REPO / 'model-index.yml', config_prefix=REPO)
    found = ModelHub.get('ssdlite_tinynet_d_bccd')
    assert found.config.model.bbox_head.num_classes == 3
    (counted,) = (item for item in zoo().configs if item.name == found.name)
    assert found.metadata.data['FLOPs'] == counted.cost.macs


def test_results_are_those_that_the_documents_report_and_of_no_paper():
    results = {
        model['Name']: model['Results'][0]['Metrics']
        for text in metafiles(zoo().configs).values()
        for model in yaml.safe_load(text).get('Models', [])
        if 'Results' in model
    }
    blood_cells = results.pop('ssdlite_tinynet_d_bccd')
    figures = blood_cells['box AP'] / 100, blood_cells['box AP50'] / 100
    readme = (REPO / 'README.md').read_text()
    assert 'BCCD: mAP {:.3f}, AP50 {:.3f}'.format(*figures) in readme

    reported = {}
    for line in (REPO / 'docs/pretraining.md').read_text().splitlines():
        row = [cell.strip() for cell in line.strip('|').split('|')]
        if line.startswith('| ') and re.match('TinyNet-.|EfficientNet-B', row[0]):
            net = re.sub(
                r'-(b\^-)?', '_b_minus' if '^' in row[0] else '_', row[0].lower()
            )
            reported[f'{net}_cifar10'] = {'Top 1 Accuracy': round(float(row[4]), 1)}
        elif row[0] in ('from scratch', 'pretrained'):
            net = 'tinynet_d' if row[1] == 'TinyNet-D' else 'efficientnet_b_minus3'
            ending = '_pretrained' if row[0] == 'pretrained' else ''
            reported[f'ssdlite320_{net}_bccd{ending}'] = {
                'box AP': round(100 * float(row[3]), 1),
                'box AP50': round(100 * float(row[5]), 1),
            }
    assert results == reported


def test_a_folder_without_a_collection():
    config = replace(zoo().configs[0], path='configs/new/net.py')
    with pytest.raises(InputError, match='^configs/new has no collection: name one in'):
        metafiles([config])


def test_the_plot_shows_every_accuracy_on_imagenet_1000():
    published = {
        (item.cost.macs, row.top1, row.recipe)
        for item in zoo().comparisons
        for row in item.net.rows
        if row.data == IMAGENET
    }
    points = zoo().points
    assert {(point.macs, point.top1, point.recipe) for point in points} == published
    # Tables 3 and 6 share EfficientNet-B0 and MobileNetV3 Small 0.75x.
    assert len(points) == 29 + 19 - 2
    labels = {(point.family, point.label) for point in points}
    assert {
        ('TinyNet', 'A'),
        ('EfficientNet', r'$\mathrm{B}^{-4}$'),
        ('GhostNet, tiny formula', 'D'),
        ('MobileNetV3 Small', '1.0× (r=0.57)'),
        ('MnasNet', 'A1 0.35×'),
        ('ProxylessNAS', ''),
    } <= labels
