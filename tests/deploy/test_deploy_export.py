"""Files of trained networks against mmdet's and mmpretrain's own predictions."""

import json
from collections import Counter
from functools import cache, partial
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from mmdet.structures import DetDataSample
from settled_nets import (
    CLASSES,
    MEAN,
    STD,
    pictures,
    write_classifier,
    write_detector,
)

import tinydet
from tinydet.deploy.export import (
    export_classifier,
    export_detector,
    exportable_classifier,
    is_classifier,
    with_metadata,
)
from tinydet.deploy.revision import git_revision
from tinydet.engine.jobs import load_config
from tinydet.errors import InputError
from tinydet.images import read_rgb, resize
from tinydet.inference import Detector, Metadata
from tinydet.inference.suppress import suppress
from tinydet.models.complexity import count_model
from tinydet.models.trained import load_classifier, load_detector
from tinydet.scoring.by_hotcoco import evaluate_boxes

REPO = Path(__file__).parents[2]
BCCD = REPO / 'data/bccd'
BCCD_CONFIG = REPO / 'configs/ssdlite320_tinynet_d_bccd.py'
BCCD_WEIGHTS = REPO / 'work_dirs/bccd/scratch_s0/best.pth'
TINY_COCO = REPO.parent / 'shared/data/tiny_coco'
# What an exported network may be off PyTorch by.
PIXELS, PROBABILITY = 1e-3, 1e-4
SIDE = 96


def session_of(model):
    return onnxruntime.InferenceSession(model, providers=['CPUExecutionProvider'])


def metadata_of(session):
    return Metadata.from_properties(
        session.get_modelmeta().custom_metadata_map, 'a.onnx'
    )


def by_mmdet(config, checkpoint, images):
    """Boxes, scores and labels of RGB images, as mmdet's test has them."""
    model = load_detector(load_config(config), str(checkpoint)).model
    side = images.shape[1]
    shape = dict(img_shape=(side, side), ori_shape=(side, side), scale_factor=(1, 1))
    batch = dict(
        inputs=[torch.from_numpy(i[..., ::-1].copy()).permute(2, 0, 1) for i in images],
        data_samples=[DetDataSample(metainfo=shape) for _ in images],
    )
    with torch.no_grad():
        found = [sample.pred_instances for sample in model.test_step(batch)]
    return [(f.bboxes.numpy(), f.scores.numpy(), f.labels.numpy()) for f in found]


def by_file(model, images, batch):
    """Boxes, scores and labels of the same images."""
    session = session_of(model)
    metadata = metadata_of(session)
    chosen = []
    for start in range(0, len(images), batch):
        outputs = session.run(None, {'images': images[start : start + batch]})
        for one in zip(*outputs, strict=True):
            if metadata.nms:
                *parts, count = one
                chosen.append([part[:count] for part in parts])
            else:
                limits = 'score_thr', 'iou_thr', 'nms_pre', 'max_per_img'
                settings = {name: getattr(metadata, name) for name in limits}
                chosen.append(suppress(*one, metadata.level_sizes, **settings))
    return chosen


def flips(found, expected):
    """Detections that one of both has alone; the others are close enough."""
    boxes, scores, labels = found
    free = np.ones(len(boxes), bool)
    missing = 0
    for corners, score, label in zip(*expected, strict=True):
        close = free & (labels == label) & (np.abs(scores - score) <= PROBABILITY)
        close &= np.abs(boxes - corners).max(1, initial=0) <= PIXELS
        if close.any():
            free[close.argmax()] = False
        else:
            missing += 1
    return missing + free.sum()


@pytest.fixture(scope='module')
def detector(tmp_path_factory):
    """A config and a checkpoint; images have up to some dozens of detections."""
    folder = tmp_path_factory.mktemp('detector')
    settings = dict(score_thr=0.8, nms_pre=100, max_per_img=80)
    return write_detector(folder, SIDE, **settings)


@pytest.fixture(scope='module')
def exported(detector):
    """The file of the detector by ``nms`` and ``dynamic_batch``, made once."""
    config, checkpoint = detector
    return cache(partial(export_detector, load_config(config), str(checkpoint)))


@pytest.fixture(scope='module')
def classifier(tmp_path_factory):
    return write_classifier(tmp_path_factory.mktemp('classifier'), side=64)


@pytest.fixture(scope='module')
def expected(detector):
    return by_mmdet(*detector, pictures(7, SIDE))


@pytest.mark.parametrize('nms', [False, True])
@pytest.mark.parametrize('dynamic, batch', [(False, 1), (True, 3)])
def test_detector_equals_mmdet(exported, expected, nms, dynamic, batch):
    found = by_file(exported(nms, dynamic), pictures(7, SIDE), batch)
    sizes = [len(scores) for _, scores, _ in expected]
    assert len(set(sizes)) > 2 and min(sizes) > 10 and max(sizes) < 80
    assert [flips(*pair) for pair in zip(found, expected, strict=True)] == [0] * 7
    for boxes, scores, labels in found:
        assert (np.diff(scores) <= 0).all()
        assert boxes.dtype == scores.dtype == np.float32 and labels.dtype == np.int64
    assert {label for *_, labels in found for label in labels} == {0, 1, 2}


