# At 320 a training iteration costs 0.4 of one at 512.
_base_ = 'ssdlite_tinynet_d.py'
input_size = (320, 320)
train_pipeline = _base_.train_pipeline
short_train_pipeline = _base_.short_train_pipeline
test_pipeline = _base_.test_pipeline
for step in [*train_pipeline, *short_train_pipeline, *test_pipeline]:
    if step['type'] == 'Resize':
        step['scale'] = input_size
model = dict(bbox_head=dict(anchor_generator=dict(input_size=320)))
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
