# ResNet-50, the baseline (Table 2) on ImageNet.
_base_ = '../_base_/resnet_in1k.py'
model = dict(backbone=dict(type='ConvNet', arch='resnet50'))
loader = dict(dataset=dict(input_size=224))
train_dataloader = val_dataloader = test_dataloader = loader
