# ResNet-50 shrunk by the rule of EfficientNet to 1.8 GMACs (Table 2) on ImageNet-100.
_base_ = '../_base_/resnet_in100.py'
model = dict(backbone=dict(type='ConvNet', arch='resnet50_giant_b'))
loader = dict(dataset=dict(input_size=184))
train_dataloader = val_dataloader = test_dataloader = loader
