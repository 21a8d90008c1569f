# TinyNet-A (Table 3) on ImageNet.
_base_ = '../_base_/efficientnet_in1k.py'
model = dict(backbone=dict(type='TinyNet', variant='a'))
loader = dict(dataset=dict(input_size=192))
train_dataloader = val_dataloader = test_dataloader = loader
