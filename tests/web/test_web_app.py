"""The page without a browser: its one function."""

import json
import re
import urllib.request
from html import unescape

import numpy as np
import pytest
from bad_files import truncate
from PIL import Image

from tinydet.inference import Detector
from tinydet.viz.boxes import draw_detections

# Not Gradio: the server alone loads it, which takes seconds.
pytest.importorskip('gradio_client', reason="needs gradio: pip install -e '.[app]'")

from gradio_client import Client, handle_file  # noqa: E402

# Of lines and letters.
SCALE = 1.4


@pytest.fixture(scope='module')
def client(served):
    return Client(served.url, verbose=False)


def detect(client, image, threshold=0.3, model='raw', beside='nms') -> tuple:
    """Card, picture and table of each panel."""
    given = None if image is None else handle_file(str(image))
    return client.predict(given, threshold, model, beside, api_name='/detect')


def rows(html: str) -> list[list[str]]:
    """The texts of a table's cells, without the bars."""
    body = html.partition('<tbody>')[2]
    cells = [re.findall('<td[^>]*>(.*?)</td>', row) for row in body.split('</tr>')]
    texts = [[unescape(re.sub('<[^>]*>', '', cell)) for cell in row] for row in cells]
    return [[text for text in row if text] for row in texts if row]


def expected_rows(found, classes) -> list[list[str]]:
    table = []
    for label in set(found.labels.tolist()):
        own = found.scores[found.labels == label]
        table.append((own.max(), [classes[label], str(len(own)), f'{own.max():.2f}']))
    return [cells for _, cells in sorted(table, reverse=True)]


def test_what_the_detectors_find_is_shown(client, served, photo, tmp_path):
    shown = detect(client, photo)
    for model, (card, picture, html) in zip(
        served.models, (shown[:3], shown[3:]), strict=True
    ):
        detector = Detector(model, score=0.3)
        found = detector(photo)
        assert len(found.scores)
        assert rows(html) == expected_rows(found, detector.classes)
        whole, *stages = map(float, re.findall(r'\d+\.\d\b', html.split('</p>')[0]))
        assert len(stages) == 3 and whole == pytest.approx(sum(stages), abs=0.21)
        assert f'<h2>{model.stem}</h2>' in card

        given = np.asarray(Image.open(photo))
        expected = tmp_path / 'expected.jpeg'
        draw_detections(given, *found, detector.classes, SCALE).save(expected)
        drawn = np.asarray(Image.open(picture), float)
        assert np.abs(drawn - np.asarray(Image.open(expected))).mean() < 0.1
        assert np.abs(drawn - given).mean() > 5


def test_the_threshold_is_the_slider(client, photo, served):
    few, many = detect(client, photo, 0.5), detect(client, photo, 0.05)
    for threshold, shown in ((0.5, few), (0.05, many)):
        detector = Detector(served.models[0], score=threshold)
        assert rows(shown[2]) == expected_rows(detector(photo), detector.classes)
    assert 'Nothing scores above 1.00. The best is' in detect(client, photo, 1)[2]


def test_without_an_image_the_panels_are_empty(client):
    card, picture, html = detect(client, None)[:3]
    assert 'raw' in card and picture is None and html == ''


def test_an_image_that_cannot_be_read_leaves_the_panels_empty(client, broken, tmp_path):
    Image.new('RGB', (50, 50)).save(tmp_path / 'cut.png')
    truncate(tmp_path / 'cut.png')
    for path in (broken, tmp_path / 'cut.png'):
        assert detect(client, path)[1:3] == (None, '')


def test_one_model_alone(client, photo):
    assert detect(client, photo, model='nms', beside='')[3:] == ('', None, '')


def test_files_of_the_server_are_not_read(client, served, tmp_path):
    secret = tmp_path / 'secret.png'
    Image.new('RGB', (50, 50)).save(secret)
    api = f'{served.url}/gradio_api/call/detect'
    json_ = {'Content-Type': 'application/json'}
    for extra in ({}, {'meta': {'_type': 'gradio.FileData'}}):
        body = {'data': [{'path': str(secret), **extra}, 0.3, 'raw', '']}
        request = urllib.request.Request(api, json.dumps(body).encode(), json_)
        with urllib.request.urlopen(request) as answer:
            event = json.load(answer)['event_id']
        with urllib.request.urlopen(f'{api}/{event}') as answer:
            assert answer.read().startswith(b'event: error')
