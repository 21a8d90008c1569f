# The original GhostNet.
_base_ = 'ssdlite_tinynet_d.py'
backbone = dict(type='ConvNet', arch='ghostnet_100', w=1.5)
model = dict(backbone=dict(_delete_=True, out_indices=('expand10', 15), **backbone))
