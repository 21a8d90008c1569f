# EfficientNet-B0 shrunk by w = 0.38 alone (Table 1) on ImageNet-100.
_base_ = '../_base_/efficientnet_in100.py'
model = dict(backbone=dict(type='TinyNet', w=0.38, d=1.0))
loader = dict(dataset=dict(input_size=224))
train_dataloader = val_dataloader = test_dataloader = loader
