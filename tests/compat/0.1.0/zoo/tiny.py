from collections import OrderedDict

from torch import nn


def build(num_classes):
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(3, 8, 3, stride=2, padding=1),
            bn=nn.BatchNorm2d(8),
            relu=nn.ReLU(),
            pool=nn.AdaptiveAvgPool2d(1),
            flat=nn.Flatten(),
            head=nn.Linear(8, num_classes),
        )
    )
