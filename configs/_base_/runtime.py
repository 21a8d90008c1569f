default_scope = 'mmdet'
custom_imports = dict(
    imports=[
        'tinydet.datasets',
        'tinydet.engine',
        'tinydet.evaluation',
        'tinydet.models',
    ]
)
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=20),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='AtomicCheckpointHook', save_best='coco/bbox_mAP'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
)
custom_hooks = [
    dict(type='BadImageHook'),
    dict(type='ResultsHook'),
    dict(type='MosaicHook'),
    dict(type='ProgressHook'),
]
randomness = dict(seed=0)
env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)
log_level = 'INFO'
load_from = None
resume = False
