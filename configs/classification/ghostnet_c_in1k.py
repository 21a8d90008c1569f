# GhostNet-C (Table 6) on ImageNet.
_base_ = '../_base_/efficientnet_in1k.py'
model = dict(backbone=dict(type='ConvNet', arch='ghostnet_c'))
loader = dict(dataset=dict(input_size=196))
train_dataloader = val_dataloader = test_dataloader = loader
