import os
from collections import Counter
from pathlib import Path

import pytest
from scipy.stats import chisquare
from timm.data import ImageDataset
from torchvision.datasets import ImageFolder

from tinydet.data.folders import read_list, scan_tree
from tinydet.data.subset import sample_subset, write_links, write_lists
from tinydet.errors import InputError

CLASSES = ('ant', 'bee', 'cat', 'dog', 'eel', 'fox')


def plant(root, classes=CLASSES, train=6, val=3, splits=('train', 'val')):
    for split, count in zip(splits, (train, val), strict=True):
        for name in classes:
            folder = root / split / name
            folder.mkdir(parents=True)
            for i in range(count):
                (folder / f'{name} {split}{i}.jpg').touch()
    return root


@pytest.fixture
def root(tmp_path):
    return plant(tmp_path / 'root')


def snapshot(folder):
    """All that is below a folder, with what files hold and links point to."""
    return {
        path.relative_to(folder): os.readlink(path)
        if path.is_symlink()
        else path.is_file() and path.read_bytes()
        for path in folder.rglob('*')
    }


def test_the_choice_is_that_of_the_hashes(root):
    # As `echo $(printf "3 $name" | sha256sum) $name` of each name, sorted, has them.
    subset = sample_subset(root, classes=2, train_images=2, seed=3)
    train, val = subset.splits
    assert subset.classes == ('cat', 'dog')
    assert train.images == ['cat/cat train2.jpg', 'cat/cat train5.jpg'] + [
        'dog/dog train0.jpg',
        'dog/dog train5.jpg',
    ]
    assert (train.name, train.folder) == ('train', root / 'train')
    assert (val.name, val.folder) == ('val', root / 'val')


def test_validation_images_are_all_of_the_classes(root):
    subset = sample_subset(root, classes=4, train_images=1)
    assert subset.splits[1].images == [
        f'{name}/{name} val{i}.jpg' for name in subset.classes for i in range(3)
    ]


def test_another_class_leaves_the_images_of_the_others(root, tmp_path):
    more = plant(tmp_path / 'more', classes=(*CLASSES, 'gnu', 'hen'))
    for seed in range(5):
        before, after = (
            sample_subset(tree, len(list((tree / 'val').iterdir())), 2, seed)
            for tree in (root, more)
        )
        assert before.splits[0].images == [
            image for image in after.splits[0].images if image[:3] in CLASSES
        ]
        # Of four classes, those that stay had nothing to do with the new ones.
        before, after = (sample_subset(tree, 4, 2, seed) for tree in (root, more))
        assert set(after.classes) - set(before.classes) <= {'gnu', 'hen'}


def test_a_smaller_sample_is_part_of_a_larger(root):
    small, large = (sample_subset(root, n, n) for n in (2, 4))
    assert set(small.classes) < set(large.classes)
    assert set(small.splits[0].images) < set(large.splits[0].images)


def test_another_seed_is_another_choice(root):
    subsets = [sample_subset(root, 3, 3, seed) for seed in range(10)]
    assert len({subset.classes for subset in subsets}) > 5
    assert len({tuple(subset.splits[0].images) for subset in subsets}) == 10


def test_every_class_and_image_has_the_same_chance(root):
    chosen = Counter()
    for seed in range(200):
        chosen.update(sample_subset(root, 2, 1, seed).classes)
        chosen.update(sample_subset(root, 6, 2, seed).splits[0].images)
    classes = [chosen.pop(name) for name in CLASSES]
    assert (sum(classes), chosen.total()) == (400, 2400)
    assert len(chosen) == 36
    assert chisquare(classes).pvalue > 0.01
    assert chisquare(list(chosen.values())).pvalue > 0.01


def test_lists_hold_the_subset(root, tmp_path):
    subset = sample_subset(root, 3, 2)
    train, val, classes = write_lists(subset, tmp_path / 'out')
    assert sorted((tmp_path / 'out').iterdir()) == [classes, train, val]
    assert classes.read_text().split() == list(subset.classes)
    for file, split in zip((train, val), subset.splits, strict=True):
        pairs = read_list(file)
        assert [image for image, _ in pairs] == split.images
        for image, label in pairs:
            assert subset.classes[label] == Path(image).parent.name
            assert (root / split.name / image).is_file()


