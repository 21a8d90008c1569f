# The set that tools/make_demo_data.py makes, at 320 to be quick on CPU.
_base_ = 'ssdlite320_tinynet_d.py'
classes = ('ring', 'star', 'cross', 'heart', 'crescent', 'gear')
data = dict(data_root='data/demo/', metainfo=dict(classes=classes))
model = dict(bbox_head=dict(num_classes=len(classes)))
train = dict(
    ann_file='annotations/instances_train.json', data_prefix=dict(img='train/')
)
train['pipeline'] = _base_.short_train_pipeline
train_dataloader = dict(dataset=dict(**train, **data))
val = dict(ann_file='annotations/instances_val.json', data_prefix=dict(img='val/'))
val_dataloader = dict(dataset=dict(**val, **data))
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=15, val_interval=3)
