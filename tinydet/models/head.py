"""The prediction layers of SSDLite."""

from collections.abc import Sequence

import torch
from mmdet.models.dense_heads import SSDHead
from mmengine.config import ConfigDict
from mmengine.registry import MODELS
from mmengine.structures import InstanceData
from torch import Tensor
from torchvision.ops import batched_nms


@MODELS.register_module()
class SSDLiteHead(SSDHead):
    """Depthwise-separable class and box predictions on every level.

    Training matches default boxes as SSD does, mines three negatives a positive and
    adds cross entropy over classes and background to smooth L1 over box offsets (Liu et
    al., SSD, sections 2.2 and 2.3). Prediction suppresses per class with torchvision,
    on CPU and GPU alike.

    Args:
        num_classes: Number of classes without the background.
        in_channels: Channels of each level.
        anchor_generator: Config of the default boxes.
        train_cfg: Assigner, ``neg_pos_ratio`` and ``smoothl1_beta``.
        test_cfg: ``score_thr``, ``nms_pre`` boxes a level, ``nms.iou_threshold`` and
            ``max_per_img``.
    """

    # mmdet's prediction asks the head for its classification loss since 3.2, which its
    # SSDHead does not have; the attribute is only searched for a custom activation.
    loss_cls = None

    def __init__(
        self,
        num_classes: int,
        in_channels: Sequence[int],
        anchor_generator: dict,
        train_cfg: ConfigDict | None = None,
        test_cfg: ConfigDict | None = None,
    ) -> None:
        super().__init__(
            num_classes=num_classes,
            in_channels=in_channels,
            use_depthwise=True,
            norm_cfg=dict(type='BN'),
            act_cfg=dict(type='ReLU6'),
            anchor_generator=anchor_generator,
            # The variances of SSD: centres in tenths, sides in fifths (log scale).
            bbox_coder=dict(
                type='mmdet.DeltaXYWHBBoxCoder', target_stds=(0.1, 0.1, 0.2, 0.2)
            ),
            train_cfg=train_cfg,
            test_cfg=test_cfg,
            init_cfg=dict(type='Normal', layer='Conv2d', std=0.03),
        )

    def forward(self, x: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Predict on every level.

        Args:
            x: (N, C, H, W) features, one a level.

        Returns:
            Class scores before the softmax, (N, 6 * (classes + 1), H, W) a level with
            the background last, and box offsets, (N, 6 * 4, H, W) a level; both in
            float32, since half precision cannot hold pixels of a large input.
        """
        cls_scores, bbox_preds = super().forward(x)
        return [s.float() for s in cls_scores], [b.float() for b in bbox_preds]

    def _bbox_post_process(
        self,
        results: InstanceData,
        cfg: ConfigDict,
        rescale: bool = False,
        with_nms: bool = True,
        img_meta: dict | None = None,
    ) -> InstanceData:
        """Suppress per class with torchvision and scale to the image's own pixels."""
        if with_nms:
            # Torchvision moves the boxes of each class far away from the others', which
            # would round their overlaps in float32. Apple's GPUs have no float64.
            device = 'cpu' if results.bboxes.is_mps else results.bboxes.device
            keep = batched_nms(
                results.bboxes.to(device, torch.float64),
                results.scores.to(device, torch.float64),
                results.labels.to(device),
                cfg.nms.iou_threshold,
            )
            results = results[keep[: cfg.max_per_img].to(results.bboxes.device)]
        if rescale:
            scale = results.bboxes.new_tensor(img_meta['scale_factor']).repeat(2)
            results.bboxes = results.bboxes / scale
        return results
