import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tinydet.data.check import check_coco
from tinydet.data.voc import voc_to_coco
from tinydet.errors import InputError

TOOL = Path(__file__).parents[2] / 'tools' / 'voc_to_coco.py'


def xml(*objects, size='<size><width>40</width><height>30</height></size>'):
    return (
        f'<annotation><filename>other</filename>{size}{"".join(objects)}</annotation>'
    )


def obj(name, xmin, ymin, xmax, ymax, difficult=None):
    flag = '' if difficult is None else f'<difficult>{difficult}</difficult>'
    return (
        f'<object><name>{name}</name>{flag}<bndbox><xmin>{xmin}</xmin>'
        f'<ymin>{ymin}</ymin><xmax>{xmax}</xmax><ymax>{ymax}</ymax></bndbox></object>'
    )


@pytest.fixture
def voc(tmp_path):
    for folder in ('ImageSets/Main', 'Annotations', 'JPEGImages'):
        (tmp_path / folder).mkdir(parents=True)
    files = {
        'b1': xml(obj('dog', 1, 1, 40, 30), obj('cat', 11, 6, 20, 10, difficult=1)),
        'a2': xml(obj('cat', 5, 5, 5, 5, difficult=0)),
        't 3': xml(),
    }
    for stem, text in files.items():
        (tmp_path / 'Annotations' / f'{stem}.xml').write_text(text)
        Image.new('RGB', (40, 30)).save(tmp_path / 'JPEGImages' / f'{stem}.png')
    (tmp_path / 'ImageSets/Main/train.txt').write_text('b1\na2\n\n')
    (tmp_path / 'ImageSets/Main/test.txt').write_text('t 3\r\n')
    return tmp_path


def test_images_categories_and_boxes(voc):
    coco = voc_to_coco(voc, ['train', 'test'])
    assert coco['train']['images'] == [
        {'id': 1, 'file_name': 'b1.png', 'width': 40, 'height': 30},
        {'id': 2, 'file_name': 'a2.png', 'width': 40, 'height': 30},
    ]
    categories = [{'id': 1, 'name': 'cat'}, {'id': 2, 'name': 'dog'}]
    assert coco['train']['categories'] == coco['test']['categories'] == categories
    dog, cat, dot = coco['train']['annotations']
    # The whole image: VOC counts from 1 and includes the last pixel.
    assert dog == {
        'id': 1,
        'image_id': 1,
        'category_id': 2,
        'bbox': [0, 0, 40, 30],
        'area': 1200,
        'iscrowd': 0,
        'ignore': 0,
    }
    assert cat['bbox'] == [10, 5, 10, 5]
    assert cat['area'] == 50
    assert cat['iscrowd'] == cat['ignore'] == 1
    assert dot['image_id'] == 2
    assert dot['bbox'][2:] == [0, 0]
    assert coco['test']['annotations'] == []


def test_the_check_accepts_the_result_and_counts_points(voc, tmp_path):
    ann_file = tmp_path / 'out.json'
    ann_file.write_text(json.dumps(voc_to_coco(voc, ['train'])['train']))
    report = check_coco(ann_file, voc / 'JPEGImages')
    assert [note.annotation_id for note in report.zero_area] == [3]
    assert not report.clipped
    assert not report.bad_images


@pytest.mark.parametrize(
    ('corners', 'bbox'),
    [
        ((0, 0, 10, 10), [0, 0, 10, 10]),
        ((0.5, 1.5, 10, 10), [0.5, 0.5, 9.5, 9.5]),
        ((-3, 5, 10, 10), [-4, 4, 14, 6]),
        ((10, 5, 5, 10), [10, 4, -5, 6]),
    ],
)
def test_coordinates_of_other_tools(voc, corners, bbox):
    (voc / 'Annotations/b1.xml').write_text(xml(obj('dog', *corners)))
    assert voc_to_coco(voc, ['train'])['train']['annotations'][0]['bbox'] == bbox


def test_order_of_the_classes(voc):
    coco = voc_to_coco(voc, ['train'], ['dog', 'cow', 'cat'])['train']
    assert [c['name'] for c in coco['categories']] == ['dog', 'cow', 'cat']
    assert [a['category_id'] for a in coco['annotations']] == [1, 3, 3]


def test_image_that_is_not_there_is_left_to_the_check(voc):
    (voc / 'JPEGImages/b1.png').unlink()
    assert voc_to_coco(voc, ['train'])['train']['images'][0]['file_name'] == 'b1.jpg'


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        (None, ('does not exist', 'train.txt')),
        ('<annotation><size>', ('broken XML', 'line 1')),
        (xml(size=''), ('size/width is None',)),
        (
            xml(size='<size><width>0</width><height>0</height></size>'),
            ('the size is 0 x 0',),
        ),
        (xml(obj('dog', 'x', 1, 2, 2)), ("object/bndbox/xmin is 'x'",)),
        (xml(obj('dog', 1, 'nan', 2, 2)), ("object/bndbox/ymin is 'nan'",)),
        (xml('<object><name>dog</name></object>'), ('object/bndbox/xmin is None',)),
        (xml(obj('', 1, 1, 2, 2)), ('without a name',)),
        (xml(obj('cow', 1, 1, 2, 2)), ("class 'cow'", 'cat, dog')),
    ],
)
def test_fault_in_a_file(voc, text, expected):
    path = voc / 'Annotations/a2.xml'
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    with pytest.raises(InputError) as error:
        voc_to_coco(voc, ['train'], ['cat', 'dog'])
    for part in (str(path), *expected):
        assert part in str(error.value)


def test_fault_in_the_lists(voc):
    with pytest.raises(InputError, match=r'val\.txt does not exist'):
        voc_to_coco(voc, ['val'])
    (voc / 'ImageSets/Main/test.txt').write_text('b1\na2\nb1\n')
    with pytest.raises(InputError, match=r'test\.txt lists b1 twice'):
        voc_to_coco(voc, ['test'])
    with pytest.raises(InputError, match='JPEGImages does not exist'):
        voc_to_coco(voc / 'Annotations', ['test'])


def run_tool(*args):
    return subprocess.run(
        [sys.executable, TOOL, *map(str, args)], capture_output=True, text=True
    )


def test_tool(voc, tmp_path):
    out = tmp_path / 'new' / 'out'
    done = run_tool(voc, '--split', 'train', '--split', 'test', '--out', out)
    assert done.returncode == 0, done.stderr
    assert '2 images, 3 boxes, 1 of them difficult' in done.stdout
    assert 'classes: cat, dog' in done.stdout
    for split, coco in voc_to_coco(voc, ['train', 'test']).items():
        path = out / 'annotations' / f'instances_{split}.json'
        assert json.loads(path.read_text()) == coco


def test_tool_refuses_without_traceback_and_without_files(voc, tmp_path):
    (voc / 'Annotations/a2.xml').unlink()
    out = tmp_path / 'out'
    done = run_tool(voc, '--split', 'train', '--out', out)
    assert done.returncode == 2
    assert done.stderr.startswith('error: ')
    assert 'Traceback' not in done.stderr
    assert not out.exists()
