# TinyNet-B (Table 3) on ImageNet-100.
_base_ = '../_base_/efficientnet_in100.py'
model = dict(backbone=dict(type='TinyNet', variant='b'))
loader = dict(dataset=dict(input_size=188))
train_dataloader = val_dataloader = test_dataloader = loader
