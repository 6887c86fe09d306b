"""The data sets that params.yaml can name: MNIST, its relatives, and files in stages/datasets."""

from functools import cache
from pathlib import Path

from stages.settings import files
from stages.settings.mistakes import ParamsError, did_you_mean, mistake
from stages.settings.params import Params, VariantSettings
from stages.training import data
from stages.training.data import Facts

FOLDER = Path("stages/datasets")
RELATIVES = ("mnist", "fashion_mnist", "kmnist")


def names() -> list[str]:
    """All data sets."""
    return [*RELATIVES, *files.names(FOLDER)]


def expect(name: str, key: str = "data.name") -> None:
    """Raise ParamsError for an unknown data set at a key."""
    if name not in names():
        rule = f"no such data set; {did_you_mean(name, names())}Allowed: {', '.join(names())}"
        raise ParamsError(mistake(key, name, rule))


def is_here(name: str) -> bool:
    """Whether `facts` are known: always for MNIST and its relatives."""
    return name in RELATIVES or Path("data", name).exists()


@cache
def facts(name: str) -> Facts:
    """What networks have to know of a data set.

    Raises ParamsError for an unknown one, and OSError for one that is not there.
    """
    expect(name)
    return data.MNIST if name in RELATIVES else data.load(Path("data", name)).facts


def contradictions(settings: Params) -> list[str]:
    """A line for each number that is larger than the data set; raises as `facts`."""
    known = facts(settings.data.name)
    sizes = {"data.limit": settings.data.limit, "training.batch_size": settings.training.batch_size}
    for name, variant in settings.variants.items():
        sizes[f"variants.{name}.training.batch_size"] = variant.training.batch_size
    rule = f"must be at most {known.examples:,}, the examples for training"
    lines = [mistake(key, n, rule) for key, n in sizes.items() if n and n > known.examples]
    for name, variant in settings.variants.items():
        lines += _too_large(known, variant, f"variants.{name}.")
    return lines


def _too_large(facts: Facts, variant: VariantSettings, place: str) -> list[str]:
    crop, sides = variant.network.crop, facts.shape[-2:]
    if crop is None or (len(facts.shape) == 3 and crop <= min(sides)):
        return []
    size = " × ".join(map(str, facts.shape))
    return [mistake(f"{place}network.crop", crop, f"must fit into an example, which is {size}")]
