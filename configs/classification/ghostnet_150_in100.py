# GhostNet 1.5x, the original (Table 6) on ImageNet-100.
_base_ = '../_base_/efficientnet_in100.py'
model = dict(backbone=dict(type='ConvNet', arch='ghostnet_100', w=1.5))
loader = dict(dataset=dict(input_size=224))
train_dataloader = val_dataloader = test_dataloader = loader
