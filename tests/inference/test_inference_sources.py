import os
import struct

import numpy as np
import pytest
from bad_files import truncate
from clips import FPS, SIZE, cut_off, frame_pixels, plug_in, write_clip
from PIL import Image

import tinydet.inference.sources
from tinydet.errors import InputError
from tinydet.inference.sources import (
    Camera,
    Failure,
    Frame,
    ImageFile,
    Video,
    count_frames,
    find_sources,
    read_frames,
)


@pytest.fixture
def folder(tmp_path):
    """A folder of images in folders."""
    for name in ('b.jpg', 'a.PNG', 'sub/b.jpg', 'sub/b.png', 'sub/deep/c.webp'):
        write_image(tmp_path / 'images' / name)
    (tmp_path / 'images/notes.txt').write_text('none')
    return tmp_path / 'images'


@pytest.fixture
def out(tmp_path):
    return tmp_path / 'out'


def write_image(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new('RGB', (20, 10), (250, 120, 10)).save(path)
    return path


def names(words, out):
    return [source.name for source in find_sources(map(str, words), out).sources]


def frames_of(path):
    """Frames and failures of a file."""
    items = list(read_frames([Video(path, path.name)]))
    return (
        [item for item in items if isinstance(item, Frame)],
        [item.reason for item in items if isinstance(item, Failure)],
    )


def test_folder_stands_for_all_in_it_in_order(folder, out):
    found = find_sources([str(folder)], out)
    expected = ['a.PNG', 'b.jpg', 'sub/b.jpg', 'sub/b.png', 'sub/deep/c.webp']
    assert [source.name for source in found.sources] == expected
    assert [source.path for source in found.sources] == [folder / n for n in expected]
    assert found.ignored == [folder / 'notes.txt']


def test_hidden_files_and_results_are_no_sources(folder):
    write_image(folder / '.thumbnails/b.jpg')
    write_image(folder / '._b.jpg')
    write_image(folder / 'found/b.jpg')
    assert 'found/b.jpg' in names([folder], folder / 'elsewhere')
    listed = names([folder], folder / 'found')
    assert len(listed) == 5 and not any('found' in name for name in listed)


def test_links_are_followed_but_not_in_circles(folder, tmp_path, out):
    write_image(tmp_path / 'elsewhere/d.jpg')
    os.symlink(tmp_path / 'elsewhere', folder / 'linked')
    os.symlink(folder, folder / 'sub/deep/back')
    listed = names([folder], out)
    assert len(listed) == 6 and 'linked/d.jpg' in listed


def test_files_keep_the_order_of_the_words(folder, out):
    paths = [folder / name for name in ('sub/deep/c.webp', 'a.PNG', 'b.jpg')]
    assert names(paths, out) == ['c.webp', 'a.PNG', 'b.jpg']


def test_equal_names_are_told_apart_by_their_folders(folder, out):
    paths = [folder / 'b.jpg', folder / 'sub/b.jpg', folder / 'sub/b.png']
    assert names(paths, out) == ['b.jpg', 'sub/b.jpg', 'sub/b.png']
    assert names([folder / 'sub', folder / 'sub/deep', folder / 'b.jpg'], out) == [
        'sub/b.jpg',
        'sub/b.png',
        'sub/deep/c.webp',
        'b.jpg',
    ]


def test_file_named_twice_is_one_source(folder, out, monkeypatch):
    monkeypatch.chdir(folder)
    assert names(['b.jpg', 'sub/../b.jpg', folder / 'b.jpg'], out) == ['b.jpg']


def test_words_say_the_kind(folder, out, tmp_path):
    clip = write_clip(tmp_path / 'clip.avi', 2)
    found = find_sources(['0', str(folder / 'b.jpg'), str(clip)], out).sources
    assert found == [
        ImageFile(folder / 'b.jpg', 'b.jpg'),
        Video(clip, 'clip.avi'),
        Camera(0, 'camera0'),
    ]


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['images', 'gone.jpg'], r'^gone\.jpg does not exist: give images, videos'),
        (['images/notes.txt'], r'notes\.txt is no image or video .*\.jpg.*\.mp4'),
        (['empty'], r'^empty has no images or videos: .*\.jpg.*\.mp4'),
        (['texts'], r'^texts has no images or videos'),
        (['0', '2', '0'], r'^cameras 0, 2: give one'),
    ],
)
def test_words_without_sources_are_refused(
    words, message, folder, tmp_path, out, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'texts').mkdir()
    (tmp_path / 'texts/a.xml').write_text('')
    with pytest.raises(InputError, match=message):
        find_sources(words, out)


