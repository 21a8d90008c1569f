"""Find objects: tools/predict.py MODEL.onnx IMAGES|FOLDER|VIDEO|0 ... --out DIR

Writes pictures with boxes under the names of the images, an .mp4 with boxes for each
video, and ``predictions.json``, a COCO annotation file with scores. A number is a
camera, which is recorded until Ctrl-C. An exported model needs no training stack; a
config, with its checkpoint behind it, does.
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice, takewhile
from pathlib import Path
from threading import Event

import numpy as np
from tqdm import tqdm

from tinydet.checks import check_whole
from tinydet.cli import run
from tinydet.errors import InputError, some
from tinydet.files import make_room, write_json
from tinydet.inference import Detector
from tinydet.inference.coco import CocoPredictions
from tinydet.inference.onnx_model import RUNTIMES
from tinydet.inference.pictures import Pictures, check_pictures, picture_path
from tinydet.inference.sources import (
    Camera,
    Failure,
    Frame,
    ImageFile,
    Source,
    count_frames,
    find_sources,
    read_frames,
)
from tinydet.progress import track


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        'model',
        metavar='MODEL',
        help='an .onnx file of tools/export.py, or a config and, next, its checkpoint',
    )
    parser.add_argument(
        'sources',
        nargs='+',
        metavar='IMAGES|FOLDER|VIDEO|0',
        help='images and videos, folders of them, the number of a camera',
    )
    parser.add_argument(
        '--out', type=Path, required=True, metavar='DIR', help='for all results'
    )
    parser.add_argument(
        '--score',
        type=float,
        default=0.3,
        help='leave out objects of at most this score (default: %(default)s)',
    )
    parser.add_argument(
        '--batch', type=int, default=1, help='images at a time (default: %(default)s)'
    )
    parser.add_argument(
        '--device', default='cpu', help='cpu or cuda (default: %(default)s)'
    )
    parser.add_argument(
        '--runtime',
        choices=RUNTIMES,
        default='onnxruntime',
        help='what runs an .onnx file (default: %(default)s)',
    )
    parser.add_argument('--json', type=Path, help='write speed and counts to this file')
    args = parser.parse_intermixed_args()
    checkpoint = None
    if args.model.endswith('.py'):
        checkpoint, *args.sources = args.sources
        if not args.sources:
            parser.error(f'give the checkpoint of {args.model}, then images')
    check_whole('batch', args.batch, 1)
    found = find_sources(args.sources, args.out)
    check_pictures(found.sources, args.out)
    pictures = (picture_path(source, args.out) for source in found.sources)
    make_room(args.out / 'predictions.json', args.json, *pictures)
    detector = Detector(
        args.model,
        checkpoint,
        score=args.score,
        device=args.device,
        runtime=args.runtime,
    )
    if found.ignored:
        kinds = sorted({path.suffix or path.name for path in found.ignored})
        warn(f'ignored {len(found.ignored)} files of other kinds: {some(kinds)}')
    if isinstance(found.sources[-1], Camera):
        warn(f'camera {found.sources[-1].number} is recorded until Ctrl-C')
    with first_interrupt() as stopped:
        done = predict(detector, found.sources, args.out, args.batch, stopped)
        if done.images:
            report(done, detector, args.out, args.json)
        finish(done, found.sources, stopped())


@dataclass
class Done:
    """What a run did.

    Attributes:
        objects: Of each class.
        images_with: Images with an object of each class.
        images: That were read; each frame of a video is one.
        failures: What could not be read.
        model_seconds: From images to boxes, with resizing and suppression.
        seconds: All that, reading, drawing and writing.
    """

    objects: np.ndarray
    images_with: np.ndarray
    images: int = 0
    failures: list[Failure] = field(default_factory=list)
    model_seconds: float = 0
    seconds: float = 0


def predict(
    detector: Detector,
    sources: Sequence[Source],
    out: Path,
    batch: int,
    stopped: Callable[[], bool],
) -> Done:
    """Find objects and write all files, as frames come.

    What was found is written also where something stops this.
    """
    classes = detector.classes
    done = Done(np.zeros(len(classes), int), np.zeros(len(classes), int))
    predictions = CocoPredictions(classes)
    start = time.perf_counter()
    items = takewhile(lambda _: not stopped(), read_frames(sources))
    items = track(items, count_frames(sources), 'images')
    try:
        with Pictures(out, classes) as pictures:
            for frames in batches(readable(items, done.failures, len(sources)), batch):
                asked = time.perf_counter()
                results = detector.batch([frame.image for frame in frames])
                done.model_seconds += time.perf_counter() - asked
                done.images += len(frames)
                for frame, found in zip(frames, results, strict=True):
                    predictions.add(frame, found)
                    pictures.add(frame, found)
                    count = np.bincount(found.labels, minlength=len(classes))
                    done.objects += count
                    done.images_with += count > 0
    finally:
        if done.images:
            predictions.write(out / 'predictions.json')
    done.seconds = time.perf_counter() - start
    return done


def readable(
    items: Iterable[Frame | Failure], failures: list[Failure], sources: int
) -> Iterator[Frame]:
    """Set failures aside; images among others are named on standard error."""
    for item in items:
        if isinstance(item, Frame):
            yield item
            continue
        failures.append(item)
        if sources > 1 and isinstance(item.source, ImageFile):
            warn(f'skipped: {item.reason}')


def batches(frames: Iterator[Frame], size: int) -> Iterator[list[Frame]]:
    """Group frames, the last ones as they remain."""
    while batch := list(islice(frames, size)):
        yield batch


def report(done: Done, detector: Detector, out: Path, path: Path | None) -> None:
    """Print the objects of each class and the speed, and write them to a JSON file."""
    rows = [
        {'class': name, 'objects': objects, 'images': images}
        for name, objects, images in zip(
            detector.classes,
            done.objects.tolist(),
            done.images_with.tolist(),
            strict=True,
        )
    ]
    speed = done.images / done.seconds
    model_speed = done.images / done.model_seconds
    width = max(len(name) for name in ('class', *detector.classes))
    for name, objects, images in (
        ('class', 'objects', 'images'),
        *(row.values() for row in rows),
        ('all', int(done.objects.sum()), done.images),
    ):
        print(f'{name:<{width}} {objects:>9} {images:>9}')
    print(
        f'{speed:.1f} images/s, {model_speed:.1f} in {detector.name} alone; see {out}'
    )
    if path:
        figures = {
            'model': detector.name,
            'images': done.images,
            'failed': [failure.reason for failure in done.failures],
            'images_per_second': speed,
            'model_images_per_second': model_speed,
            'classes': rows,
        }
        write_json(path, figures)


def finish(done: Done, sources: Sequence[Source], stopped: bool) -> None:
    """Say how the run ended."""
    images = [item for item in done.failures if isinstance(item.source, ImageFile)]
    others = [item.reason for item in done.failures if item not in images]
    if images and len(sources) > 1:
        warn(f'skipped {len(images)} of {len(sources)} files')
    if others:
        raise InputError('; '.join(others))
    # That is how a camera ends, but not how files do.
    if stopped and not isinstance(sources[-1], Camera):
        raise KeyboardInterrupt
    if images and not done.images:
        raise InputError(
            images[0].reason
            if len(images) == 1
            else f'none of {len(images)} images can be read, see above: give others'
        )


@contextmanager
def first_interrupt() -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C be asked about; a second one interrupts as ever."""
    pressed = Event()

    def note(*_) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def warn(line: str) -> None:
    """Print on standard error, above a progress bar."""
    tqdm.write(line, file=sys.stderr)


if __name__ == '__main__':
    raise SystemExit(run(main))