def test_many_classes_whose_best_pairs_fill_up(tmp_path):
    config, checkpoint = write_detector(tmp_path, SIDE, classes=80, nms_pre=100)
    images = pictures(2, SIDE)
    model = export_detector(load_config(config), str(checkpoint), True, False)
    found = by_file(model, images, 1)
    expected = by_mmdet(config, checkpoint, images)
    assert [flips(*pair) for pair in zip(found, expected, strict=True)] == [0, 0]
    assert {len(scores) for _, scores, _ in expected} == {200}
    assert len(metadata_of(session_of(model)).classes) == 80


def test_detector_file(detector, exported):
    cost = count_model(load_config(detector[0]))
    for nms, outputs in (
        (False, {'boxes': [312, 4], 'scores': [312, 3]}),
        (True, {'boxes': [80, 4], 'scores': [80], 'labels': [80], 'count': []}),
    ):
        session = session_of(exported(nms, True))
        (image,) = session.get_inputs()
        assert (image.name, image.type) == ('images', 'tensor(uint8)')
        assert image.shape == ['batch', SIDE, SIDE, 3]
        shapes = {output.name: output.shape for output in session.get_outputs()}
        assert shapes == {name: ['batch', *rest] for name, rest in outputs.items()}
        assert metadata_of(session) == Metadata(
            task='detection',
            name='detector',
            classes=CLASSES,
            input_size=SIDE,
            mean=tuple(MEAN),
            std=tuple(STD),
            nms=nms,
            score_thr=0.8,
            iou_thr=0.45,
            nms_pre=100,
            max_per_img=80,
            level_sizes=(216, 54, 24, 6, 6, 6),
            macs=cost.macs,
            parameters=cost.params,
            precision='float32',
            revision=git_revision(),
            version=tinydet.__version__,
        )


def test_graph_has_nothing_to_spare(detector, exported):
    model = exported(True, False)
    graph = onnx.load_from_string(model).graph
    operators = Counter(node.op_type for node in graph.node)
    # Batch norms are in the weights of convolutions, and sizes are known.
    assert not {'BatchNormalization', 'Shape', 'ConstantOfShape'} & operators.keys()
    weights = sum(np.prod(tensor.dims, dtype=int) for tensor in graph.initializer)
    parameters = count_model(load_config(detector[0])).params
    # Of a batch norm there remains a bias; default boxes come to it.
    assert 0.97 < weights / parameters < 1.01
    assert len(model) < 4 * parameters + 200_000
    onnx.checker.check_model(onnx.load_from_string(model), full_check=True)


@pytest.mark.parametrize('dynamic, batch', [(False, 1), (True, 3)])
def test_classifier_equals_mmpretrain(classifier, dynamic, batch):
    config, checkpoint = classifier
    cfg = load_config(config)
    images = pictures(6, 64)
    as_read = torch.from_numpy(images[..., ::-1].copy()).permute(0, 3, 1, 2)
    trained = load_classifier(cfg, str(checkpoint))
    with torch.no_grad():
        samples = trained.model.test_step(dict(inputs=as_read))
    expected = np.stack([sample.pred_score.numpy() for sample in samples])
    assert expected.std(axis=0).max() > 0.1
    session = session_of(export_classifier(cfg, str(checkpoint), dynamic))
    for start in range(0, 6, batch):
        own = slice(start, start + batch)
        (scores,) = session.run(['scores'], {'images': images[own]})
        np.testing.assert_allclose(scores, expected[own], rtol=0, atol=PROBABILITY)


def test_classifier_file(classifier):
    config, checkpoint = classifier
    session = session_of(export_classifier(load_config(config), str(checkpoint), False))
    assert session.get_inputs()[0].shape == [1, 64, 64, 3]
    assert [output.shape for output in session.get_outputs()] == [[1, 3]]
    metadata = metadata_of(session)
    assert (metadata.task, metadata.classes) == ('classification', CLASSES)
    assert metadata.nms is metadata.level_sizes is metadata.score_thr is None


def test_names_of_classes_that_the_checkpoint_lacks(classifier, tmp_path):
    config, checkpoint = classifier
    weights = tmp_path / 'bare.pth'
    torch.save(torch.load(checkpoint)['state_dict'], weights)
    cfg = load_config(config)
    network = exportable_classifier(cfg, str(weights))
    assert network.metadata.classes == ('class 0', 'class 1', 'class 2')
    cfg.test_dataloader.dataset.metainfo = dict(classes=('x', 'y', 'z'))
    network = exportable_classifier(cfg, str(weights))
    assert network.metadata.classes == ('x', 'y', 'z')
    cfg.test_dataloader.dataset.metainfo = dict(classes=('x', 'y'))
    with pytest.raises(InputError, match=r'names 2 classes \(x, y\), but its network'):
        exportable_classifier(cfg, str(weights))


