"""Classification data sets: a folder for each class, or a list."""

import os
from collections import Counter

from mmengine.dataset import BaseDataset
from mmengine.logging import print_log
from mmengine.registry import DATASETS

from tinydet.checks import check_whole
from tinydet.data.folders import classes_of, read_list, scan_tree, some
from tinydet.data.images import find_bad_files
from tinydet.datasets.bad_images import ReplacesBadImages
from tinydet.errors import InputError


@DATASETS.register_module()
class ImageFolder(ReplacesBadImages, BaseDataset):
    """Images in class folders, as ImageNet is kept and torchvision and timm read it.

    Labels follow the sorted names of the folders, or ``metainfo['classes']``. In test
    mode the files are checked first, and those that cannot be used left out; in
    training an image is found unusable when its turn comes, see
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
            or classes that are not those of ``metainfo``.
    """

    # An unusable image is one sample less, but at so many the disk is to blame.
    max_bad_share = 0.5

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
        if self.test_mode:
            pairs = self._usable(pairs)
        print_log(
            f'{self.source}: {len(pairs)} images of {len(classes)} classes',
            logger='current',
        )
        return [
            {
                'img_path': os.path.join(root, path),
                'gt_label': labels[label],
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

    def _labels(self, found: tuple[str, ...]) -> list[int]:
        """The label of each class that was found, and the names of the labels."""
        wanted = tuple(self._metainfo.get('classes', found))
        if sorted(wanted) != sorted(found):
            # counted, since a name may be twice in metainfo
            here, there = Counter(found), Counter(wanted)
            differ = sorted((here - there) + (there - here))
            raise InputError(
                f'{self.source}: its classes are not those of metainfo; '
                f'{some(differ)}: name each of its folders once in metainfo, or leave '
                'metainfo out'
            )
        self._metainfo['classes'] = wanted
        return [wanted.index(name) for name in found]

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
        if self.num_skipped > self.max_bad_share * len(pairs):
            raise InputError(
                f'{self.num_skipped} of the {len(pairs)} images of {self.source} '
                f'cannot be used, more than {self.max_bad_share:.0%}: mend or remove '
                'the files that the log names'
            )
        return usable
