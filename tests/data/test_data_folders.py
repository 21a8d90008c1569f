import os

import pytest
from mmpretrain.datasets import CustomDataset
from torchvision.datasets import ImageFolder
from torchvision.datasets.folder import IMG_EXTENSIONS

from tinydet.data.folders import (
    IMAGE_SUFFIXES,
    classes_of,
    read_list,
    scan_tree,
    write_list,
)
from tinydet.errors import InputError


def plant(root, *files):
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_a_tree_is_what_torchvision_reads(tmp_path):
    plant(
        tmp_path,
        *(f'b class/img{i}{suffix}' for i, suffix in enumerate(IMG_EXTENSIONS)),
        *('a/z.JPG', 'a/deep/er/x.Jpeg', 'a/deep.png', 'a/notes.txt', 'a/jpg'),
        *('Z/ü 1.webp', 'Z/x.jpg.txt', 'classes.txt'),
    )
    tree = scan_tree(tmp_path)
    peer = ImageFolder(tmp_path)
    samples = [
        (str(tmp_path / image), label)
        for label, images in enumerate(tree.images.values())
        for image in images
    ]
    assert set(IMAGE_SUFFIXES) == set(IMG_EXTENSIONS)
    assert list(tree.images) == peer.classes == ['Z', 'a', 'b class']
    assert samples == sorted(peer.samples, key=lambda sample: (sample[1], sample[0]))
    assert tree.ignored == ['Z/x.jpg.txt', 'a/jpg', 'a/notes.txt']


def test_hidden_files_are_no_part_of_a_tree(tmp_path):
    plant(tmp_path, 'a/1.png', 'a/.DS_Store', 'a/._1.png', 'a/.thumbs/1.png')
    plant(tmp_path, '.cache/1.png', '.hidden.png')
    tree = scan_tree(tmp_path)
    assert tree.images == {'a': ['a/1.png']}
    assert tree.ignored == []


def test_images_in_no_class_folder_are_named(tmp_path):
    plant(tmp_path, 'a/1.png', 'a/1.xml', 'stray.jpg', 'README.txt')
    assert scan_tree(tmp_path).ignored == ['a/1.xml', 'stray.jpg']


def test_links_are_followed(tmp_path):
    root, store = tmp_path / 'root', tmp_path / 'store'
    plant(store, 'cats/1.jpg', 'dogs/2.jpg', 'dogs/in/3.jpg', '4.jpg')
    plant(root, 'b/0.jpg')
    (root / 'a').symlink_to(store / 'cats')
    (root / 'b/more').symlink_to(store / 'dogs')
    (root / 'b/4.jpg').symlink_to(store / '4.jpg')
    assert scan_tree(root).images == {
        'a': ['a/1.jpg'],
        'b': ['b/0.jpg', 'b/4.jpg', 'b/more/2.jpg', 'b/more/in/3.jpg'],
    }


@pytest.mark.parametrize('target', ['a', 'a/in', '.'])
def test_a_folder_that_holds_itself_is_refused(tmp_path, target):
    plant(tmp_path, 'a/in/1.jpg', 'b/1.jpg')
    (tmp_path / 'a/in/loop').symlink_to(tmp_path / target)
    with pytest.raises(InputError, match=r'a/in/loop\S* is a link to a folder that'):
        scan_tree(tmp_path)


@pytest.mark.parametrize(
    ('files', 'root', 'message'),
    [
        ([], 'no', r'image folder \S*/no: No such file or directory: mend it, or give'),
        (['a.jpg'], 'a.jpg', r'image folder \S*/a\.jpg: Not a directory: '),
        ([], '.', r'has no class folders, but 0 images and 0 other files: images lie'),
        (
            ['1.jpg', '2.PNG', 'labels.csv', '.x/3.jpg', '.4.jpg'],
            '.',
            r'has no class folders, but 2 images and 1 other files: images lie as \S*/'
            r'CLASS/image\.jpg, in a folder for each class',
        ),
        (
            ['a/1.jpg', 'b/1.txt', 'c/.1.jpg'],
            '.',
            r'class folders without an image: b, c: fill or remove them, or .*\.webp',
        ),
        (
            [f'c{i:02}/x.txt' for i in range(11)],
            '.',
            r'without an image: c00, c01, c02, c03, c04, c05, c06, c07, \.\.\. \(11 in',
        ),
    ],
)
def test_what_is_no_tree_is_refused(tmp_path, files, root, message):
    plant(tmp_path, *files)
    with pytest.raises(InputError, match=message):
        scan_tree(tmp_path / root)