def test_metadata_are_replaced(classifier):
    config, checkpoint = classifier
    model = export_classifier(load_config(config), str(checkpoint), False)
    metadata = metadata_of(session_of(model))
    changed = Metadata(**{**vars(metadata), 'precision': 'int8'})
    assert metadata_of(session_of(with_metadata(model, changed))) == changed


def test_which_is_a_classifier(detector, classifier):
    assert is_classifier(load_config(classifier[0]))
    assert not is_classifier(load_config(detector[0]))


@pytest.mark.parametrize(
    'lines, message',
    [
        ('model = None', 'changed.py has no model'),
        (
            "model = dict(_delete_=True, type='TinyNet', variant='e')",
            'changed.py describes a TinyNet, which cannot be exported',
        ),
        (
            'model = dict(test_cfg=dict(_delete_=True, nms_pre=10))',
            'changed.py does not say how to choose boxes: set score_thr, nms, max_per',
        ),
    ],
)
def test_what_cannot_be_exported(detector, tmp_path, lines, message):
    config = tmp_path / 'changed.py'
    config.write_text(f'_base_ = {str(detector[0])!r}\n{lines}\n')
    with pytest.raises(InputError, match=message):
        is_classifier(load_config(config))


def test_another_head_cannot_be_exported(detector, tmp_path):
    config = tmp_path / 'changed.py'
    base = REPO.joinpath('configs/ssdlite_tinynet_e.py')
    config.write_text(
        f'_base_ = {str(base)!r}\n'
        "model = dict(bbox_head=dict(type='mmdet.SSDHead', "
        "anchor_generator=dict(type='SSDLiteAnchorGenerator')))\n"
    )
    with pytest.raises(InputError, match='describes a SSDLite with SSDHead'):
        is_classifier(load_config(config))


@pytest.mark.skipif(not (BCCD.exists() and BCCD_WEIGHTS.exists()), reason='no data')
def test_blood_cells(tmp_path):
    truth = json.loads((BCCD / 'annotations/instances_test.json').read_text())
    model = export_detector(load_config(BCCD_CONFIG), str(BCCD_WEIGHTS), True, True)
    (tmp_path / 'bccd.onnx').write_bytes(model)
    detectors = {
        'PyTorch': Detector(BCCD_CONFIG, BCCD_WEIGHTS, score=0, threads=1),
        'ONNX': Detector(tmp_path / 'bccd.onnx', score=0, threads=1),
    }
    paths = [BCCD / 'JPEGImages' / image['file_name'] for image in truth['images']]
    ids = {category['name']: category['id'] for category in truth['categories']}
    found, figures = {}, {}
    for name, detector in detectors.items():
        found[name] = [
            one for i in range(0, 72, 3) for one in detector.batch(paths[i : i + 3])
        ]
        rows = [
            dict(
                image_id=image['id'],
                category_id=ids[detector.classes[label]],
                bbox=[*box[:2], *(box[2:] - box[:2])],
                score=score,
            )
            for image, detections in zip(truth['images'], found[name], strict=True)
            for box, score, label in zip(*detections, strict=True)
        ]
        everything = [image['id'] for image in truth['images']], list(ids.values())
        figures[name] = evaluate_boxes(truth, rows, *everything).figures
    assert figures['ONNX'] == pytest.approx(figures['PyTorch'], abs=1e-4)
    assert figures['ONNX']['bbox_mAP'] > 0.3
    pairs = zip(found['ONNX'], found['PyTorch'], strict=True)
    total = sum(len(one.scores) for one in found['PyTorch'])
    # Overlaps and scores at a threshold may round to either side of it.
    assert sum(flips(*pair) for pair in pairs) <= 1e-3 * total


@pytest.mark.skipif(not TINY_COCO.exists(), reason='no data')
def test_photographs_and_80_classes(tmp_path):
    config, checkpoint = write_detector(tmp_path, side=160, classes=80)
    model = export_detector(load_config(config), str(checkpoint), True, False)
    paths = sorted((TINY_COCO / 'val2017').glob('*.jpg'))[:8]
    images = np.stack([resize(read_rgb(path), 160, 160) for path in paths])
    expected = by_mmdet(config, checkpoint, images)
    assert {len(scores) for _, scores, _ in expected} == {200}
    # Where scores are alike, rounding decides between two boxes.
    pairs = zip(by_file(model, images, 1), expected, strict=True)
    assert sum(flips(*pair) for pair in pairs) <= 0.005 * 2 * 8 * 200
