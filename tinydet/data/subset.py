"""A small classification data set out of a large one, as ImageNet-100 (section 4.1)."""

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tinydet.checks import check_whole
from tinydet.data.folders import ImageTree, scan_tree, write_lines, write_list
from tinydet.errors import InputError, some
from tinydet.files import make_room


@dataclass(frozen=True)
class Split:
    """The training or the validation images of a subset.

    Attributes:
        name: ``'train'`` or ``'val'``.
        folder: The folder sampled from, which holds the class folders.
        images: Sampled images, sorted, relative to ``folder``.
        ignored: Files of ``folder`` that are no images of a class.
    """

    name: str
    folder: Path
    images: list[str]
    ignored: list[str]


@dataclass(frozen=True)
class Subset:
    """Sampled classes and their images.

    Attributes:
        classes: The classes, sorted; a class's position is its label.
        splits: Training and validation images.
    """

    classes: tuple[str, ...]
    splits: tuple[Split, Split]


def sample_subset(
    root: str | os.PathLike,
    classes: int = 100,
    train_images: int = 500,
    seed: int = 0,
    train: str = 'train',
    val: str = 'val',
) -> Subset:
    """Sample classes, training images of each, and take all their validation images.

    Names are drawn in the order of their hashes. So the choice is the same on every
    machine, and of a class the same whatever other classes there are; a smaller sample
    is part of a larger one of the same seed.

    Args:
        root: Holds ``train/class/image`` and ``val/class/image``.
        classes: How many classes to draw; the default is the paper's ImageNet-100, as
            is that of ``train_images``.
        train_images: How many training images of each to draw.
        seed: Another seed, another draw.
        train: The folder of ``root`` with the training images.
        val: The folder with the validation images.

    Returns:
        The subset; nothing is written.

    Raises:
        InputError: A folder is missing or has no class folders with images, the classes
            of the two differ, or there are too few classes or training images.
    """
    check_whole('classes', classes, 1)
    check_whole('train_images', train_images, 1)
    check_whole('seed', seed, 0)
    folders = _split_folders(Path(root), train, val)
    trees = [scan_tree(folder) for folder in folders]
    _check_same_classes(folders, trees)
    names = list(trees[0].images)
    if classes > len(names):
        raise InputError(
            f'{folders[0]} has {len(names)} classes, and {classes} were asked for: '
            f'give --classes {len(names)} or fewer'
        )
    sampled = sorted(_draw(names, classes, seed))
    _check_enough(folders[0], trees[0], sampled, train_images)
    drawn = [
        image
        for name in sampled
        for image in _draw(trees[0].images[name], train_images, seed)
    ]
    every = [image for name in sampled for image in trees[1].images[name]]
    return Subset(
        tuple(sampled),
        (
            Split('train', folders[0], sorted(drawn), trees[0].ignored),
            Split('val', folders[1], sorted(every), trees[1].ignored),
        ),
    )


def write_lists(subset: Subset, out: str | os.PathLike) -> list[Path]:
    """Write ``train.txt``, ``val.txt`` and ``classes.txt``, replacing older ones.

    Args:
        subset: What to list; images are listed relative to the folder of their split.
        out: The folder to write to.

    Returns:
        The files.

    Raises:
        InputError: They cannot be written.
    """
    labels = {name: label for label, name in enumerate(subset.classes)}
    files = [Path(out) / f'{split.name}.txt' for split in subset.splits]
    class_file = Path(out) / 'classes.txt'
    make_room(*files, class_file)
    for split, file in zip(subset.splits, files, strict=True):
        write_list(
            file, ((image, labels[image.split('/')[0]]) for image in split.images)
        )
    write_lines(class_file, subset.classes)
    return [*files, class_file]


