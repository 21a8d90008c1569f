# SSDLite (MobileNetV2, section 6.2) at 512: two backbone features of stride 16 and 32,
# four extra layers, six default boxes a location. Configs add the backbone.
model = dict(
    type='SSDLite',
    data_preprocessor=dict(
        type='DetDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
    ),
    neck=dict(type='SSDLiteNeck'),
    bbox_head=dict(
        type='SSDLiteHead',
        num_classes=80,
        anchor_generator=dict(type='SSDLiteAnchorGenerator', input_size=512),
    ),
    train_cfg=dict(
        assigner=dict(
            type='MaxIoUAssigner',
            pos_iou_thr=0.5,
            neg_iou_thr=0.5,
            min_pos_iou=0.0,
            # Default boxes half inside a crowd are neither object nor background.
            ignore_iof_thr=0.5,
            gt_max_assign_all=False,
            iou_calculator=dict(type='TieBreakingOverlaps'),
        ),
        neg_pos_ratio=3,
        smoothl1_beta=1.0,
        allowed_border=-1,
        pos_weight=-1,
    ),
    test_cfg=dict(
        score_thr=0.02,
        nms_pre=1000,
        nms=dict(type='nms', iou_threshold=0.45),
        max_per_img=200,
    ),
)
