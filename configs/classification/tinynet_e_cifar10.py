# At 43 px: the 106 of Table 3 with 90 in place of 224. There it costs 4.8 MMACs, and
# EfficientNet-B^-4 at its 112 * 90 / 224 = 45 costs 4.7.
_base_ = '../_base_/efficientnet_cifar10.py'
model = dict(backbone=dict(type='TinyNet', variant='e'))
loader = dict(dataset=dict(input_size=43))
train_dataloader = val_dataloader = test_dataloader = loader
