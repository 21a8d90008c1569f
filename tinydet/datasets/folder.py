"""Classification data sets: a folder for each class, or a list."""

import os

from mmengine.dataset import BaseDataset
from mmengine.logging import print_log
from mmengine.registry import DATASETS

from tinydet.checks import check_whole
from tinydet.data.folders import classes_of, read_list, scan_tree
from tinydet.data.images import find_bad_files
from tinydet.datasets.bad_images import ReplacesBadImages
from tinydet.errors import InputError, some


@DATASETS.register_module()
class ImageFolder(ReplacesBadImages, BaseDataset):
    """Images in class folders, as ImageNet is kept and torchvision and timm read it.

    Labels follow the sorted names of the folders. ``metainfo['classes']`` orders them
    otherwise, and leaves out the folders that it does not name. In test mode the files
    are checked first, and those that cannot be used left out; in training an image is
    found unusable when its turn comes, see
    :class:`~tinydet.datasets.bad_images.ReplacesBadImages`.

    Args:
        input_size: Side of the images that the network takes, in pixels; the transforms
            that load an image scale it to this.
        data_root: A folder that the other paths start from.
        data_prefix: The folder with the class folders.
        ann_file: A list of images to use, one a line as ``class/x.jpg 3``, such as
            ``tools/make_subset.py`` writes; all of the folder without one.
        **kwargs: See MMEngine's ``BaseDataset``.

    Raises:
        InputError: A class without images, a folder without classes, an unusable list,
            a class of ``metainfo`` that has no folder, or too many unusable images.
    """

    # Small sets go on without one or two, which may be more than 1% there.
    few_bad = 10

    def __init__(
        self,
        input_size: int,
        data_root: str = '',
        data_prefix: str | dict = '',
        ann_file: str = '',
        **kwargs,
    ) -> None:
        check_whole('input_size', input_size, 1)
        self.input_size = input_size
        if isinstance(data_prefix, str):
            data_prefix = dict(img_path=data_prefix)
        if set(data_prefix) != {'img_path'}:
            raise InputError(
                f'data_prefix={data_prefix} of ImageFolder: give the folder with the '
                "class folders, as data_prefix='train'"
            )
        if not data_root and not data_prefix['img_path']:
            raise InputError(
                'ImageFolder has no folder: give data_root, data_prefix or both'
            )
        super().__init__(
            ann_file=ann_file, data_root=data_root, data_prefix=data_prefix, **kwargs
        )

    @property
    def source(self) -> str:
        """The list or folder of the samples, for messages."""
        return self.ann_file or self.data_prefix['img_path']

    def load_data_list(self) -> list[dict]:
        """List the images.

        Returns:
            One dict an image: ``img_path``, ``gt_label`` and ``input_size``.
        """
        root = self.data_prefix['img_path']
        if self.ann_file:
            pairs = read_list(self.ann_file)
            classes = classes_of(pairs, self.ann_file)
            self._check_folders(classes)
        else:
            tree = scan_tree(root)
            classes = tuple(tree.images)
            pairs = [
                (path, label)
                for label, paths in enumerate(tree.images.values())
                for path in paths
            ]
            if tree.ignored:
                print_log(
                    f'{root}: {len(tree.ignored)} files that are no images left out, '
                    f'such as {tree.ignored[0]}',
                    logger='current',
                )
        labels = self._labels(classes)
        pairs = [(path, labels[label]) for path, label in pairs if label in labels]
        if self.test_mode:
            pairs = self._usable(pairs)
        print_log(
            f'{self.source}: {len(pairs)} images of {len(labels)} classes',
            logger='current',
        )
        return [
            {
                'img_path': os.path.join(root, path),
                'gt_label': label,
                'input_size': self.input_size,
            }
            for path, label in pairs
        ]

    def stand_in_size(self, info: dict) -> tuple[int, int]:
        """Height and width of the grey image that stands in for a sample."""
        return self.input_size, self.input_size

    def _check_folders(self, classes: tuple[str, ...]) -> None:
        """Refuse a list that is not of this folder, before images are read."""
        root = self.data_prefix['img_path']
        missing = [c for c in classes if not os.path.isdir(os.path.join(root, c))]
        if missing:
            raise InputError(
                f'{root} lacks class folders that {self.ann_file} names: '
                f'{some(missing)}: give the folder of its images as data_prefix'
            )

    def _labels(self, found: tuple[str, ...]) -> dict[int, int]:
        """The label of each class that was found, by its position among those."""
        places = {name: place for place, name in enumerate(found)}
        wanted = tuple(self._metainfo.get('classes', found))
        unknown = [name for name in wanted if name not in places]
        if unknown or len(set(wanted)) < len(wanted):
            raise InputError(
                f'{self.source}: the classes of metainfo are not its folders: '
                f'{some(unknown or wanted)}: name each folder once, or leave metainfo '
                'out'
            )
        left = sorted(places.keys() - wanted, key=places.get)
        if left:
            print_log(
                f'{self.source}: {len(left)} class folders left out, as metainfo does '
                f'not name them: {some(left)}',
                logger='current',
            )
        self._metainfo['classes'] = wanted
        return {places[name]: label for label, name in enumerate(wanted)}

    def _usable(self, pairs: list[tuple[str, int]]) -> list[tuple[str, int]]:
        """The images that can be read; logs those that cannot."""
        paths = [path for path, _ in pairs]
        bad = find_bad_files(self.data_prefix['img_path'], paths)
        usable = [pair for pair in pairs if pair[0] not in bad]
        self.num_skipped = len(pairs) - len(usable)
        for number, (path, reason) in enumerate(bad.items(), 1):
            print_log(
                f'{path} is skipped: {reason}; {number} of the {len(pairs)} images of '
                f'{self.source} so far',
                logger='current',
            )
        self.refuse_too_many(self.num_skipped, len(pairs))
        lost = {label for _, label in pairs} - {label for _, label in usable}
        if lost:
            names = [self._metainfo['classes'][label] for label in sorted(lost)]
            raise InputError(
                f'{self.source}: no image of a class can be used: {some(names)}: mend '
                'the files that the log names'
            )
        return usable
