_base_ = 'ssdlite_tinynet_d.py'
backbone = dict(type='EfficientNetMinus', phi=4)
model = dict(backbone=dict(_delete_=True, out_indices=('expand5', 7), **backbone))
