# Blood cells at 320, from scratch: what the same with pretrained weights, in
# ssdlite320_tinynet_d_bccd_pretrained.py, is compared with.
_base_ = 'ssdlite320_tinynet_d.py'
classes = ('Platelets', 'RBC', 'WBC')
data = dict(data_root='data/bccd/', metainfo=dict(classes=classes))
data['data_prefix'] = dict(img='JPEGImages/')
model = dict(bbox_head=dict(num_classes=len(classes)))
train = dict(ann_file='annotations/instances_trainval.json', **data)
train_dataloader = dict(dataset=dict(pipeline=_base_.short_train_pipeline, **train))
val_dataloader = dict(dataset=dict(ann_file='annotations/instances_test.json', **data))
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=10)
