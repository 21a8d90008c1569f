# ResNet-18 (Table 2) on ImageNet-100.
_base_ = '../_base_/resnet_in100.py'
model = dict(backbone=dict(type='mmdet.ResNet', depth=18, norm_eval=False))
loader = dict(dataset=dict(input_size=224))
train_dataloader = val_dataloader = test_dataloader = loader
