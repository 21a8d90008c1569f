import contextlib
import io
import json
import re
import shutil

import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from tiny_runs import call

from tinydet.scoring.boxes import FIGURES


@pytest.fixture
def test_arguments(trained, tmp_path) -> list:
    """What every test of a checkpoint needs."""
    return [
        *(trained.config, trained.work_dir / 'best.pth'),
        *('--work-dir', tmp_path / 'work'),
    ]


def test_gives_the_figures_of_training_and_writes_them(
    trained, test_arguments, demo, tmp_path, capsys
):
    detections, figures = tmp_path / 'new/detections.json', tmp_path / 'figures.json'
    code = call('test.py', *test_arguments, '--out', detections, '--json', figures)
    assert code == 0
    found = json.loads(figures.read_text())
    assert list(found) == list(FIGURES)
    assert found == json.loads((tmp_path / 'work/metrics.json').read_text())
    expected = json.loads((trained.work_dir / 'metrics.json').read_text())
    assert found == pytest.approx(expected, abs=1e-6)
    assert {'per_class.csv', 'mosaic.jpg'} <= {
        path.name for path in (tmp_path / 'work').iterdir()
    }
    assert 'Average Precision  (AP) @[ IoU=0.50:0.95' in capsys.readouterr().out

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(demo / 'annotations/instances_val.json')
        evaluation = COCOeval(truth, truth.loadRes(str(detections)), 'bbox')
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert list(found.values()) == pytest.approx(evaluation.stats.tolist(), abs=1e-12)


def test_leaves_the_checkpoints_and_the_table_of_training(trained, tmp_path):
    work_dir = shutil.copytree(trained.work_dir, tmp_path / 'work')
    kept = {
        path: path.read_bytes()
        for path in (*work_dir.glob('*.pth'), work_dir / 'results.csv')
    }
    arguments = (trained.config, work_dir / 'epoch_2.pth', '--work-dir', work_dir)
    assert call('test.py', *arguments) == 0
    assert len(kept) == 4
    assert {path: path.read_bytes() for path in kept} == kept


def truncated(checkpoint, tmp_path):
    path = tmp_path / 'truncated.pth'
    path.write_bytes(checkpoint.read_bytes()[:100_000])
    return path


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (lambda _, tmp_path: tmp_path / 'no.pth', r'no\.pth: cannot be opened .*No su'),
        (truncated, r'truncated\.pth: not a whole checkpoint; .*write it again'),
        (
            lambda _, tmp_path: shutil.copy(__file__, tmp_path / 'text.pth'),
            r'text\.pth: not a whole checkpoint',
        ),
    ],
    ids=['missing', 'truncated', 'not a checkpoint'],
)
def test_a_bad_checkpoint_is_an_input_error(trained, tmp_path, capsys, make, message):
    checkpoint = make(trained.work_dir / 'best.pth', tmp_path)
    code = call('test.py', trained.config, checkpoint, '--work-dir', tmp_path / 'work')
    errors = capsys.readouterr().err
    assert code == 2
    assert re.fullmatch(rf'error: \S*{message}.*\n', errors)


def test_a_checkpoint_of_another_model_is_an_input_error(
    trained, derive, tmp_path, capsys
):
    config = derive("model = dict(backbone=dict(variant='d'))")
    checkpoint = trained.work_dir / 'best.pth'
    code = call('test.py', config, checkpoint, '--work-dir', tmp_path / 'work')
    errors = capsys.readouterr().err
    assert code == 2
    assert re.fullmatch(
        r'error: \S*best\.pth: not the weights of SSDLite \(tinynet_d\): '
        r'.* of another shape \(.*: give the file .*\n',
        errors,
    )
