import gc
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.registry import DATASETS, init_default_scope
from PIL import Image
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder as TorchvisionFolder

from tinydet.data.folders import write_list
from tinydet.datasets import ImageFolder
from tinydet.engine.bad_images import BadImageHook
from tinydet.errors import InputError

CLASSES = ('ant', 'bee', 'cat')
IMAGES = 4
SIDE = 16
TRAIN = [{'type': 'LoadRandomCrop'}, {'type': 'PackInputs'}]
TEST = [{'type': 'LoadCenterCrop'}, {'type': 'PackInputs'}]


def grey(label, number):
    """Tells the images of a tree apart."""
    return 20 + 60 * label + 10 * number


class Tree:
    """Class folders with images of one grey each."""

    def __init__(self, root):
        self.root = root / 'train'
        for label, name in enumerate(CLASSES):
            (self.root / name).mkdir(parents=True)
            for number in range(IMAGES):
                picture = Image.new('RGB', (24, 20), (grey(label, number),) * 3)
                picture.save(self.root / name / f'{number}.png')

    def image(self, name):
        return self.root / name

    def list(self, pairs):
        path = self.root.parent / 'list.txt'
        write_list(path, pairs)
        return str(path)

    def build(self, **settings):
        pipeline = TEST if settings.get('test_mode') else TRAIN
        dataset = DATASETS.build(
            {
                'type': 'ImageFolder',
                'data_root': str(self.root.parent),
                'data_prefix': 'train',
                'input_size': SIDE,
                'pipeline': pipeline,
                **settings,
            }
        )
        assert isinstance(dataset, ImageFolder)
        return dataset


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


@pytest.fixture(autouse=True)
def scope():
    """As the configs of classifiers have it."""
    init_default_scope('mmpretrain')
    yield
    init_default_scope('mmengine')


