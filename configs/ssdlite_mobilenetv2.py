# The original SSDLite backbone, as the baseline (MobileNetV2, section 6.2).
_base_ = 'ssdlite_tinynet_d.py'
backbone = dict(type='ConvNet', arch='mobilenet_v2')
model = dict(backbone=dict(_delete_=True, out_indices=('expand5', 7), **backbone))
