"""Detection data sets in COCO format."""

import os
from collections import defaultdict

from mmdet.datasets import CocoDataset
from mmengine.logging import print_log
from mmengine.registry import DATASETS

from tinydet.data.check import check_coco, clean_coco
from tinydet.datasets.bad_images import ReplacesBadImages
from tinydet.errors import InputError


@DATASETS.register_module()
class CocoDetection(ReplacesBadImages, CocoDataset):
    """A COCO data set that is checked and cleaned before use.

    Takes mmdet's ``CocoDataset`` arguments. It differs in four ways:

    * Annotations and images go through :func:`tinydet.data.check.check_coco`.
    * The labels follow the order of ``metainfo['classes']``, not that of the file;
      without ``classes``, all categories of the file count, in its order.
    * An image that fails later is recorded and replaced, see
      :class:`~tinydet.datasets.bad_images.ReplacesBadImages`.
    * Annotations marked ``ignore`` are handed on to be ignored, like crowds; masks are
      not kept.

    In test mode the meta information tells the metric what to score against:
    ``ann_file``, and ``coco_gt``, the cleaned ground truth, where the two differ. In
    training it does not, because checkpoints store it.

    Attributes:
        num_skipped: Number of images that the check found unusable.

    Raises:
        InputError: The data set cannot be used.
    """

    METAINFO: dict = {}

    def load_data_list(self) -> list[dict]:
        """Check and clean the annotation file.

        Returns:
            One dict an image: ``img_path``, ``img_id``, ``height``, ``width`` and
            ``instances``, each with ``bbox`` (xyxy, pixels of the image),
            ``bbox_label`` and ``ignore_flag``.
        """
        report = check_coco(
            self.ann_file, self.data_prefix['img'], self._metainfo.get('classes')
        )
        print_log(report.summary(), logger='current')
        self.num_skipped = len(report.bad_images)
        self._metainfo['classes'] = report.classes
        if self.test_mode:
            self._metainfo['ann_file'] = self.ann_file
            if report.bad_images or report.zero_area:
                self._metainfo['coco_gt'] = clean_coco(report)

        coco = clean_coco(report, training=True)
        ids = {category['name']: category['id'] for category in coco['categories']}
        self.cat_ids = [ids[name] for name in report.classes]
        self.cat2label = {cat_id: i for i, cat_id in enumerate(self.cat_ids)}
        # The parent's filter looks up here which images have boxes.
        self.cat_img_map = defaultdict(list)
        instances = defaultdict(list)
        for annotation in coco['annotations']:
            image_id, category_id = annotation['image_id'], annotation['category_id']
            if category_id not in self.cat2label:
                continue
            self.cat_img_map[category_id].append(image_id)
            x, y, w, h = annotation['bbox']
            ignored = annotation.get('iscrowd') or annotation.get('ignore')
            instances[image_id].append(
                {
                    'bbox': [x, y, x + w, y + h],
                    'bbox_label': self.cat2label[category_id],
                    'ignore_flag': int(bool(ignored)),
                }
            )
        return [
            {
                'img_path': os.path.join(self.data_prefix['img'], image['file_name']),
                'img_id': image['id'],
                'height': image['height'],
                'width': image['width'],
                'instances': instances[image['id']],
            }
            for image in coco['images']
        ]

    def filter_data(self) -> list[dict]:
        """Apply ``filter_cfg`` in training, as mmdet does, and log what it leaves out.

        Returns:
            The images that remain.

        Raises:
            InputError: None remain.
        """
        kept = super().filter_data()
        if len(kept) < len(self.data_list):
            print_log(
                f'{self.ann_file}: {len(self.data_list) - len(kept)} of '
                f'{len(self.data_list)} images left out by {self.filter_cfg}',
                logger='current',
            )
        if not kept:
            raise InputError(
                f'{self.ann_file}: {self.filter_cfg} leaves no image to train on; it '
                f'needs boxes of {", ".join(self._metainfo["classes"])}'
            )
        return kept
