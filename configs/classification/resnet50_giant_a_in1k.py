# ResNet-50 shrunk by the rule of EfficientNet to 3.7 GMACs (Table 2) on ImageNet.
_base_ = '../_base_/resnet_in1k.py'
model = dict(backbone=dict(type='ConvNet', arch='resnet50_giant_a'))
loader = dict(dataset=dict(input_size=216))
train_dataloader = val_dataloader = test_dataloader = loader
