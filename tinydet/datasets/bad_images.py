"""What a data set does when an image fails while a run goes on."""

import numpy as np
import torch

from tinydet.data.images import MAX_BAD_IMAGE_SHARE
from tinydet.errors import InputError
from tinydet.images import ImageReadError

_STAND_IN_GREY = 128


class ReplacesBadImages:
    """For data sets of MMEngine: an image that fails is recorded and replaced.

    In training another sample takes its place, in testing a grey image, so that every
    process goes through the same number of samples.

    Attributes:
        num_skipped: Number of images that were left out before the start.
        few_bad: So many unusable images never stop a run; more than 1% do otherwise.
    """

    num_skipped: int = 0
    few_bad: int = 0

    def full_init(self) -> None:
        """Load the list of samples, once."""
        if self._fully_initialized:
            return
        super().full_init()
        # In shared memory, so that what the loader's workers write is seen here.
        self._bad = torch.zeros(len(self), dtype=torch.uint8).share_memory_()

    @property
    def source(self) -> str:
        """Where the samples are listed, for messages."""
        return self.ann_file

    def stand_in_size(self, info: dict) -> tuple[int, int]:
        """Height and width of the grey image that stands in for a sample."""
        return info['height'], info['width']

    def prepare_data(self, idx: int) -> dict | None:
        """Run the pipeline on an image, or on what takes its place.

        Args:
            idx: Index of the image.

        Returns:
            The sample; None in training where the image failed, which makes the base
            class draw another.
        """
        try:
            return super().prepare_data(idx)
        except ImageReadError:
            self._bad[idx] = 1
        if not self.test_mode:
            return None
        info = self.get_data_info(idx)
        info['img'] = np.full((*self.stand_in_size(info), 3), _STAND_IN_GREY, np.uint8)
        return self.pipeline(info)

    def refuse_too_many(self, bad: int, total: int) -> None:
        """Refuse a data set with too many unusable images.

        Raises:
            InputError: More than ``few_bad`` and 1% of all cannot be used.
        """
        if bad > max(self.few_bad, MAX_BAD_IMAGE_SHARE * total):
            raise InputError(
                f'{bad} of the {total} images of {self.source} cannot be used, more '
                f'than {MAX_BAD_IMAGE_SHARE:.0%}: mend or remove the files that the '
                'log names'
            )

    def bad_indices(self) -> list[int]:
        """Indices of the images that passed the check but failed since.

        Returns:
            Ascending, from all workers of this process.
        """
        return self._bad.nonzero().flatten().tolist()
