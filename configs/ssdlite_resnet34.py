_base_ = 'ssdlite_tinynet_d.py'
backbone = dict(type='ResNet', depth=34, norm_eval=False)
model = dict(backbone=dict(_delete_=True, out_indices=(2, 3), **backbone))
