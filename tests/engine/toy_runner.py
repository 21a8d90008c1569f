"""A detector that trains in milliseconds, run by MMEngine's own runner."""

from collections.abc import Sequence
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement, InstanceData
from torch.utils.data import DataLoader, Dataset

import tinydet.evaluation.coco  # noqa: F401  registers the metrics

CLASSES = ('disc', 'bar')
IMAGES = 6


class ToyDataset(Dataset):
    """Images of 160x120 pixels with one box each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for i in range(IMAGES):
            image = np.full((120, 160, 3), (200, 40 * i, 0), np.uint8)  # BGR
            cv2.imwrite(str(folder / f'{i}.png'), image)

    @property
    def metainfo(self) -> dict:
        return {
            'classes': CLASSES,
            'coco_gt': {
                'images': [{'id': i, 'file_name': f'{i}.png'} for i in range(IMAGES)],
                'categories': [{'id': 3, 'name': 'bar'}, {'id': 9, 'name': 'disc'}],
                'annotations': [
                    {
                        'id': i + 1,
                        'image_id': i,
                        'category_id': (9, 3)[i % 2],
                        'bbox': [10 + i, 20, 60, 50],
                    }
                    for i in range(IMAGES)
                ],
            },
        }

    def __len__(self) -> int:
        return IMAGES

    def __getitem__(self, i: int) -> dict:
        sample = BaseDataElement(
            metainfo={
                'img_id': i,
                'img_path': str(self.folder / f'{i}.png'),
                'ori_shape': (120, 160),
            }
        )
        box = torch.tensor([[10.0 + i, 20, 70 + i, 70]])
        sample.gt_instances = InstanceData(bboxes=box, labels=torch.tensor([i % 2]))
        return {'inputs': torch.ones(2), 'data_samples': sample}


class ToyModel(BaseModel):
    """Finds each box but for an error, in pixels, that training makes smaller."""

    def __init__(self) -> None:
        super().__init__()
        self.error = torch.nn.Parameter(torch.tensor(12.0))

    def forward(self, inputs, data_samples, mode='loss'):
        if mode == 'loss':
            return {'loss_cls': self.error**2 / 400, 'loss_bbox': self.error.abs() / 20}
        for sample in data_samples:
            truth = sample.gt_instances
            sample.pred_instances = InstanceData(
                bboxes=truth.bboxes + self.error.detach(),
                scores=torch.tensor([0.9]),
                labels=truth.labels,
            )
        return data_samples


_runs = count()


def make_runner(
    folder: Path,
    epochs: int = 2,
    hooks: Sequence = (),
    val_interval: int = 1,
    model: BaseModel | None = None,
    **settings,
) -> Runner:
    """Build a runner whose work directory is ``folder / 'work'``."""
    dataset = ToyDataset(folder)

    def collate(items: list[dict]) -> dict:
        return {key: [item[key] for item in items] for key in items[0]}

    val_loader = DataLoader(dataset, batch_size=4, collate_fn=collate)
    return Runner(
        model=model or ToyModel(),
        work_dir=str(folder / 'work'),
        train_dataloader=DataLoader(dataset, batch_size=2, collate_fn=collate),
        train_cfg={
            'by_epoch': True,
            'max_epochs': epochs,
            'val_interval': val_interval,
        },
        optim_wrapper={'optimizer': {'type': 'AdamW', 'lr': 1.5}},
        param_scheduler={'type': 'LinearLR', 'start_factor': 0.5, 'end': 8},
        val_dataloader=val_loader,
        val_evaluator={'type': 'HotCocoMetric'},
        val_cfg={},
        test_dataloader=val_loader,
        test_evaluator={'type': 'HotCocoMetric'},
        test_cfg={},
        default_hooks={
            'logger': {'type': 'LoggerHook', 'interval': 1},
            'checkpoint': None,
        },
        custom_hooks=list(hooks),
        default_scope='mmengine',
        experiment_name=f'{folder.name}_{next(_runs)}',
        randomness={'seed': 0},
        **settings,
    )
