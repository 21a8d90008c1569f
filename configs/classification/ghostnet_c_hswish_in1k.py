# "+ HSwish" in Table 6.
_base_ = 'ghostnet_c_in1k.py'
model = dict(backbone=dict(activation='hard_swish'))
