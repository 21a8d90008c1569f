# "+ HSwish + RA" in Table 6.
_base_ = 'ghostnet_c_hswish_in1k.py'
train_dataloader = dict(dataset=dict(pipeline=_base_.ra_train_pipeline))
