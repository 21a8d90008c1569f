# Of the same settings, 100 epochs (section 4.2).
_base_ = [
    'models/classifier.py',
    'datasets/imagenet100.py',
    'schedules/rmsprop_450e.py',
    'classification_runtime.py',
]
model = dict(head=dict(num_classes=100))
train_cfg = dict(max_epochs=100)
default_hooks = dict(ema=dict(type='AveragedWeightsHook', decay=0.9999))
