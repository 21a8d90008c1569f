# GhostNet-C (Table 6) on ImageNet-100.
_base_ = '../_base_/efficientnet_in100.py'
model = dict(backbone=dict(type='ConvNet', arch='ghostnet_c'))
loader = dict(dataset=dict(input_size=196))
train_dataloader = val_dataloader = test_dataloader = loader