def write_links(subset: Subset, out: str | os.PathLike) -> list[Path]:
    """Make folders ``train`` and ``val`` with links to the images of a subset.

    A folder that has exactly these links already is left as it is.

    Args:
        subset: What to link to; targets are absolute.
        out: The folder to make them in.

    Returns:
        The folders.

    Raises:
        InputError: A folder has other content, ``out`` is among the images sampled
            from, or links cannot be made there.
    """
    links = {
        Path(out) / split.name: {
            image: str(split.folder.resolve() / image) for image in split.images
        }
        for split in subset.splits
    }
    for split in subset.splits:
        if Path(out).resolve().is_relative_to(split.folder.resolve()):
            raise InputError(
                f'{out} is within {split.folder}, where links would be images of one '
                'more class: give a folder elsewhere'
            )
    missing = [folder for folder in links if not _stands(folder, links[folder])]
    for folder in missing:
        _make_links(folder, links[folder])
    return list(links)


def _split_folders(root: Path, train: str, val: str) -> list[Path]:
    if train == val:
        raise InputError(
            f'--train and --val are both {train!r}: give the folders of {root} with '
            'the training and with the validation images'
        )
    if not root.is_dir():
        raise InputError(
            f'{root} is not a folder: give one with a folder of training and one of '
            'validation images'
        )
    for option, name in (('--train', train), ('--val', val)):
        if not (root / name).is_dir():
            there = sorted(path.name for path in root.glob('[!.]*') if path.is_dir())
            others = [folder for folder in there if folder not in (train, val)]
            mend = others[0] if len(others) == 1 else 'FOLDER to say which to use'
            raise InputError(
                f'{root} has no folder {name!r}; the folders there: '
                f'{some(there) or "none"}: add it, or give {option} {mend}'
            )
    return [root / train, root / val]


def _check_same_classes(folders: list[Path], trees: list[ImageTree]) -> None:
    extra = [
        f'only in {folder}: {some(only)}'
        for folder, tree, other in zip(folders, trees, reversed(trees), strict=True)
        if (only := [name for name in tree.images if name not in other.images])
    ]
    if extra:
        raise InputError(
            f'the class folders of {folders[0]} and {folders[1]} differ; '
            f'{"; ".join(extra)}: give both the same'
        )


def _check_enough(
    folder: Path, tree: ImageTree, classes: list[str], train_images: int
) -> None:
    counts = {name: len(tree.images[name]) for name in classes}
    short = [f'{name}: {n}' for name, n in counts.items() if n < train_images]
    if short:
        raise InputError(
            f'{folder} has fewer than {train_images} images of {len(short)} of the '
            f'{len(classes)} sampled classes ({", ".join(short)}): give --train-images '
            f'{min(counts.values())} or fewer'
        )


def _draw(names: Iterable[str], count: int, seed: int) -> list[str]:
    def key(name: str) -> bytes:
        return sha256(f'{seed} {name}'.encode(errors='surrogateescape')).digest()

    return sorted(names, key=key)[:count]


def _stands(folder: Path, links: dict[str, str]) -> bool:
    """Whether a folder has exactly some links; any other content is refused."""
    found = dict(_content(folder))
    other = sorted(found.items() - links.items())
    lacking = sorted(links.keys() - found.keys())
    if found and (other or lacking):
        what = (
            f'{folder / other[0][0]}, which is not of this subset'
            if other
            else f'no {folder / lacking[0]}'
        )
        raise InputError(
            f'{folder} is there already and has {what}: remove the folder, or give '
            'another --out'
        )
    return bool(found)


def _content(folder: Path) -> Iterator[tuple[str, str | None]]:
    """Files and empty folders below a folder, with the target of those that link."""
    for path, folders, files in os.walk(folder):
        here = Path(path)
        linked = [name for name in folders if (here / name).is_symlink()]
        for name in [*files, *linked]:
            if not name.startswith('.'):
                file = here / name
                target = os.readlink(file) if file.is_symlink() else None
                yield file.relative_to(folder).as_posix(), target
        if not folders and not files and here != folder:
            yield here.relative_to(folder).as_posix(), None


def _make_links(folder: Path, links: dict[str, str]) -> None:
    # A hidden folder beside it takes its place when it is complete.
    partial = folder.with_name(f'.{folder.name}.partial')
    shutil.rmtree(partial, ignore_errors=True)
    make_room(partial)
    try:
        for image, target in links.items():
            link = partial / image
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target)
        partial.replace(folder)
    except OSError as error:
        raise InputError(
            f'{folder} cannot be made with links: {error.strerror}: give another '
            '--out, on a file system with symbolic links'
        ) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
