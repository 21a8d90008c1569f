# ResNet-50 shrunk by EfficientNet's rule, 3.7 GFLOPs (Table 2).
_base_ = 'ssdlite_tinynet_d.py'
backbone = dict(type='ConvNet', arch='resnet50_giant_a')
model = dict(backbone=dict(_delete_=True, out_indices=(2, 3), **backbone))
