# The comparison of the paper's Table 5 on blood cells, with the backbone that
# classification/efficientnet_b_minus3_cifar10.py trains.
_base_ = 'ssdlite320_tinynet_d_bccd.py'
backbone = dict(type='EfficientNetMinus', phi=3, out_indices=('expand5', 7))
checkpoint = 'work_dirs/efficientnet_b_minus3_cifar10/best.pth'
backbone['init_cfg'] = dict(type='Pretrained', checkpoint=checkpoint)
model = dict(backbone=dict(_delete_=True, **backbone))
