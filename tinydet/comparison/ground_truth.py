"""What detectors are compared on."""

from collections.abc import Iterable

from tinydet.data.images import BadImage
from tinydet.errors import InputError, some


def leave_out(coco: dict, images: Iterable[BadImage]) -> dict:
    """COCO instances without some images and what is on them."""
    ids = {image.image_id for image in images}
    return {
        **coco,
        'images': [image for image in coco['images'] if image['id'] not in ids],
        'annotations': [
            annotation
            for annotation in coco['annotations']
            if annotation['image_id'] not in ids
        ],
    }


def check_objects(coco: dict, ann_file: str) -> None:
    """Refuse COCO instances on which nothing can be told apart.

    Raises:
        InputError: If there is no object in any image, or only crowds.
    """
    if all(annotation.get('iscrowd') for annotation in coco['annotations']):
        raise InputError(
            f'{ann_file} has no object in any image that can be read, or only crowds: '
            'give annotations of what is to be found, and the folder of their images'
        )


def check_ids(coco: dict, ann_file: str) -> None:
    """Refuse COCO instances whose ids have no order.

    Raises:
        InputError: If some ids of images or of categories are numbers, others strings.
    """
    for what in ('images', 'categories'):
        ids = [entry['id'] for entry in coco[what]]
        texts = [id_ for id_ in ids if isinstance(id_, str)]
        if 0 < len(texts) < len(ids):
            raise InputError(
                f'{ann_file}: {len(texts)} of {len(ids)} ids of {what} are strings '
                f'({some([repr(id_) for id_ in texts])}), others are numbers: write '
                'all of them as numbers, or all as strings'
            )


def class_names(coco: dict) -> list[str]:
    """Names of the categories in the order of their ids."""
    categories = sorted(coco['categories'], key=lambda category: category['id'])
    return [category['name'] for category in categories]
