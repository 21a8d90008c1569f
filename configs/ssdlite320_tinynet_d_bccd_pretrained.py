# With the backbone that classification/tinynet_d_cifar10.py trains.
_base_ = 'ssdlite320_tinynet_d_bccd.py'
checkpoint = 'work_dirs/tinynet_d_cifar10/best.pth'
model = dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=checkpoint)))
