# The comparison of the paper's Table 5.
_base_ = 'ssdlite_tinynet_d.py'
backbone = dict(type='EfficientNetMinus', phi=3)
model = dict(backbone=dict(_delete_=True, out_indices=('expand5', 7), **backbone))
