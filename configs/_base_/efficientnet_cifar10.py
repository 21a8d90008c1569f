# CIFAR-10 in the recipe of ImageNet, shortened from 450 epochs to 4: each step of the
# staircase as short in proportion, the average of the weights over the same share of
# the run. Half an epoch of warm-up, since 3 of 450 epochs would be 21 iterations. Crops
# of a third of the image and more, since 8% of 32x32 pixels are 9x9.
_base_ = 'efficientnet_in1k.py'
epochs, batch_size, images = 4, 64, 50_000
model = dict(head=dict(num_classes=10))
loader = dict(batch_size=batch_size, num_workers=2)
data = dict(data_root='data/cifar10/')
train_pipeline = _base_.train_pipeline
train_pipeline[0]['area'] = (0.35, 1.0)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, **data), **loader)
val_dataloader = dict(dataset=dict(data_prefix='test', **data), **loader)
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=epochs)
param_scheduler = dict(step=2.4 * epochs / 450, warmup=0.5)
# 0.9999 a step is for 450 epochs of 1251 steps.
decay = 1 - 1e-4 * (450 * 1251) / (epochs * (images // batch_size))
default_hooks = dict(ema=dict(decay=decay), logger=dict(interval=100))
