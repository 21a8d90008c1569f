# "+ RA" in Table 3.
_base_ = 'efficientnet_b0_in1k.py'
train_dataloader = dict(dataset=dict(pipeline=_base_.ra_train_pipeline))
