"""A convolutional network for images or sequences."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Literal

from torch import nn

from stages.networks.shared.parts import require_at_least_1

KINDS: dict[int, tuple[Callable[..., nn.Module], ...]] = {
    2: (nn.Conv1d, nn.BatchNorm1d, nn.AdaptiveAvgPool1d),
    3: (nn.Conv2d, nn.BatchNorm2d, nn.AdaptiveAvgPool2d),
}


def build(
    shape: tuple[int, ...],
    classes: int,
    channels: Sequence[int] = (16, 32, 32),
    norm: Literal["none", "batch"] = "none",
    depthwise: bool = False,
    groups: int = 1,
    stride: int = 2,
    last_relu: bool = False,
) -> nn.Module:
    """Blocks relu(norm(conv(x))), the mean over all places, and the layer `out`.

    Kernels are 3 × 3 (3 for a sequence); every block but the first divides the resolution by
    `stride`, and with `depthwise` splits its convolution into `depthwise`, one kernel for each
    channel, and `pointwise`, which mixes channels (Howard et al. 2017, arXiv:1704.04861). All
    convolutions but the first mix channels within `groups` only (Xie et al. 2016,
    arXiv:1611.05431). A convolution before a normalization has no bias. `last_relu` applies a
    ReLU to the logits, as SqueezeNet does (Iandola et al. 2016, arXiv:1602.07360).
    """
    if len(shape) not in KINDS:
        raise ValueError(f"needs images or sequences, channels first; an example is {shape}")
    if not channels or min(channels) < 1:
        raise ValueError(f"channels = {list(channels)} must be numbers of at least 1")
    require_at_least_1(groups=groups, stride=stride)
    if any(width % groups for width in channels):
        raise ValueError(f"groups = {groups} must divide all of channels = {list(channels)}")
    conv, batch_norm, pool = KINDS[len(shape)]
    below, bias = shape[0], norm == "none"
    blocks = nn.Sequential()
    for width in channels:
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        if not len(blocks):
            layers["conv"] = conv(below, width, 3, 1, 1, bias=bias)
        elif depthwise:
            layers["depthwise"] = conv(below, below, 3, stride, 1, groups=below, bias=False)
            layers["pointwise"] = conv(below, width, 1, groups=groups, bias=bias)
        else:
            layers["conv"] = conv(below, width, 3, stride, 1, groups=groups, bias=bias)
        if norm == "batch":
            layers["norm"] = batch_norm(width)
        layers["relu"] = nn.ReLU()
        blocks.append(nn.Sequential(layers))
        below = width
    out = nn.Linear(below, classes)
    net = OrderedDict(blocks=blocks, pool=pool(1), flatten=nn.Flatten(), out=out)
    return nn.Sequential(net | ({"last_relu": nn.ReLU()} if last_relu else {}))
