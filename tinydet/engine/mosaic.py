"""A picture of what the model finds in the evaluation images."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from torch.utils.data import DataLoader

from tinydet.files import replacing
from tinydet.images import ImageReadError, read_image
from tinydet.viz.mosaic import Tile, draw_mosaic


@HOOKS.register_module()
class MosaicHook(Hook):
    """Writes ``mosaic.jpg``: evaluation images with true and predicted boxes.

    The images are spread evenly over the set and are the same in each evaluation. The
    true boxes are ``gt_instances`` in pixels of the original image, which they are
    where ``LoadAnnotations`` stands after ``Resize`` in the pipeline.

    Args:
        images: How many images.
        min_score: Predictions with a lower score are left out.
    """

    def __init__(self, images: int = 16, min_score: float = 0.3) -> None:
        self.images = images
        self.min_score = min_score
        self.tiles: list[Tile] = []
        self.wanted: set[int] = set()
        self.seen = 0

    def before_val_epoch(self, runner: Runner) -> None:
        """Choose the images."""
        self._choose(runner.val_dataloader)

    def before_test_epoch(self, runner: Runner) -> None:
        """Choose the images."""
        self._choose(runner.test_dataloader)

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[BaseDataElement] | None = None,
    ) -> None:
        """Keep those of the batch that were chosen."""
        self._keep(outputs)

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[BaseDataElement] | None = None,
    ) -> None:
        """Keep those of the batch that were chosen."""
        self._keep(outputs)

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Write the picture."""
        self._write(runner, runner.val_dataloader)

    def after_test_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Write the picture."""
        self._write(runner, runner.test_dataloader)

    def _choose(self, loader: DataLoader) -> None:
        share = len(loader.dataset) // get_world_size()
        chosen = np.linspace(0, share - 1, min(self.images, share)).round()
        self.wanted = set(chosen.astype(int).tolist()) if is_main_process() else set()
        self.tiles = []
        self.seen = 0

    def _keep(self, samples: Sequence[BaseDataElement]) -> None:
        for sample in samples:
            if self.seen in self.wanted:
                # an image that cannot be read is left out: the data set reports it
                with suppress(ImageReadError):
                    self.tiles.append(_tile(sample, self.min_score))
            self.seen += 1

    def _write(self, runner: Runner, loader: DataLoader) -> None:
        if not self.tiles:
            return
        picture = draw_mosaic(self.tiles, loader.dataset.metainfo['classes'])
        with replacing(Path(runner.work_dir) / 'mosaic.jpg') as partial:
            picture.save(partial, quality=90)


def _tile(sample: BaseDataElement, min_score: float) -> Tile:
    image = read_image(sample.img_path, *sample.ori_shape)
    true = sample.gt_instances.cpu().numpy()
    found = sample.pred_instances.cpu().numpy()
    found = found[found.scores >= min_score]
    annotated = 'bboxes' in true
    return Tile(
        np.ascontiguousarray(image[:, :, ::-1]),
        true.bboxes if annotated else np.zeros((0, 4)),
        true.labels if annotated else np.zeros(0, int),
        found.bboxes,
        found.labels,
        found.scores,
    )
