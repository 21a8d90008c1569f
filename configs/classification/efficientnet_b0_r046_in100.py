# EfficientNet-B0 shrunk by r = 0.46 alone (Table 1) on ImageNet-100.
_base_ = '../_base_/efficientnet_in100.py'
model = dict(backbone=dict(type='TinyNet', w=1.0, d=1.0))
loader = dict(dataset=dict(input_size=103))
train_dataloader = val_dataloader = test_dataloader = loader
