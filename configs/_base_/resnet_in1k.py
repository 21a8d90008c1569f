_base_ = [
    'models/classifier.py',
    'datasets/imagenet.py',
    'schedules/sgd_90e.py',
    'classification_runtime.py',
]
model = dict(head=dict(dropout=0.0), bn_momentum=None)
