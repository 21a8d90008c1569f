# Depth alone (Table 1). Resolution alone is ssdlite_efficientnet_b0.py.
_base_ = 'ssdlite_tinynet_d.py'
backbone = dict(type='TinyNet', w=1.0, d=0.45)
model = dict(backbone=dict(_delete_=True, out_indices=('expand5', 7), **backbone))
