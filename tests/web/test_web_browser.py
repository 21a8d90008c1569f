"""The page in headless Chromium, with a real upload."""

import io
import json
import os
import re
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from tinydet.inference import Detector

CHROMIUM = shutil.which('chromium') or shutil.which('google-chrome')
DRIVER = shutil.which('chromedriver')
if not CHROMIUM or not DRIVER:
    pytest.skip(
        'needs Chromium and its driver: apt-get install chromium chromium-driver',
        allow_module_level=True,
    )
selenium = pytest.importorskip(
    'selenium', reason="needs selenium: pip install -e '.[test]'"
)

from selenium import webdriver  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

WIDE, PHONE = (1280, 800), (390, 844)


class Page:
    """What a visitor does and sees."""

    def __init__(self, driver: webdriver.Chrome, url: str, size: tuple[int, int]):
        self.driver = driver
        metrics = dict(width=size[0], height=size[1], deviceScaleFactor=1)
        driver.execute_cdp_cmd(
            'Emulation.setDeviceMetricsOverride', {**metrics, 'mobile': size == PHONE}
        )
        driver.get(url)
        self.wait(lambda: self.all('#image input[type=file]'))

    def all(self, selector: str) -> list:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def shown(self, selector: str) -> list[str]:
        """The texts of elements that can be seen."""
        return self.driver.execute_script(
            'return [...document.querySelectorAll(arguments[0])]'
            '.filter(item => item.checkVisibility()).map(item => item.innerText)',
            selector,
        )

    def wait(self, condition: Callable) -> object:
        """Wait until something is there, and give it."""
        return WebDriverWait(self.driver, 30).until(lambda _: condition())

    def upload(self, path: Path) -> None:
        self.all('#image input[type=file]')[0].send_keys(str(path))

    def picture(self, number: int) -> Image.Image:
        """What a panel shows."""
        source = self.all('.picture img')[number].get_attribute('src')
        with urllib.request.urlopen(source) as answer:
            return Image.open(io.BytesIO(answer.read())).convert('RGB')

    def hosts(self) -> set[str]:
        """Whom the browser has asked for anything."""
        messages = [
            json.loads(entry['message'])['message']
            for entry in self.driver.get_log('performance')
        ]
        urls = [
            urlsplit(message['params']['request']['url'])
            for message in messages
            if message['method'] == 'Network.requestWillBeSent'
        ]
        return {url.netloc for url in urls if url.scheme not in ('data', 'blob')}


@pytest.fixture(scope='module')
def driver() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    # Chromium's sandbox does not work for root, as tests in containers are run.
    sandbox = ['--no-sandbox'] if os.getuid() == 0 else []
    for word in ('--headless=new', '--disable-dev-shm-usage', *sandbox):
        options.add_argument(word)
    options.set_capability('goog:loggingPrefs', {'performance': 'ALL'})
    chrome = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield chrome
    chrome.quit()


@pytest.fixture
def page(driver, served) -> Page:
    return Page(driver, served.url, WIDE)


def test_an_upload_is_seen_by_both_models(page, served, photo):
    assert page.shown('.model h2') == ['raw', 'nms']
    page.upload(photo)
    page.wait(lambda: len(page.shown('.found .timing')) == 2)
    page.wait(lambda: len(page.all('.picture img')) == 2)

    for time in page.shown('.found .timing b'):
        assert re.fullmatch(r'\d+\.\d ms', time)
    names, counts = [], []
    for model in served.models:
        detector = Detector(model, score=0.3)
        labels = detector(photo).labels.tolist()
        # the first of a class is its best
        order = list(dict.fromkeys(labels))
        names += [detector.classes[label] for label in order]
        counts += [str(labels.count(label)) for label in order]
    # names that look like HTML or a template are shown as they are
    assert page.shown('.found td:first-child') == names
    assert page.shown('.found td:nth-child(2)') == counts
    assert page.shown('.model p')[0] == '<script>alert(1)</script>'

    given = np.asarray(Image.open(photo), float)
    for number in range(2):
        drawn = np.asarray(page.picture(number), float)
        assert drawn.shape == given.shape
        changed = np.abs(drawn - given).max(axis=2) > 60
        assert 0.01 < changed.mean() < 0.9

    assert page.hosts() == {urlsplit(served.url).netloc}


def test_the_slider_and_the_menus(page, photo):
    page.upload(photo)
    page.wait(lambda: len(page.shown('.found table')) == 2)
    number = page.all('input[type=number]')[0]
    number.send_keys(Keys.CONTROL, 'a')
    number.send_keys('1', Keys.ENTER)
    page.wait(lambda: len(page.shown('.found .none')) == 2)
    assert page.shown('.found .none')[0].startswith('Nothing scores above 1.00')

    page.all('input[aria-label="Beside it"]')[0].click()
    # Its text is there only once the menu has opened.
    (none,) = page.wait(
        lambda: [item for item in page.all('[role=option]') if item.text == 'none']
    )
    none.click()
    page.wait(lambda: page.shown('.model h2') == ['raw'])


def test_a_broken_image_is_named(page, photo, broken):
    page.upload(photo)
    page.wait(lambda: len(page.shown('.found .timing')) == 2)
    page.all('#image button[aria-label="Remove Image"]')[0].click()
    page.wait(lambda: not page.shown('.found .timing'))
    page.upload(broken)
    page.wait(lambda: any('broken.jpg' in text for text in page.shown('.toast-body')))
    assert not page.shown('.found .timing') and not page.all('.picture img')


def test_nothing_is_wider_than_a_phone(driver, served, photo):
    page = Page(driver, served.url, PHONE)
    page.upload(photo)
    page.wait(lambda: len(page.shown('.found .timing')) == 2)
    width = driver.execute_script('return document.documentElement.scrollWidth')
    assert width <= PHONE[0]
