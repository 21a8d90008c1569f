_base_ = 'ssdlite_tinynet_d.py'
backbone = dict(type='ConvNet', arch='resnet50')
model = dict(backbone=dict(_delete_=True, out_indices=(2, 3), **backbone))
