# EfficientNet-B^-2 (Table 3) on ImageNet-100.
_base_ = '../_base_/efficientnet_in100.py'
model = dict(backbone=dict(type='EfficientNetMinus', phi=2))
loader = dict(dataset=dict(input_size=160))
train_dataloader = val_dataloader = test_dataloader = loader
