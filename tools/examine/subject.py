"""What is examined: a function in a user's file, with a batch where it brings none."""

import importlib.util
import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from stages.settings import datasets
from stages.training import data
from tools.examine.examination import ExaminationError

Subject = tuple[nn.Module, Callable[[], Tensor]]


def function(place: str) -> Callable[..., Any]:
    """The function of `FILE:FUNCTION`; raises ExaminationError."""
    file, _, name = place.rpartition(":")
    path = Path(file)
    if not file or not name.isidentifier():
        raise ExaminationError(f"{place}: must be FILE:FUNCTION, such as my_model.py:build")
    if not path.is_file():
        raise ExaminationError(f"{file}: no such file")
    sys.path.insert(0, str(path.parent.resolve()))  # as for a script of this folder
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ExaminationError(f"{file}: is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ExaminationError(f"{file}: {_line(error)}") from error
    if not callable(found := getattr(module, name, None)):
        own = (v for v in vars(module).values() if inspect.isfunction(v))
        names = [value.__name__ for value in own if value.__module__ == path.stem]
        known = f"; it has {', '.join(names)}" if names else ""
        raise ExaminationError(f"{file}: has no function {name}{known}")
    return found


def of(place: str, batch: "Batch | None") -> Subject:
    """The module and the loss of a function.

    The function returns both, or a module that is trained on the batch; it gets the batch's shape
    and classes if it has two parameters. Raises ExaminationError.
    """
    build = function(place)
    wanted = [p for p in inspect.signature(build).parameters.values() if p.default is p.empty]
    wanted = [p for p in wanted if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    names = ", ".join(p.name for p in wanted)
    if len(wanted) not in (0, 2):
        raise ExaminationError(f"{place}({names}): must take nothing, or the shape and the classes")
    if wanted and batch is None:
        raise ExaminationError(f"{place} needs {names}: add --data NAME, or --input and --classes")
    try:
        built = build(batch.shape, batch.classes) if wanted and batch else build()
    except (Exception, SystemExit) as error:
        raise ExaminationError(f"{place} fails: {_line(error)}") from error
    if isinstance(built, nn.Module):
        if batch is None:
            raise ExaminationError(
                f"{place} returned a module without a loss: add --data NAME, or --input and "
                "--classes, or return (module, loss)"
            )
        return built, batch.loss(built)
    if not (isinstance(built, tuple) and len(built) == 2 and isinstance(built[0], nn.Module)):
        raise ExaminationError(
            f"{place} returned {type(built).__name__} instead of a module or (module, loss)"
        )
    if not callable(built[1]):
        raise ExaminationError(
            f"{place}: the loss must be a function, such as lambda: loss(model(x), y)"
        )
    return built


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {next(iter(str(error).strip().splitlines()), '')}"


class Batch:
    """Examples `[n, *shape]` with labels, from 0 to `classes`."""

    def __init__(self, inputs: Tensor, labels: Tensor, classes: int):
        self.inputs, self.labels, self.classes = inputs, labels, classes
        self.shape = tuple(inputs.shape[1:])

    def loss(self, module: nn.Module) -> Callable[[], Tensor]:
        """The cross-entropy of a module that returns logits."""

        def loss() -> Tensor:
            logits = module(self.inputs)
            if not isinstance(logits, Tensor) or logits.shape != (len(self.labels), self.classes):
                found = list(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
                expected = [len(self.labels), self.classes]
                raise ValueError(f"the module returned {found} instead of logits {expected}")
            return functional.cross_entropy(logits, self.labels)

        return loss


def noise(shape: str, classes: int, examples: int) -> Batch:
    """Normal inputs of a shape such as 3x32x32, and random labels; raises ExaminationError."""
    if not re.fullmatch(r"\d+(x\d+)*", shape) or classes < 1:
        raise ExaminationError(f"--input {shape}: must be a shape such as 40 or 3x32x32")
    generator = torch.Generator().manual_seed(0)
    sizes = [int(size) for size in shape.split("x")]
    inputs = torch.randn(examples, *sizes, generator=generator)
    return Batch(inputs, torch.randint(classes, (examples,), generator=generator), classes)


def from_data(name: str, examples: int) -> Batch:
    """The first training examples of a data set, normalized as in the study."""
    if name not in datasets.names():
        raise ExaminationError(f"--data {name}: must be one of {', '.join(datasets.names())}")
    folder = Path("data", name)
    if not folder.exists():
        command = [sys.executable, "-m", "stages.download", name]
        if subprocess.run(command, check=False).returncode:
            raise ExaminationError(f"{folder}: is missing")
    found = data.load(folder, examples)
    inputs = data.normalized(found.train.pixels).reshape(-1, *found.shape)
    return Batch(inputs, found.train.labels, data.load(folder).facts.classes)
