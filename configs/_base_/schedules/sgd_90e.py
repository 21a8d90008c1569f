# How the paper trains ResNets (section 4.1), in which all parameters are decayed.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=90, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.4, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = dict(type='StepLR', step_size=30, gamma=0.1)
# lr is for 1024 images; a smaller batch over all processes has a smaller one.
auto_scale_lr = dict(base_batch_size=1024, enable=True)