def test_links_are_a_tree_for_any_library(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    subset = sample_subset('root', 3, 2)
    write_links(subset, 'out')
    monkeypatch.chdir('/')
    for split in subset.splits:
        folder = tmp_path / 'out' / split.name
        tree = scan_tree(folder)
        expected = [
            (str(folder / image), label)
            for label, images in enumerate(tree.images.values())
            for image in images
        ]
        peer = ImageFolder(folder)
        reader = ImageDataset(str(folder)).reader
        assert peer.samples == expected
        assert [
            (reader.filename(i, absolute=True), reader[i][1])
            for i in range(len(reader))
        ] == expected
        assert tuple(tree.images) == tuple(peer.classes) == subset.classes
        assert sorted(sum(tree.images.values(), [])) == split.images
        for image in split.images:
            link = folder / image
            assert os.path.isabs(os.readlink(link))
            assert link.samefile(root / split.name / image)


def test_folders_within_class_folders_are_kept(root, tmp_path):
    (root / 'train/ant/deep').mkdir()
    for path in list((root / 'train/ant').glob('*.jpg')):
        path.rename(path.parent / 'deep' / path.name)
    write_links(sample_subset(root, 6, 2), tmp_path / 'out')
    assert len(list((tmp_path / 'out/train/ant/deep').iterdir())) == 2


@pytest.mark.parametrize('write', [write_lists, write_links])
def test_again_gives_the_same(root, tmp_path, write):
    write(sample_subset(root, 3, 2), tmp_path / 'out')
    first = snapshot(tmp_path / 'out')
    write(sample_subset(root, 3, 2), tmp_path / 'out')
    write(sample_subset(root, 3, 2), tmp_path / 'other')
    assert snapshot(tmp_path / 'out') == snapshot(tmp_path / 'other') == first


def test_links_go_into_empty_folders_and_past_hidden_files(root, tmp_path):
    out = tmp_path / 'out'
    (out / 'train').mkdir(parents=True)
    subset = sample_subset(root, 3, 2)
    write_links(subset, out)
    (out / 'train/.DS_Store').touch()
    write_links(subset, out)
    assert len(ImageFolder(out / 'train')) == 6


def replace_by_file(out):
    link = next((out / 'val').glob('*/*'))
    link.unlink()
    link.touch()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda out: (out / 'val/x.txt').touch(), r'/val/x\.txt, which is not of'),
        (lambda out: (out / 'train/yak').mkdir(), r'/train/yak, which is not of'),
        (lambda out: (out / 'train/a').symlink_to(out / 'val'), r'/train/a, which is'),
        (replace_by_file, r'/val/\w+/\w+ val\d\.jpg, which is not of this subset'),
        (
            lambda out: next((out / 'val').glob('*/*')).unlink(),
            r'/val is there already and has no \S*/val/\w+/\w+ val\d\.jpg',
        ),
    ],
    ids=['file', 'folder', 'linked folder', 'copy', 'missing'],
)
def test_a_folder_with_other_content_is_refused(root, tmp_path, change, message):
    out = tmp_path / 'out'
    subset = sample_subset(root, 3, 2)
    write_links(subset, out)
    change(out)
    before = snapshot(out)
    with pytest.raises(InputError, match=message):
        write_links(subset, out)
    assert snapshot(out) == before


def test_links_of_another_seed_are_not_mixed_with(root, tmp_path):
    write_links(sample_subset(root, 3, 2, seed=0), tmp_path / 'out')
    before = snapshot(tmp_path / 'out')
    message = r'out/train is there already and has \S*/out/train/.*remove the folder'
    with pytest.raises(InputError, match=message):
        write_links(sample_subset(root, 3, 2, seed=1), tmp_path / 'out')
    assert snapshot(tmp_path / 'out') == before


