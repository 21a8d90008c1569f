# How the paper trains EfficientNets, TinyNets and GhostNets (section 4.1). Norms and
# biases are not decayed: the paper does not say, and its networks were published for
# timm, whose optimizers leave both out (TensorFlow's EfficientNet leaves out the norms
# alone). Neither label smoothing nor stochastic depth: the paper names none.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=450, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(
        type='RMSpropTF',
        lr=0.048,
        alpha=0.9,
        momentum=0.9,
        eps=1e-3,
        weight_decay=1e-5,
    ),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
param_scheduler = dict(
    type='StaircaseLR', step=2.4, gamma=0.97, warmup=3, convert_to_iter_based=True
)
# lr is for 1024 images; a smaller batch over all processes has a smaller one.
auto_scale_lr = dict(base_batch_size=1024, enable=True)
