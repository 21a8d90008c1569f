# COCO 2017 detection in its usual layout; other data sets override data_root, ann_file,
# data_prefix and metainfo. Classes default to those of the annotation file.
input_size = (512, 512)

# The augmentation of SSD (section 2.2 of its paper), for long schedules.
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='YOLOXHSVRandomAug'),
    dict(type='Expand', mean=[123.675, 116.28, 103.53], to_rgb=True, prob=0.5),
    dict(
        type='MinIoURandomCrop', min_ious=(0.1, 0.3, 0.5, 0.7, 0.9), min_crop_size=0.3
    ),
    dict(type='Resize', scale=input_size, keep_ratio=False),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
# Objects at the size that they have in the test, for short schedules.
short_train_pipeline = [
    step
    for step in train_pipeline
    if step['type'] not in ('Expand', 'MinIoURandomCrop')
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='Resize', scale=input_size, keep_ratio=False),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]
train_dataloader = dict(
    batch_size=8,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    # Batch norm on the last 1x1 map cannot train on a remainder of one image.
    drop_last=True,
    dataset=dict(
        type='CocoDetection',
        data_root='data/coco/',
        ann_file='annotations/instances_train2017.json',
        data_prefix=dict(img='train2017/'),
        filter_cfg=dict(filter_empty_gt=True, min_size=32),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CocoDetection',
        data_root='data/coco/',
        ann_file='annotations/instances_val2017.json',
        data_prefix=dict(img='val2017/'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
# By hotcoco; `CocoBoxMetric` gives equal figures by pycocotools, 100 times slower.
val_evaluator = dict(type='HotCocoMetric')
test_evaluator = val_evaluator
