# TinyNet-E (Table 3) on ImageNet-100.
_base_ = '../_base_/efficientnet_in100.py'
model = dict(backbone=dict(type='TinyNet', variant='e'))
loader = dict(dataset=dict(input_size=106))
train_dataloader = val_dataloader = test_dataloader = loader
