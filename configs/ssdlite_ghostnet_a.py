# With activation='hard_swish' it is the "+ HSwish" of the paper's Table 6.
_base_ = 'ssdlite_tinynet_d.py'
backbone = dict(type='ConvNet', arch='ghostnet_a')
model = dict(backbone=dict(_delete_=True, out_indices=('expand6', 7), **backbone))
