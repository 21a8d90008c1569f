# EfficientNet-B^-3 (Table 3) on ImageNet-100.
_base_ = '../_base_/efficientnet_in100.py'
model = dict(backbone=dict(type='EfficientNetMinus', phi=3))
loader = dict(dataset=dict(input_size=136))
train_dataloader = val_dataloader = test_dataloader = loader
