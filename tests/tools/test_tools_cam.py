"""The tool that draws class activation maps."""

from pathlib import Path

import numpy as np
import pytest
import torch
from bad_files import truncate
from mmengine.config import Config
from mmengine.registry import MODELS
from PIL import Image
from timm_nets import randomise
from tiny_runs import REPO, call

import tinydet.models  # noqa: F401  (registers)
import tinydet.viz.cam

CLASSES = ('ant', 'bee', 'cat')
MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]

_CONFIG = """
default_scope = 'mmpretrain'
model = dict(
    type='Classifier',
    backbone={backbone},
    head=dict(num_classes=3),
    data_preprocessor=dict(mean={mean}, std={std}, to_rgb=True),
)
test_dataloader = dict(
    dataset=dict(pipeline=[dict(type='CenterCrop', crop_size={side})])
)
"""


def trained_net(folder: Path, name: str, side: int, **backbone) -> tuple[Path, Path]:
    config, checkpoint = folder / f'{name}.py', folder / f'{name}.pth'
    config.write_text(_CONFIG.format(backbone=backbone, mean=MEAN, std=STD, side=side))
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(config).model)
    randomise(model)
    meta = {'dataset_meta': {'classes': CLASSES}}
    torch.save({'meta': meta, 'state_dict': model.state_dict()}, checkpoint)
    return config, checkpoint


@pytest.fixture(scope='session')
def nets(tmp_path_factory) -> tuple[tuple[Path, Path], tuple[Path, Path]]:
    folder = tmp_path_factory.mktemp('cam')
    return (
        trained_net(folder, 'tiny', 64, type='TinyNet', variant='e'),
        trained_net(folder, 'ghost', 96, type='ConvNet', arch='ghostnet_100', w=0.35),
    )


@pytest.fixture
def rows(monkeypatch) -> list:
    """The rows that were drawn."""
    drawn, draw = [], tinydet.viz.cam.draw_cams

    def recording(rows, path):
        drawn.extend(rows)
        draw(rows, path)

    monkeypatch.setattr(tinydet.viz.cam, 'draw_cams', recording)
    return drawn


@pytest.fixture
def images(tmp_path) -> tuple[Path, Path]:
    """A red square between two white bands, and a grey photograph that stands."""
    wide = np.full((120, 200, 3), 255, np.uint8)
    wide[:, 40:160] = (200, 30, 10)
    noise = np.random.default_rng(0).integers(0, 256, (300, 150), dtype=np.uint8)
    paths = tmp_path / 'wide.png', tmp_path / 'tall.jpg'
    for path, pixels in zip(paths, (wide, noise), strict=True):
        Image.fromarray(pixels).save(path)
    return paths


@torch.no_grad()
def test_two_nets_side_by_side(nets, images, rows, tmp_path, capsys):
    out = tmp_path / 'new/folder/maps.png'
    assert call('cam.py', *nets[0], *images, '--beside', *nets[1], '--out', out) == 0
    printed = capsys.readouterr()
    assert f'{out}: 2 of 2 images, tiny at 64 pixels and ghost at 96' in printed.out
    assert 'skipped' not in printed.err
    assert Image.open(out).format == 'PNG'

    assert [row.name for row in rows] == ['wide.png', 'tall.jpg']
    # of the wide image nothing but its middle, in its own colours
    assert (rows[0].image == (200, 30, 10)).all()
    assert rows[1].image.shape == rows[0].image.shape
    for row in rows:
        assert [overlay.net for overlay in row.overlays] == ['tiny', 'ghost']
        # each at its own input size, of stride 32
        assert [item.evidence.shape for item in row.overlays] == [(2, 2), (3, 3)]

    for (config, checkpoint), overlay, side in zip(
        nets, rows[0].overlays, (64, 96), strict=True
    ):
        model = MODELS.build(Config.fromfile(config).model).eval()
        model.load_state_dict(torch.load(checkpoint)['state_dict'])
        colour = (torch.tensor([200.0, 30, 10]) - torch.tensor(MEAN)) / torch.tensor(
            STD
        )
        flat = colour.view(1, 3, 1, 1).expand(1, 3, side, side)
        expected = model(flat).softmax(1)[0]
        assert overlay.prediction == CLASSES[expected.argmax()]
        assert overlay.probability == pytest.approx(float(expected.max()), rel=1e-4)


def test_images_that_cannot_be_read_are_skipped_and_named(
    nets, images, rows, tmp_path, capsys
):
    truncate(images[1])
    missing = tmp_path / 'missing.jpg'
    out = tmp_path / 'cam.png'
    assert call('cam.py', *nets[0], images[1], missing, images[0], '--out', out) == 0
    printed = capsys.readouterr()
    assert [row.name for row in rows] == ['wide.png']
    assert f'skipped: {images[1]}: ' in printed.err
    assert f'skipped: {missing}: No such file or directory\n' in printed.err
    assert 'skipped 2 of 3 images' in printed.err
    assert '1 of 3 images' in printed.out


def test_no_image_is_left(nets, tmp_path, capsys):
    empty, out = tmp_path / 'empty.jpg', tmp_path / 'cam.png'
    empty.touch()
    assert call('cam.py', *nets[0], empty, tmp_path, '--out', out) == 2
    error = capsys.readouterr().err
    assert str(empty) in error
    assert 'error: none of 2 images can be read' in error
    assert not out.exists()


def test_the_second_net_is_checked_before_work(nets, images, tmp_path, capsys):
    (config, _), (_, checkpoint) = nets
    out = '--out', tmp_path / 'cam.png'
    beside = '--beside', config, checkpoint
    assert call('cam.py', *nets[0], *images, *beside, *out) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f'error: {checkpoint}: not the weights of')


def test_a_detector_is_refused(nets, images, tmp_path, capsys):
    config = REPO / 'configs/ssdlite_tinynet_e.py'
    out = '--out', tmp_path / 'cam.png'
    assert call('cam.py', config, nets[0][1], *images, *out) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f'error: {config} ') and 'not a Classifier' in line


def test_a_picture_that_cannot_be_written_is_refused_first(nets, tmp_path, capsys):
    (tmp_path / 'file').touch()
    for out, problem in (('file/cam.png', 'cannot be written'), ('cam.jpg', '.png')):
        assert call('cam.py', *nets[0], 'no.jpg', '--out', tmp_path / out) == 2
        error = capsys.readouterr().err
        assert problem in error and 'skipped' not in error


def test_more_images_than_a_picture_holds(capsys):
    assert call('cam.py', 'a.py', 'a.pth', *['a.jpg'] * 101) == 2
    assert '101 images: give at most 100' in capsys.readouterr().err
