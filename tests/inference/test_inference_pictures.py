import numpy as np
import pytest
from clips import FPS, SIZE, frame_pixels, read_clip
from full_disk import full_disk
from PIL import Image

from tinydet.errors import InputError
from tinydet.files import make_room
from tinydet.inference import Detections
from tinydet.inference.pictures import Pictures, check_pictures, picture_path
from tinydet.inference.sources import Camera, Frame, ImageFile, Video
from tinydet.viz.boxes import class_colour

CLASSES = ('ant', 'bee')
NOTHING = Detections(np.zeros((0, 4), np.float32), np.zeros(0), np.zeros(0, int))
BOX = Detections(
    np.array([[10, 8, 40, 28]], np.float32), np.array([0.9]), np.array([1])
)


def video_frames(source, places):
    return [Frame(source, frame_pixels(place), place, FPS) for place in places]


def write(folder, frames, found=NOTHING):
    make_room(*{picture_path(frame.source, folder) for frame in frames})
    with Pictures(folder, CLASSES) as pictures:
        for frame in frames:
            pictures.add(frame, found)


def files(folder):
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob('*') if path.is_file()
    )


@pytest.mark.parametrize('name', ['x.png', 'x.JPG', 'deep/down/x.webp', 'x.tiff'])
def test_picture_has_the_name_and_size_of_the_image_and_its_boxes(tmp_path, name):
    image = np.full((120, 160, 3), 90, np.uint8)
    write(tmp_path, [Frame(ImageFile(tmp_path / 'in.jpg', name), image)], BOX)
    assert files(tmp_path) == [name]
    with Image.open(tmp_path / name) as picture:
        assert picture.size == (160, 120)
        pixels = np.asarray(picture.convert('RGB')).astype(int)
    assert np.abs(pixels[100, 100] - 90).max() < 6
    # JPEG and WebP halve the resolution of colours
    lossless = name.endswith(('png', 'tiff'))
    assert np.abs(pixels[8, 25] - class_colour(1)).max() <= (0 if lossless else 150)
    assert np.abs(pixels[8, 25] - 90).max() > 60


@pytest.mark.parametrize(
    ('name', 'written'), [('a.avi', 'a.avi.mp4'), ('a.mp4', 'a.mp4')]
)
def test_video_keeps_size_rate_and_frames(tmp_path, name, written):
    write(tmp_path, video_frames(Video(tmp_path / 'in', name), range(30)))
    assert files(tmp_path) == [written]
    pixels, fps = read_clip(tmp_path / written)
    assert pixels.shape == (30, SIZE[1], SIZE[0], 3)
    assert fps == FPS
    expected = np.array([frame_pixels(index) for index in range(30)])
    assert np.abs(pixels.astype(int) - expected).mean() < 4


def test_boxes_are_in_the_video(tmp_path):
    source = Video(tmp_path / 'in', 'a.mp4')
    image = np.full((240, 320, 3), 90, np.uint8)
    box = BOX._replace(boxes=np.array([[80, 60, 240, 180]], np.float32))
    write(tmp_path, [Frame(source, image, place, FPS) for place in range(3)], box)
    pixels, _ = read_clip(tmp_path / 'a.mp4')
    changed = np.abs(pixels.astype(int) - 90).max(axis=-1) > 40
    assert changed[:, 120, 80].all() and changed[:, 120, 239].all()
    assert not changed[:, 120, 100:220].any()


def test_picture_stays_until_the_next_one(tmp_path):
    camera = Camera(0, 'camera0')
    write(tmp_path, video_frames(camera, [0, 1, 10, 12]))
    pixels, _ = read_clip(tmp_path / 'camera0.mp4')
    shown = [0, *[1] * 9, 10, 10, 12]
    expected = np.array([frame_pixels(index) for index in shown])
    assert np.abs(pixels.astype(int) - expected).mean(axis=(1, 2, 3)).max() < 6


