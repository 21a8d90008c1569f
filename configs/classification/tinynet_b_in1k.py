# TinyNet-B (Table 3) on ImageNet.
_base_ = '../_base_/efficientnet_in1k.py'
model = dict(backbone=dict(type='TinyNet', variant='b'))
loader = dict(dataset=dict(input_size=188))
train_dataloader = val_dataloader = test_dataloader = loader
