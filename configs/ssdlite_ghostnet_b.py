_base_ = 'ssdlite_tinynet_d.py'
backbone = dict(type='ConvNet', arch='ghostnet_b')
model = dict(backbone=dict(_delete_=True, out_indices=('expand6', 7), **backbone))