def test_a_link_that_leads_nowhere_is_named(tmp_path):
    plant(tmp_path, 'a/1.jpg')
    (tmp_path / 'a/x').symlink_to(tmp_path / 'a/x')
    with pytest.raises(InputError, match=r'image folder \S*/a/x: Too many levels of'):
        scan_tree(tmp_path)


def test_a_list_is_what_mmpretrain_reads(tmp_path):
    pairs = [('b/x 1.jpg', 1), ('a/in/y.jpg', 0), ('b/ü.png', 1), ('c d/3 4', 2)]
    write_list(tmp_path / 'list.txt', pairs)
    peer = CustomDataset(ann_file=str(tmp_path / 'list.txt'), data_prefix='images')
    assert read_list(tmp_path / 'list.txt') == pairs
    assert [(item['img_path'], item['gt_label']) for item in peer] == [
        (f'images/{image}', label) for image, label in pairs
    ]
    assert classes_of(pairs, 'list.txt') == ('a', 'b', 'c d')


def test_a_name_that_is_not_utf8_comes_back(tmp_path):
    name = os.fsdecode(b'a/caf\xe9.jpg')
    write_list(tmp_path / 'list.txt', [(name, 0)])
    assert (tmp_path / 'list.txt').read_bytes() == b'a/caf\xe9.jpg 0\n'
    assert read_list(tmp_path / 'list.txt') == [(name, 0)]


@pytest.mark.parametrize(
    'content',
    [b'\xef\xbb\xbfa/1.jpg 0\r\nb/2.jpg 1\r\n\r\n', b'a/1.jpg 0  \nb/2.jpg 1'],
    ids=['windows', 'no end of line'],
)
def test_lists_of_other_editors(tmp_path, content):
    (tmp_path / 'list.txt').write_bytes(content)
    assert read_list(tmp_path / 'list.txt') == [('a/1.jpg', 0), ('b/2.jpg', 1)]


@pytest.mark.parametrize(
    'line',
    ['a/1.jpg', 'a/1.jpg x', 'a/1.jpg -1', 'a/1.jpg 1.0', 'a/1.jpg ²', 'a/1.jpg\t1']
    + ['', '1', '1.jpg 1', '/a/1.jpg 1', 'a/../1.jpg 1', '../a/1.jpg 1', './1.jpg 1']
    + ['a//1.jpg 1', 'a/ 1'],
)
def test_a_line_that_is_none_of_a_list(tmp_path, line):
    (tmp_path / 'list.txt').write_text(f'a/0.jpg 0\n{line}\nb/1.jpg 1\n')
    with pytest.raises(InputError, match=r'list\.txt, line 2: .* is not of the form'):
        read_list(tmp_path / 'list.txt')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', r'list\.txt lists no images: write lines'),
        (' \n\n', r'list\.txt lists no images: write lines'),
        (
            'a/1.jpg 0\nb/1.jpg 1\nb/2.jpg 0\n',
            r"line 3: label 0 for class folder 'b', but for 'a' before: ",
        ),
        (
            'a/1.jpg 0\na/1.jpg 1\nb/2.jpg 2\n',
            r"line 2: label 1 for class folder 'a', but 0 before: ",
        ),
        (
            'a/1.jpg 1\nb/1.jpg 2\n',
            r'list\.txt has an image with label 1 but none with 0: number',
        ),
        (
            'a/1.jpg 0\nb/1.jpg 1\nc/1.jpg 99999999999999\n',
            r'list\.txt has an image with label 99999999999999 but none with 2: number',
        ),
    ],
)
def test_a_list_without_sound_classes(tmp_path, text, message):
    (tmp_path / 'list.txt').write_text(text)
    with pytest.raises(InputError, match=message):
        read_list(tmp_path / 'list.txt')


@pytest.mark.parametrize(('name', 'reason'), [('no.txt', 'No such file'), ('', 'Is a')])
def test_a_list_that_cannot_be_read(tmp_path, name, reason):
    with pytest.raises(InputError, match=f'{tmp_path}.*: {reason}.*: give a file with'):
        read_list(tmp_path / name)
