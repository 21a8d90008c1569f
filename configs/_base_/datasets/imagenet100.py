# The classes and images that tools/make_subset.py chose of ImageNet; its lists name
# images in ImageNet's own folders.
_base_ = 'imagenet.py'
train_dataloader = dict(
    dataset=dict(
        data_root='data/',
        ann_file='imagenet100/train.txt',
        data_prefix='imagenet/train',
    )
)
val_dataloader = dict(
    dataset=dict(
        data_root='data/', ann_file='imagenet100/val.txt', data_prefix='imagenet/val'
    )
)
test_dataloader = val_dataloader
