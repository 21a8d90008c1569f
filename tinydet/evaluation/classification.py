"""Figures of a classifier: accuracies, loss, and each class's accuracy."""

from collections.abc import Sequence

import torch
from mmengine.evaluator import BaseMetric
from mmengine.registry import METRICS


@METRICS.register_module()
class ClassificationMetric(BaseMetric):
    """Top-1 and top-5 accuracy in percent, and the mean cross-entropy.

    Figures: ``accuracy/top1``, ``accuracy/top5`` (only with more than five classes) and
    ``accuracy/val_loss``. Keeps numbers instead of the scores of all classes, which
    for ImageNet's 50,000 images would be 200 MB to gather from every process.

    Attributes:
        per_class: ``images`` and ``top1`` (percent; None without images) by class name.
        predictions: For every image its ``image`` (path), ``class`` and ``score``.
    """

    default_prefix = 'accuracy'

    def __init__(
        self,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        self.per_class: dict[str, dict[str, float | None]] = {}
        self.predictions: list[dict] = []

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Rank the true class of every image.

        Args:
            data_batch: Not used.
            data_samples: With ``pred_score`` (C,), the probability of every class, and
                ``gt_label`` (1,).
        """
        scores = torch.stack([sample['pred_score'] for sample in data_samples]).cpu()
        labels = torch.cat([sample['gt_label'] for sample in data_samples]).cpu()
        true = scores.gather(1, labels[:, None])
        best = scores.max(1)
        # Of equal scores the first class wins, as in argmax. Scores that are no number,
        # from a net that has diverged, make a miss.
        before = torch.arange(scores.shape[1]) < labels[:, None]
        ranks = (~(scores < true) & (before | (scores != true))).sum(1)
        tiny = torch.finfo(scores.dtype).tiny
        losses = -true[:, 0].clamp(min=tiny).log()
        self.results += [
            {
                'image': sample.get('img_path'),
                'label': label,
                'rank': rank,
                'loss': loss,
                'found': found,
                'score': score,
            }
            for sample, label, rank, loss, found, score in zip(
                data_samples,
                labels.tolist(),
                ranks.tolist(),
                losses.tolist(),
                best.indices.tolist(),
                best.values.tolist(),
                strict=True,
            )
        ]

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Sum up the images of all processes."""
        names = self.dataset_meta['classes']
        labels = torch.tensor([result['label'] for result in results])
        ranks = torch.tensor([result['rank'] for result in results])
        losses = torch.tensor([result['loss'] for result in results]).double()
        self.predictions = [
            {
                'image': result['image'],
                'class': names[result['found']],
                'score': result['score'],
            }
            for result in results
        ]
        self.per_class = {
            name: {
                'images': int(own.sum()),
                'top1': _share(ranks[own] < 1) if own.any() else None,
            }
            for name, own in ((n, labels == i) for i, n in enumerate(names))
        }
        top = (1, 5) if len(names) > 5 else (1,)
        figures = {f'top{k}': _share(ranks < k) for k in top}
        return {**figures, 'val_loss': losses.mean().item()}


def _share(hits: torch.Tensor) -> float:
    """In percent."""
    return 100 * hits.double().mean().item()
