_base_ = 'ssdlite_tinynet_d.py'
model = dict(backbone=dict(variant='b'))
