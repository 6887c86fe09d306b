"""Slices of tensors that are equal: rows, channels, heads, tokens, experts or whole branches."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

ALIKE = 1e-5  # of the largest slice: how far apart rounding alone may drive equal slices
TOGETHER = 1e-2  # of the distance that they moved: how far apart slices that stay equal may be
ALONE = 1e-4  # the same for slices of one number, which can move alike by chance
COMPARED = 4096  # slices of a tensor: the first ones, as for a table of embeddings
NEAR = 8  # slices with about the same projections that one is compared with


@dataclass
class Equal:
    """Slices along an axis of a tensor that were equal, each with the first one equal to it.

    Without an axis, `names` are whole tensors that were equal.
    """

    names: list[str]
    axis: int | None
    count: int
    pairs: list[tuple[int, int]]

    @property
    def tensor(self) -> str:
        return self.names[0]

    @property
    def whole(self) -> bool:
        return self.axis is None


def equal_slices(initial: Mapping[str, Tensor], outputs: Mapping[str, int]) -> list[Equal]:
    """Equal slices of every tensor along its axis of `outputs`, or any axis; and equal tensors."""
    found = []
    for name, tensor in initial.items():
        if tensor.ndim < 2 or not tensor.numel():
            continue
        for axis in _axes(name, tensor, outputs):
            if pairs := _pairs(tensor, axis):
                found.append(Equal([name], axis, min(tensor.shape[axis], COMPARED), pairs))
    return found + list(_same(initial))


def _axes(name: str, tensor: Tensor, outputs: Mapping[str, int]) -> list[int]:
    """The axes whose slices are units: of a module that is known one, of others all but single."""
    if name in outputs:
        return [outputs[name]]
    last = tensor.ndim - 1
    return [i for i in range(tensor.ndim) if tensor.shape[i] > 1 and (i < last or last == 1)]


def _pairs(tensor: Tensor, axis: int) -> list[tuple[int, int]]:
    """Every slice that is like an earlier one, with the earliest such.

    Slices that are equal have equal projections, so only neighbors among these are compared.
    """
    rows = tensor.movedim(axis, 0)[:COMPARED]
    rows = (torch.view_as_real(rows) if rows.is_complex() else rows).flatten(1)
    size = torch.linalg.vector_norm(rows, torch.inf, 1).float()
    if len(rows) < 2 or not size.isfinite().all():
        return []
    generator = torch.Generator().manual_seed(0)
    along = torch.randn(rows.shape[1], 2, generator=generator).to(rows.device, rows.dtype)
    seen = torch.cat([(rows @ along).float(), size[:, None]], 1).cpu()
    close = ALIKE * max(float(size.max()), 1e-30) * rows.shape[1] ** 0.5
    order = seen[:, 0].argsort(stable=True)
    gaps = seen[order, 0].diff() > close
    groups = order.tensor_split((gaps.nonzero()[:, 0] + 1).tolist())
    return [
        pair
        for group in groups
        if len(group) > 1
        for pair in _verified(rows, seen, sorted(group.tolist()), close)
    ]


def _verified(
    rows: Tensor, seen: Tensor, group: list[int], close: float
) -> Iterator[tuple[int, int]]:
    """The pairs among slices with close projections that are equal indeed."""
    firsts: list[int] = []
    for i in group:
        near = (j for j in firsts[:NEAR] if (seen[i] - seen[j]).abs().max() <= close)
        like = next((j for j in near if _apart(rows[i], rows[j]) <= close), None)
        if like is None:
            firsts.append(i)
        else:
            yield i, like


def _apart(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max())


def _same(initial: Mapping[str, Tensor]) -> Iterator[Equal]:
    """Tensors of the same random values, whatever their shapes."""
    groups = defaultdict(list)
    for name, tensor in initial.items():
        if tensor.ndim > 1 and tensor.numel() and not (tensor == tensor.flatten()[0]).all():
            bits = tensor.contiguous().reshape(-1).view(torch.uint8).cpu().numpy()
            key = tensor.dtype, hashlib.sha256(bits).digest()  # type: ignore[arg-type]
            groups[key].append(name)
    for names in groups.values():
        if len(names) > 1:
            pairs = [(i, 0) for i in range(1, len(names))]
            yield Equal(names, None, len(names), pairs)


def staying(equal: Equal, initial: Mapping[str, Tensor], now: Mapping[str, Tensor]) -> int:
    """How many of the slices moved in training and are still equal to one that was equal to them.

    What started equal can part into groups, such as the gates of a recurrent layer.
    """

    def slice_of(tensors: Mapping[str, Tensor], i: int) -> Tensor:
        if equal.axis is None:
            return tensors[equal.names[i]].flatten()
        return tensors[equal.tensor].select(equal.axis, i)

    count = 0
    groups: dict[int, list[Tensor]] = {}  # by the first slice: one of each group, as it is now
    for one, first in equal.pairs:
        after, group = slice_of(now, one), groups.setdefault(first, [slice_of(now, first)])
        moved = _apart(after, slice_of(initial, one))
        limit = (TOGETHER if after.numel() > 1 else ALONE) * moved
        if moved > 0 and any(_apart(after, other) <= limit for other in group):
            count += 1
        elif len(group) < NEAR:
            group.append(after)
    return count


def resting(
    initial: Mapping[str, Tensor], now: Mapping[str, Tensor], outputs: Mapping[str, int]
) -> dict[str, float]:
    """The share of slices that never moved, of tensors of others that did: experts, for example.

    Of tensors with three axes or more that stand alone, along their first axis.
    """
    shares = {}
    for name, tensor in initial.items():
        if tensor.ndim > 2 and len(tensor) > 1 and name not in outputs:
            moved = (now[name] != tensor).flatten(1).any(1).float().mean().item()
            if 0 < moved < 1:
                shares[name] = 1 - moved
    return shares