@pytest.mark.parametrize(
    ('out', 'message'),
    [
        ('.', r'root/train is there already and has \S*root/train/ant/ant train0\.jpg'),
        ('train', r'root/train is within \S*root/train, where links would be images'),
        ('val/zoo', r'root/val/zoo is within \S*root/val, where links would be images'),
    ],
)
def test_the_images_themselves_are_left_alone(root, out, message):
    before = snapshot(root)
    with pytest.raises(InputError, match=message.replace(' train0', r' train\d')):
        write_links(sample_subset(root, 6, 2), root / out)
    assert snapshot(root) == before


def test_links_that_fail_leave_nothing_half_made(root, tmp_path, monkeypatch):
    subset = sample_subset(root, 3, 2)
    make = Path.symlink_to

    def fail_at_val(link, target):
        if 'val' in target:
            raise OSError(1, 'Operation not permitted')
        make(link, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, 'symlink_to', fail_at_val)
        with pytest.raises(InputError, match=r'out/val cannot .*: Operation not perm'):
            write_links(subset, tmp_path / 'out')
    assert os.listdir(tmp_path / 'out') == ['train']
    write_links(subset, tmp_path / 'out')
    assert len(ImageFolder(tmp_path / 'out/val')) == 9


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(classes=0), r'classes=0 is not a whole number of at least 1'),
        (dict(train_images=0), r'train_images=0 is not a whole number of at least 1'),
        (dict(seed=-1), r'seed=-1 is not a whole number of at least 0'),
        (
            dict(classes=7),
            r'train has 6 classes, and 7 were .* give --classes 6 or fewe',
        ),
        (dict(val='train'), r"--train and --val are both 'train': give the folders"),
        (
            dict(val='test'),
            r"root has no folder 'test'; the folders there: train, val: add it, or "
            'give --val val$',
        ),
    ],
)
def test_arguments_that_cannot_be(root, arguments, message):
    with pytest.raises(InputError, match=message):
        sample_subset(root, **{'classes': 3, 'train_images': 2, **arguments})


def test_classes_with_too_few_images_are_named_with_their_counts(root):
    for name, left in (('bee', 4), ('eel', 3), ('fox', 5)):
        for i in range(left, 6):
            (root / f'train/{name}/{name} train{i}.jpg').unlink()
    message = (
        r'root/train has fewer than 5 images of 2 of the 6 sampled classes \(bee: 4, '
        r'eel: 3\): give --train-images 3 or fewer'
    )
    with pytest.raises(InputError, match=message):
        sample_subset(root, 6, 5)
    assert len(sample_subset(root, 6, 3).splits[0].images) == 18
    seed = next(
        seed
        for seed in range(50)
        if {'bee', 'eel'}.isdisjoint(sample_subset(root, 3, 1, seed).classes)
    )
    # What the other classes have does not matter.
    assert len(sample_subset(root, 3, 5, seed).splits[0].images) == 15


def test_classes_of_train_and_val_that_differ_are_named(root):
    (root / 'train/ant').rename(root / 'train/ape')
    (root / 'val/gnu').mkdir()
    (root / 'val/gnu/1.jpg').touch()
    message = r'differ; only in \S*/train: ape; only in \S*/val: ant, gnu: give both'
    with pytest.raises(InputError, match=message):
        sample_subset(root, 2, 2)


def test_a_tree_with_a_test_folder(tmp_path):
    root = plant(tmp_path, splits=('train', 'test'))
    (root / '.git').mkdir()
    message = r"has no folder 'val'; the folders there: test, train: .* --val test$"
    with pytest.raises(InputError, match=message):
        sample_subset(root, 2, 2)
    val = sample_subset(root, 2, 2, val='test').splits[1]
    assert (val.name, val.folder, len(val.images)) == ('val', root / 'test', 6)


def test_roots_that_are_none(tmp_path):
    with pytest.raises(InputError, match=r'/no is not a folder: give one with'):
        sample_subset(tmp_path / 'no')
    with pytest.raises(InputError, match=r"no folder 'train'; the folders there: none"):
        sample_subset(tmp_path)


def test_what_is_no_image_is_told(root):
    (root / 'train/ant/notes.txt').touch()
    (root / 'val/stray.jpg').touch()
    train, val = sample_subset(root, 2, 2).splits
    assert (train.ignored, val.ignored) == (['ant/notes.txt'], ['stray.jpg'])
