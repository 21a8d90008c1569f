# ImageNet, or any other tree of class folders: a config overrides the folders, and says
# the input_size of its network, 224 times r.

# Random crop, flip and colour jitter (section 4.1).
train_pipeline = [
    dict(type='LoadRandomCrop'),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, backend='cv2'
    ),
    dict(type='PackInputs'),
]
# The variant "+ RA" (section 4.3): RandAugment instead of the colour jitter, with
# magnitude 9 and a standard deviation of 0.5.
ra_train_pipeline = [
    dict(type='LoadRandomCrop'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='TimmRandAugment', policy='rand-m9-mstd0.5'),
    dict(type='PackInputs'),
]
test_pipeline = [dict(type='LoadCenterCrop'), dict(type='PackInputs')]
train_dataloader = dict(
    # 1024 on eight GPUs (section 4.1); the learning rate follows the real batch.
    batch_size=128,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    # Workers stack the images, which leaves the process that trains to train.
    collate_fn=dict(type='default_collate'),
    # A remainder would weigh more, and one of a single image stops a batch norm.
    drop_last=True,
    dataset=dict(
        type='ImageFolder',
        data_root='data/imagenet/',
        data_prefix='train',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=128,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='ImageFolder',
        data_root='data/imagenet/',
        data_prefix='val',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='ClassificationMetric')
test_evaluator = val_evaluator