@pytest.mark.skipif(os.geteuid() == 0, reason='root may read everything')
def test_locked_folder_is_refused(folder, out):
    (folder / 'sub').chmod(0)
    with pytest.raises(InputError, match='sub cannot be read: Permission denied'):
        find_sources([str(folder)], out)
    (folder / 'sub').chmod(0o700)


def test_bad_images_are_passed_over(folder, out):
    truncate(folder / 'b.jpg')
    (folder / 'sub/b.png').write_bytes(b'')
    sources = find_sources([str(folder)], out).sources
    sources.append(ImageFile(folder / 'gone.jpg', 'gone.jpg'))
    items = list(read_frames(sources))
    assert [item.source for item in items] == sources
    good = [item.source.name for item in items if isinstance(item, Frame)]
    assert good == ['a.PNG', 'sub/b.jpg', 'sub/deep/c.webp']
    for item in items:
        if isinstance(item, Failure):
            assert str(item.source.path) in item.reason
            assert 'give another image' in item.reason


def test_image_is_rgb_and_turned_as_viewers_do(tmp_path):
    exif = Image.Exif()
    exif[0x112] = 6
    Image.new('RGB', (20, 10), (250, 120, 10)).save(tmp_path / 'a.png', exif=exif)
    (frame,) = read_frames([ImageFile(tmp_path / 'a.png', 'a.png')])
    assert frame.image.shape == (20, 10, 3)
    assert (frame.image == (250, 120, 10)).all()
    assert frame.index is frame.fps is None


@pytest.mark.parametrize(
    ('name', 'codec'),
    [('a.avi', 'MJPG'), ('a.mp4', 'mp4v'), ('a.mkv', 'mp4v'), ('a.webm', 'VP80')],
)
def test_video_gives_its_frames_in_order(tmp_path, name, codec):
    clip = write_clip(tmp_path / name, 40, codec)
    frames, failures = frames_of(clip)
    assert not failures
    assert [frame.index for frame in frames] == list(range(40))
    assert {frame.fps for frame in frames} == {FPS}
    for frame in frames:
        assert frame.image.shape == (SIZE[1], SIZE[0], 3)
        difference = frame.image.mean(axis=(0, 1)) - frame_pixels(frame.index)[0, 0]
        assert np.abs(difference).max() < 8
    assert count_frames([Video(clip, name)]) == 40


def test_video_that_breaks_off_gives_what_it_has(tmp_path):
    clip = cut_off(write_clip(tmp_path / 'a.avi', 60), 0.5)
    frames, failures = frames_of(clip)
    assert 10 < len(frames) < 40
    assert failures == [
        f'{clip} breaks off behind frame {len(frames)} of 60: what comes before is '
        'kept; give the whole file for the rest'
    ]


def test_matroska_is_held_against_the_time_that_its_header_says(tmp_path):
    clip = cut_off(write_clip(tmp_path / 'a.mkv', 80, 'mp4v'), 0.5)
    frames, (failure,) = frames_of(clip)
    assert 20 < len(frames) < 50
    assert f'behind frame {len(frames)} of 80' in failure


def say_duration(path, milliseconds):
    """Change what a Matroska file says about its length."""
    data = path.read_bytes()
    start = data.index(b'\x44\x89\x88') + 3
    duration = struct.pack('>d', milliseconds)
    path.write_bytes(data[:start] + duration + data[start + 8 :])
    return path