@pytest.fixture(scope='module', autouse=True)
def quick_collections():
    """MMEngine collects garbage for every data set, among all that was imported."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def log(caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


def samples(dataset):
    infos = map(dataset.get_data_info, range(len(dataset)))
    return [(info['img_path'], info['gt_label']) for info in infos]


def in_order(dataset):
    """The labels and greys of all samples, through a loader."""
    loader = DataLoader(dataset, batch_size=5, collate_fn=list)
    return [
        (int(item['data_samples'].gt_label), item['inputs'].unique().tolist())
        for batch in loader
        for item in batch
    ]


def test_samples_are_torchvisions(tree):
    (tree.root / 'bee/more').mkdir()
    Image.new('L', (9, 9)).save(tree.image('bee/more/1.JPG'), 'JPEG')
    dataset = tree.build()
    peer = TorchvisionFolder(str(tree.root))
    assert samples(dataset) == peer.samples
    assert dataset.metainfo['classes'] == tuple(peer.classes) == CLASSES
    assert dataset.source == str(tree.root)


@pytest.mark.parametrize('test_mode', [False, True])
def test_what_the_network_gets(tree, test_mode):
    dataset = tree.build(test_mode=test_mode)
    item = dataset[7]
    assert item['inputs'].shape == (3, SIDE, SIDE)
    assert item['inputs'].dtype == torch.uint8
    assert item['data_samples'].img_path == str(tree.image('bee/3.png'))
    assert item['data_samples'].ori_shape == (20, 24)
    assert item['data_samples'].img_shape == (SIDE, SIDE)
    assert in_order(dataset) == [
        (label, [grey(label, number)]) for label in range(3) for number in range(IMAGES)
    ]


@pytest.mark.parametrize('classes', [('cat', 'ant', 'bee'), ['bee', 'cat', 'ant']])
@pytest.mark.parametrize('listed', [False, True])
def test_labels_follow_metainfo(tree, classes, listed):
    settings = {'metainfo': {'classes': classes}}
    if listed:
        pairs = [('bee/1.png', 1), ('ant/0.png', 0), ('cat/2.png', 2)]
        settings['ann_file'] = tree.list(pairs)
    dataset = tree.build(**settings)
    assert dataset.metainfo['classes'] == tuple(classes)
    found = [(tree.image(path).parent.name, label) for path, label in samples(dataset)]
    assert set(found) == {(name, i) for i, name in enumerate(classes)}
    assert len(found) == (3 if listed else 12)


@pytest.mark.parametrize(
    ('classes', 'named'),
    [
        (('ant', 'bee', 'cat', 'dog'), 'dog'),
        (('ant', 'bee', 'cow'), 'cow'),
        (('ant', 'bee', 'ant'), 'ant, bee, ant'),
    ],
)
def test_other_classes_are_refused(tree, classes, named):
    message = rf'train: the classes of metainfo are not its folders: {named}: '
    with pytest.raises(InputError, match=message):
        tree.build(metainfo={'classes': classes})


def test_metainfo_chooses_among_the_folders(tree, log):
    dataset = tree.build(metainfo={'classes': ('cat', 'ant')})
    found = {(tree.image(path).parent.name, label) for path, label in samples(dataset)}
    assert found == {('cat', 0), ('ant', 1)}
    assert len(dataset) == 2 * IMAGES
    assert any('1 class folders left out' in line for line in log.messages)


@pytest.mark.parametrize(
    ('folders', 'message'),
    [
        ({'data_root': '', 'data_prefix': ''}, 'ImageFolder has no folder: give data_'),
        ({'data_prefix': {'img': 'train'}}, "data_prefix={'img': 'train'} of ImageF"),
    ],
)
def test_a_missing_or_misnamed_folder(folders, message):
    with pytest.raises(InputError, match=message):
        ImageFolder(input_size=8, **folders)


def test_a_list(tree):
    pairs = [('cat/0.png', 1), ('bee/3.png', 0), ('cat/2.png', 1), ('bee/3.png', 0)]
    dataset = tree.build(ann_file=tree.list(pairs))
    assert dataset.metainfo['classes'] == ('bee', 'cat')
    assert samples(dataset) == [(str(tree.image(path)), label) for path, label in pairs]
    assert dataset.source == str(tree.root.parent / 'list.txt')


def test_a_list_of_another_folder_is_refused_before_the_start(tree):
    pairs = [('ant/0.png', 0), ('dog/0.png', 1), ('emu/0.png', 2)]
    with pytest.raises(
        InputError, match=r'train lacks class folders that .*list\.txt names: dog, emu:'
    ):
        tree.build(ann_file=tree.list(pairs))


@pytest.mark.parametrize('test_mode', [False, True])
def test_an_empty_class_is_refused(tree, test_mode):
    (tree.root / 'dog').mkdir()
    (tree.root / 'dog/notes.txt').touch()
    with pytest.raises(InputError, match='class folders without an image: dog'):
        tree.build(test_mode=test_mode)


def test_files_that_are_no_images_are_logged(tree, log):
    for name in ('ant/Thumbs.db', 'bee/notes.txt', 'ant/.hidden'):
        tree.image(name).touch()
    assert len(tree.build()) == 12
    assert '2 files that are no images left out, such as ant/Thumbs.db' in log.text
    assert '12 images of 3 classes' in log.text


@pytest.mark.parametrize('size', [0, 1.5, '152', True])
def test_the_input_size_is_a_whole_number(tree, size):
    with pytest.raises(InputError, match='input_size'):
        tree.build(input_size=size)


def break_images(tree):
    """Two files that cannot be used, each in its own way."""
    path = tree.image('ant/1.png')
    path.write_bytes(path.read_bytes()[:50])
    tree.image('cat/2.png').write_bytes(b'')
    return [str(tree.image('ant/1.png')), str(tree.image('cat/2.png'))]


@pytest.mark.parametrize('workers', [0, 2])
def test_a_corrupt_image_is_replaced_in_training(tree, log, workers):
    broken = break_images(tree)
    dataset = tree.build()
    loader = DataLoader(
        dataset,
        batch_size=3,
        num_workers=workers,
        persistent_workers=workers > 0,
        collate_fn=list,
    )
    items = [item for batch in loader for item in batch]
    assert len(items) == 12
    paths = [item['data_samples'].img_path for item in items]
    # The others are where they belong, and those two are other images.
    for path, (own, _) in zip(paths, samples(dataset), strict=True):
        assert path not in broken
        assert path == own or own in broken
    truth = dict(samples(dataset))
    for item in items:
        assert (
            int(item['data_samples'].gt_label) == truth[item['data_samples'].img_path]
        )
    assert dataset.bad_indices() == [1, 10]
    assert dataset.num_skipped == 0

    runner = SimpleNamespace(
        train_dataloader=loader, logger=MMLogger.get_current_instance()
    )
    hook = BadImageHook()
    hook.after_train_epoch(runner)
    hook.after_train_epoch(runner)
    for number, path in enumerate(broken, 1):
        [line] = (line for line in log.messages if line.startswith(path))
        assert f'replaced; {number} images of {tree.root} so far' in line


def test_training_goes_on_until_too_many_are_bad(tree):
    dataset = tree.build()
    runner = SimpleNamespace(
        train_dataloader=DataLoader(dataset, collate_fn=list),
        logger=MMLogger.get_current_instance(),
    )
    hook = BadImageHook()
    paths = [path for path, _ in samples(dataset)]
    for path in paths[:10]:
        tree.image(path).unlink()
    list(runner.train_dataloader)
    hook.after_train_epoch(runner)
    tree.image(paths[10]).unlink()
    list(runner.train_dataloader)
    with pytest.raises(InputError, match=r'11 of the 12 images of .*train cannot be'):
        hook.after_train_epoch(runner)


def test_corrupt_images_are_left_out_of_a_test(tree, log):
    break_images(tree)
    dataset = tree.build(test_mode=True)
    assert len(dataset) == 10
    assert dataset.num_skipped == 2
    assert in_order(dataset) == [
        (label, [grey(label, number)])
        for label in range(3)
        for number in range(IMAGES)
        if (label, number) not in {(0, 1), (2, 2)}
    ]
    for number, (path, reason) in enumerate(
        [('ant/1.png', 'cannot be read: '), ('cat/2.png', 'empty file')], 1
    ):
        [line] = (line for line in log.messages if line.startswith(path))
        assert f'{path} is skipped: {reason}' in line
        assert f'{number} of the 12 images of {tree.root} so far' in line
    assert '10 images of 3 classes' in log.text
    assert dataset.bad_indices() == []


def test_a_class_without_a_usable_image_is_refused(tree):
    for number in range(IMAGES):
        tree.image(f'ant/{number}.png').write_bytes(b'')
    with pytest.raises(InputError, match=r'train: no image of a class .* used: ant: '):
        tree.build(test_mode=True)


def test_a_test_with_too_many_bad_images_is_refused(tree):
    for number in range(20):
        tree.image(f'bee/more{number}.png').write_bytes(b'')
    with pytest.raises(InputError, match=r'20 of the 32 images of .*train cannot be'):
        tree.build(test_mode=True)


def test_a_listed_image_counts_as_often_as_it_is_listed(tree, log):
    tree.image('bee/0.png').unlink()
    pairs = [('ant/0.png', 0), ('bee/0.png', 1), ('bee/1.png', 1), ('bee/0.png', 1)]
    dataset = tree.build(ann_file=tree.list(pairs), test_mode=True)
    assert samples(dataset) == [
        (str(tree.image('ant/0.png')), 0),
        (str(tree.image('bee/1.png')), 1),
    ]
    assert dataset.num_skipped == 2
    [line] = (line for line in log.messages if 'bee/0.png' in line)
    assert 'missing' in line


def test_an_image_that_fails_in_a_test_becomes_grey(tree):
    dataset = tree.build(test_mode=True)
    tree.image('bee/2.png').unlink()
    item = dataset[6]
    assert item['inputs'].shape == (3, SIDE, SIDE)
    assert len(item['inputs'].unique()) == 1
    assert item['data_samples'].ori_shape == (SIDE, SIDE)
    assert int(item['data_samples'].gt_label) == 1
    assert item['data_samples'].img_path == str(tree.image('bee/2.png'))
    assert dataset.bad_indices() == [6]


def test_a_list_goes_through_the_same_checks(tree, log):
    broken = break_images(tree)
    pairs = [
        (f'{name}/{i}.png', label)
        for label, name in enumerate(('cat', 'bee', 'ant'))
        for i in range(IMAGES)
    ]
    listed = tree.list(pairs)
    dataset = tree.build(ann_file=listed, test_mode=True)
    kept = [(str(tree.image(path)), label) for path, label in pairs]
    assert samples(dataset) == [pair for pair in kept if pair[0] not in broken]
    assert f'2 of the 12 images of {listed} so far' in log.text


def test_the_data_set_can_be_pickled(tree):
    dataset = pickle.loads(pickle.dumps(tree.build()))
    assert dataset[4]['data_samples'].img_path == str(tree.image('bee/0.png'))


def test_a_pipeline_of_the_configs(tree):
    """Crop, flip and jitter, or RandAugment: an image in, an image out."""
    for augment in (
        {
            'type': 'ColorJitter',
            'brightness': 0.4,
            'contrast': 0.4,
            'saturation': 0.4,
            'backend': 'cv2',
        },
        {'type': 'TimmRandAugment', 'policy': 'rand-m9-mstd0.5'},
    ):
        crop, pack = TRAIN
        flip = {'type': 'RandomFlip', 'prob': 0.5}
        dataset = tree.build(pipeline=[crop, flip, augment, pack])
        inputs = np.stack([dataset[i]['inputs'].numpy() for i in range(12)])
        assert inputs.shape == (12, 3, SIDE, SIDE)
        assert inputs.dtype == np.uint8
