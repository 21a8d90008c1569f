_base_ = 'runtime.py'
default_scope = 'mmpretrain'
default_hooks = dict(
    logger=dict(interval=50),
    checkpoint=dict(save_best='accuracy/top1'),
    # Every process goes on with the same statistics of batch norms.
    sync_buffers=dict(type='SyncBuffersHook'),
)
custom_hooks = [
    dict(type='BadImageHook'),
    dict(type='ResultsHook', best='top1'),
    dict(type='ProgressHook'),
]
