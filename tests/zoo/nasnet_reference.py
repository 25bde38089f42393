"""Implement NASNet-A (4 @ 1056) again, from figure 4 of the paper and plain torch functions.

No code is shared with the network under test: weights are read by name from a state dict, and
"same" padding and averages are computed here, averages over pixels inside the map only.
"""

import torch
import torch.nn.functional as F

Weights = dict[str, torch.Tensor]

# (operation, input: h_i, h_{i-1} or an earlier block) left and right, which are summed.
NORMAL = (
    (("separable 5", "current"), ("separable 3", "before")),
    (("separable 5", "before"), ("separable 3", "before")),
    (("average", "current"), ("identity", "before")),
    (("average", "before"), ("average", "before")),
    (("separable 3", "current"), ("identity", "current")),
)
REDUCTION = (
    (("separable 5 s2", "current"), ("separable 7 s2", "before")),
    (("max s2", "current"), ("separable 7 s2", "before")),
    (("average s2", "current"), ("separable 5 s2", "before")),
    (("identity", 1), ("average", 0)),
    (("separable 3", 0), ("max s2", "current")),
)


def logits(images: torch.Tensor, weights: Weights) -> torch.Tensor:
    """Return logits (N, classes) of images float (N, 3, H, W), in eval mode."""
    stem = _norm(F.conv2d(images, weights["conv0.conv.weight"], stride=2), weights, "conv0.bn")
    before, current = stem, _stem(stem, stem, weights, "cell_stem_0")
    before, current = current, _stem(current, before, weights, "cell_stem_1")
    stages = [[f"cell_{i + k}" for k in range(4)] for i in (0, 6, 12)]
    for name in [*stages[0], "reduction_cell_0", *stages[1], "reduction_cell_1", *stages[2]]:
        before, current = current, _cell(current, before, weights, name)
    features = current.relu().mean(dim=(2, 3))
    return features @ weights["last_linear.weight"].T + weights["last_linear.bias"]


def _cell(current: torch.Tensor, before: torch.Tensor, weights: Weights, name: str) -> torch.Tensor:
    """Project both inputs to the cell's width, and ``before`` to the same size, then combine."""
    if f"{name}.path_1.conv.weight" in weights:
        before = _halve(before, weights, name)
    else:
        before = _project(before, weights, f"{name}.conv_prev_1x1")
    current = _project(current, weights, f"{name}.conv_1x1")
    reduction = name.startswith("reduction")
    blocks = _blocks(REDUCTION if reduction else NORMAL, current, before, weights, name)
    return torch.cat(blocks[1:] if reduction else [before, *blocks], 1)


def _stem(current: torch.Tensor, before: torch.Tensor, weights: Weights, name: str) -> torch.Tensor:
    """Compute a reduction before the first stage; the first one has a single, unchanged input."""
    if name == "cell_stem_1":
        before = _halve(before, weights, name)
    current = _project(current, weights, f"{name}.conv_1x1")
    return torch.cat(_blocks(REDUCTION, current, before, weights, name)[1:], 1)


def _blocks(
    table: tuple, current: torch.Tensor, before: torch.Tensor, weights: Weights, name: str
) -> list[torch.Tensor]:
    known: dict = {"current": current, "before": before}
    for number, pair in enumerate(table):
        prefix = f"{name}.comb_iter_{number}"
        left, right = (
            _operate(operation, known[source], weights, f"{prefix}_{side}")
            for (operation, source), side in zip(pair, ("left", "right"), strict=True)
        )
        known[number] = left + right
    return [known[number] for number in range(len(table))]


def _operate(operation: str, maps: torch.Tensor, weights: Weights, name: str) -> torch.Tensor:
    stride = 2 if operation.endswith("s2") else 1
    if operation == "identity":
        return maps
    if operation.startswith("max"):
        return F.max_pool2d(_same(maps, 3, stride, float("-inf")), 3, stride)
    if operation.startswith("average"):
        ones = torch.ones_like(maps)
        total, inside = (F.avg_pool2d(_same(m, 3, stride), 3, stride) for m in (maps, ones))
        return total / inside
    kernel = int(operation.split()[1])
    maps = _separable(maps.relu(), weights, name, 1, kernel, stride)
    return _separable(maps.relu(), weights, name, 2, kernel, 1)


def _separable(
    maps: torch.Tensor, weights: Weights, name: str, number: int, kernel: int, stride: int
) -> torch.Tensor:
    layer = f"{name}.separable_{number}"
    depthwise = weights[f"{layer}.depthwise_conv2d.weight"]
    assert depthwise.shape[1:] == (1, kernel, kernel), layer
    padded = _same(maps, kernel, stride)
    maps = F.conv2d(padded, depthwise, stride=stride, groups=maps.shape[1])
    maps = F.conv2d(maps, weights[f"{layer}.pointwise_conv2d.weight"])
    return _norm(maps, weights, f"{name}.bn_sep_{number}")


def _project(maps: torch.Tensor, weights: Weights, name: str) -> torch.Tensor:
    return _norm(F.conv2d(maps.relu(), weights[f"{name}.conv.weight"]), weights, f"{name}.bn")


def _halve(maps: torch.Tensor, weights: Weights, name: str) -> torch.Tensor:
    """Halve a map: every second pixel, and every second pixel one to the lower right."""
    maps = maps.relu()
    shifted = F.pad(maps, (0, 1, 0, 1))[:, :, 1::2, 1::2]
    first = F.conv2d(maps[:, :, ::2, ::2], weights[f"{name}.path_1.conv.weight"])
    second = F.conv2d(shifted, weights[f"{name}.path_2.conv.weight"])
    return _norm(torch.cat([first, second], 1), weights, f"{name}.final_path_bn")


def _norm(maps: torch.Tensor, weights: Weights, name: str) -> torch.Tensor:
    mean, var, scale, shift = (
        weights[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
    )
    return F.batch_norm(maps, mean, var, scale, shift, eps=0.001)


def _same(maps: torch.Tensor, kernel: int, stride: int, value: float = 0.0) -> torch.Tensor:
    """Pad as TensorFlow: ceil(side / stride) outputs, an odd pixel of padding at the end."""
    padding: list[int] = []
    for side in reversed(maps.shape[2:]):
        total = max(0, (-(-side // stride) - 1) * stride + kernel - side)
        padding += [total // 2, total - total // 2]
    return F.pad(maps, padding, value=value)
