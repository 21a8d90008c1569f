# Width alone (Table 1).
_base_ = 'ssdlite_tinynet_d.py'
backbone = dict(type='TinyNet', w=0.38, d=1.0)
model = dict(backbone=dict(_delete_=True, out_indices=('expand5', 7), **backbone))
