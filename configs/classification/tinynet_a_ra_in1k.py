# "+ RA" in Table 3.
_base_ = 'tinynet_a_in1k.py'
train_dataloader = dict(dataset=dict(pipeline=_base_.ra_train_pipeline))
