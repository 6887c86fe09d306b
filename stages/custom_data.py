"""A data set that a file in stages/datasets loads, checked and kept as one file."""

import importlib
import inspect
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from stages import writing
from stages.settings import datasets
from stages.settings.mistakes import ParamsError
from stages.training import data, integrity
from stages.training.initialization import first_line

DOWNLOADS = Path("data/downloads")


def install(name: str) -> str:
    """Make data/NAME, unless it was made from this file; a line about it. Ends if it cannot."""
    file, target = datasets.FOLDER / f"{name}.py", Path("data", name)
    try:
        datasets.expect(name)
    except ParamsError as error:
        raise SystemExit(str(error)) from None
    if _is_made_from(file, target):
        return f"{target}: already here"
    try:
        tensors = checked(_loaded(name))
    except (Exception, SystemExit) as error:  # any error of a user's file
        raise SystemExit(f"{file}: {first_line(error)}") from None
    content = save(tensors)
    made = [(target / data.FILE, content), (file, file.read_bytes())]
    sums = integrity.sums(target, made)
    writing.replace({target / data.FILE: content, target / integrity.FILE: sums})
    counts = (len(tensors[f"{split}/labels"]) for split in ("train", "test"))
    return f"{target}: {' and '.join(f'{n:,}' for n in counts)} examples"


def _is_made_from(file: Path, target: Path) -> bool:
    try:
        made_from = Path("../..", file).as_posix()
        integrity.read(target, {data.FILE, made_from})
    except OSError:
        return False
    return True


def _loaded(name: str) -> dict[str, Tensor]:
    load = importlib.import_module(f"stages.datasets.{name}").load
    wanted = inspect.signature(load).parameters
    splits = load(**({"folder": DOWNLOADS} if "folder" in wanted else {}))
    names = [f"{split}/{kind}" for split in ("train", "test") for kind in ("inputs", "labels")]
    tensors = [one for split in splits for one in split]
    if len(tensors) != len(names):
        raise ValueError("load must return (inputs, labels), (inputs, labels)")
    return dict(zip(names, map(torch.as_tensor, tensors), strict=True))


def checked(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a data set, contiguous; raises ValueError for what no network can use."""
    shapes = {tuple(tensors[f"{split}/inputs"].shape[1:]) for split in ("train", "test")}
    if len(shapes) > 1 or () in shapes:
        raise ValueError(f"inputs must be [n, …] of one shape, and examples have {sorted(shapes)}")
    for split in ("train", "test"):
        inputs, labels = tensors[f"{split}/inputs"], tensors[f"{split}/labels"]
        if len(inputs) != len(labels) or not len(labels):
            raise ValueError(f"{split}: {len(inputs)} inputs and {len(labels)} labels")
        if inputs.dtype not in (torch.uint8, torch.float32):
            raise ValueError(f"{split}: inputs must be uint8 or float32, and are {inputs.dtype}")
        if labels.dtype != torch.int64 or labels.ndim != 1 or labels.min() < 0:
            raise ValueError(f"{split}: labels must be int64 `[n]` from 0")
        if not inputs.isfinite().all():
            raise ValueError(f"{split}: inputs must be finite")
    return {name: tensor.contiguous() for name, tensor in tensors.items()}
