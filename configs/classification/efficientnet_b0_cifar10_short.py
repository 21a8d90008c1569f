# The search of section 4.2 in miniature: EfficientNet-B0 at 64 px (32 MMACs), one pass
# over 25,000 images of CIFAR-10, so that a network takes minutes on one CPU core.
# AdamW and a cosine: RMSProp's staircase and averaged weights are for many epochs, as
# are dropout and a slow batch norm.
_base_ = [
    '../_base_/models/classifier.py',
    '../_base_/datasets/imagenet.py',
    '../_base_/schedules/adamw_cosine.py',
    '../_base_/classification_runtime.py',
]
model = dict(
    backbone=dict(type='ConvNet', arch='efficientnet_b0'),
    head=dict(num_classes=10, dropout=0.0),
    bn_momentum=None,
)
train_pipeline = [
    dict(type='LoadRandomCrop', area=(0.6, 1.0)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackInputs'),
]
loader = dict(batch_size=64, num_workers=1)
data = dict(data_root='data/', input_size=64)
train_dataloader = dict(
    dataset=dict(
        ann_file='cifar10_short/train.txt',
        data_prefix='cifar10/train',
        pipeline=train_pipeline,
        **data,
    ),
    **loader,
)
val_dataloader = dict(
    dataset=dict(ann_file='cifar10_short/val.txt', data_prefix='cifar10/test', **data),
    **loader,
)
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=1)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, end=0.1, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', convert_to_iter_based=True),
]
default_hooks = dict(checkpoint=dict(save_best=None), logger=dict(interval=100))