def say_frames(path, frames):
    """Change what an AVI file says about its length."""
    data = bytearray(path.read_bytes())
    # dwTotalFrames of avih, and dwLength of the only strh
    for chunk, offset in ((b'avih', 16), (b'strh', 32)):
        start = data.index(chunk) + 8 + offset
        assert struct.unpack_from('<I', data, start) == (40,)
        struct.pack_into('<I', data, start, frames)
    path.write_bytes(data)
    return path


def test_headers_that_err_by_little_are_no_alarm(tmp_path):
    clip = say_frames(write_clip(tmp_path / 'a.avi', 40), 41)
    assert count_frames([Video(clip, 'a.avi')]) == 41
    assert [len(part) for part in frames_of(clip)] == [40, 0]
    longer = say_frames(write_clip(tmp_path / 'b.avi', 40), 42)
    assert [len(part) for part in frames_of(longer)] == [40, 1]
    # such as sound that ends after the pictures
    clip = say_duration(write_clip(tmp_path / 'a.mkv', 40, 'mp4v'), 2400)
    assert count_frames([Video(clip, 'a.mkv')]) == 60
    assert [len(part) for part in frames_of(clip)] == [40, 0]


def test_unknown_length_is_none_and_no_alarm(tmp_path):
    clip = say_duration(write_clip(tmp_path / 'a.mkv', 40, 'mp4v'), 0)
    sources = [ImageFile(tmp_path / 'a.png', 'a.png'), Video(clip, 'a.mkv')]
    assert count_frames(sources[:1]) == 1
    assert count_frames(sources) is None
    assert [len(part) for part in frames_of(clip)] == [40, 0]


@pytest.mark.parametrize('kind', ['text', 'empty', 'cut', 'gone'])
def test_what_is_no_video_is_named(tmp_path, kind):
    path = tmp_path / 'clip_01.mp4'
    if kind == 'cut':
        # The index of an MP4 file is at its end.
        cut_off(write_clip(path, 20, 'mp4v'), 0.6)
    elif kind != 'gone':
        path.write_bytes(b'text' * 100 if kind == 'text' else b'')
    assert count_frames([Video(path, 'clip')]) is None
    frames, (failure,) = frames_of(path)
    assert not frames
    assert failure.startswith(f'{path} cannot be opened: ')


def test_absent_camera_is_named_without_noise(capfd):
    (failure,) = read_frames([Camera(63, 'camera63')])
    assert failure.reason.startswith('camera 63 cannot be opened: plug it in')
    assert capfd.readouterr() == ('', '')


def test_camera_frames_are_placed_by_time(tmp_path, monkeypatch):
    plug_in(monkeypatch, write_clip(tmp_path / 'seen.avi', 6), number=2)
    # Of each frame, in seconds: as the camera, twice as slow, and then faster than it
    times = iter(100 + np.array([0, 1, 3, 5, 5.1, 5.2]) / FPS + 1e-6)
    clock = tinydet.inference.sources.time
    monkeypatch.setattr(clock, 'monotonic', lambda: next(times))
    *frames, failure = read_frames([Camera(2, 'camera2')])
    assert [frame.index for frame in frames] == [0, 1, 3, 5, 6, 7]
    assert frames[0].fps == FPS
    assert failure.reason.startswith('camera 2 shows nothing more')
    assert count_frames([Camera(2, 'camera2')]) is None


def test_rate_that_no_file_can_have_is_replaced(tmp_path):
    clip = write_clip(tmp_path / 'a.avi', 3)
    data = clip.read_bytes()
    start = data.index(b'strh') + 8 + 20
    scale, rate = struct.unpack_from('<II', data, start)
    assert rate / scale == FPS
    clip.write_bytes(data[:start] + struct.pack('<II', 1, 90000) + data[start + 8 :])
    frames, _ = frames_of(clip)
    assert {frame.fps for frame in frames} == {25.0}
