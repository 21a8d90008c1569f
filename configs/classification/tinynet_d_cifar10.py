# At 57 px: the 152 of Table 3 with 84 in place of 224. There it costs 8.1 MMACs, and
# EfficientNet-B^-3 at its 136 * 84 / 224 = 51 costs 8.2.
_base_ = '../_base_/efficientnet_cifar10.py'
model = dict(backbone=dict(type='TinyNet', variant='d'))
loader = dict(dataset=dict(input_size=57))
train_dataloader = val_dataloader = test_dataloader = loader
