_base_ = [
    'models/classifier.py',
    'datasets/imagenet100.py',
    'schedules/sgd_90e.py',
    'classification_runtime.py',
]
model = dict(head=dict(num_classes=100, dropout=0.0), bn_momentum=None)
