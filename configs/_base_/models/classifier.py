# Any backbone as a classifier; configs add it. The settings are those of the
# EfficientNets in the paper (section 4.1): dropout before the last layer, and batch
# norms whose momentum of 0.99 is 0.01 in PyTorch's terms.
model = dict(
    type='Classifier',
    head=dict(num_classes=1000, dropout=0.2),
    bn_momentum=0.01,
    data_preprocessor=dict(
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True
    ),
)
