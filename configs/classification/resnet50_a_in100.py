# ResNet-50-A (Table 2) on ImageNet-100.
_base_ = '../_base_/resnet_in100.py'
model = dict(backbone=dict(type='ConvNet', arch='resnet50_a'))
loader = dict(dataset=dict(input_size=192))
train_dataloader = val_dataloader = test_dataloader = loader