def test_sources_have_a_file_each(tmp_path):
    first = Video(tmp_path / 'in', 'a/x.avi')
    second = Video(tmp_path / 'in', 'b/x.avi')
    image = Frame(ImageFile(tmp_path / 'in', 'a/x.png'), frame_pixels(0))
    frames = [*video_frames(first, [0, 1]), image, *video_frames(second, [0, 1, 2])]
    write(tmp_path, frames)
    assert files(tmp_path) == ['a/x.avi.mp4', 'a/x.png', 'b/x.avi.mp4']
    assert len(read_clip(tmp_path / 'a/x.avi.mp4')[0]) == 2
    assert len(read_clip(tmp_path / 'b/x.avi.mp4')[0]) == 3


def test_frame_of_another_size_is_fitted(tmp_path):
    """OpenCV would leave it out."""
    source = Video(tmp_path / 'in', 'a.mp4')
    frames = video_frames(source, range(3))
    large = np.repeat(np.repeat(frames[1].image, 2, axis=0), 2, axis=1)
    frames[1] = Frame(source, large, 1, FPS)
    write(tmp_path, frames)
    assert len(read_clip(tmp_path / 'a.mp4')[0]) == 3


def test_video_that_is_interrupted_leaves_the_old_one(tmp_path):
    (tmp_path / 'a.mp4').write_text('old')
    source = Video(tmp_path / 'in', 'a.mp4')
    with pytest.raises(KeyboardInterrupt), Pictures(tmp_path, CLASSES) as pictures:
        pictures.add(video_frames(source, [0])[0], NOTHING)
        raise KeyboardInterrupt
    assert files(tmp_path) == ['a.mp4']
    assert (tmp_path / 'a.mp4').read_text() == 'old'


def test_video_without_an_encoder_is_refused(tmp_path, capfd):
    pixel = np.zeros((1, 1, 3), np.uint8)
    frame = Frame(Video(tmp_path / 'in', 'a.avi'), pixel, 0, FPS)
    with pytest.raises(InputError, match=r'a\.avi\.mp4 cannot be written: .*1 x 1 pix'):
        write(tmp_path, [frame])
    assert not files(tmp_path)


def test_full_disk_leaves_no_part_of_a_picture(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    frame = Frame(ImageFile(tmp_path / 'in', 'a.png'), noise)
    with full_disk(50_000), pytest.raises(InputError, match=r'a\.png cannot be writ'):
        write(tmp_path, [frame])
    assert not files(tmp_path)


def test_full_disk_leaves_no_part_of_a_video(tmp_path):
    """Of which OpenCV does not say a word."""
    rng = np.random.default_rng(0)
    source = Video(tmp_path / 'in', 'a.mp4')
    frames = [
        Frame(source, rng.integers(0, 256, (64, 64, 3), np.uint8), index, FPS)
        for index in range(30)
    ]
    with full_disk(20_000), pytest.raises(InputError, match='not all its frames'):
        write(tmp_path, frames)
    assert not files(tmp_path)
    write(tmp_path, frames)
    assert (tmp_path / 'a.mp4').stat().st_size > 20_000


def test_two_sources_do_not_become_one_file(tmp_path):
    clip = Video(tmp_path / 'clip.avi', 'clip.avi')
    copy = Video(tmp_path / 'clip.avi.mp4', 'clip.avi.mp4')
    with pytest.raises(InputError) as error:
        check_pictures([clip, copy], tmp_path / 'out')
    assert str(error.value).startswith(
        f'{clip.path} and {copy.path} would both become {tmp_path}/out/clip.avi.mp4: '
    )
    filmed = Video(tmp_path / 'camera0.mp4', 'camera0.mp4')
    with pytest.raises(InputError, match=r'camera0\.mp4 and camera 0 would both'):
        check_pictures([filmed, Camera(0, 'camera0')], tmp_path / 'out')


def test_sources_are_not_overwritten(tmp_path):
    sources = [
        ImageFile(tmp_path / 'b/x.jpg', 'x.jpg'),
        Video(tmp_path / 'x.mp4', 'x.mp4'),
        Camera(0, 'camera0'),
    ]
    check_pictures(sources, tmp_path / 'out')
    with pytest.raises(InputError, match=r'b/x\.jpg would be overwritten: give anothe'):
        check_pictures(sources, tmp_path / 'b')
    (tmp_path / 'link').symlink_to(tmp_path)
    with pytest.raises(InputError, match=r'link/x\.mp4 would be overwritten'):
        check_pictures(sources, tmp_path / 'link')
