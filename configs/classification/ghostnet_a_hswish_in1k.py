# "+ HSwish" in Table 6.
_base_ = 'ghostnet_a_in1k.py'
model = dict(backbone=dict(activation='hard_swish'))
