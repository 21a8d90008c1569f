_base_ = [
    'models/classifier.py',
    'datasets/imagenet.py',
    'schedules/rmsprop_450e.py',
    'classification_runtime.py',
]
default_hooks = dict(ema=dict(type='AveragedWeightsHook', decay=0.9999))
