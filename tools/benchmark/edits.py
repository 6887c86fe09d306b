"""What an edit costs: seconds of `dvc repro`, cold, with nothing to do, and after a change.

    python -m tools.benchmark.edits

Everything is run once, in clones that have the committed code and the data set, and in which
nothing was run before.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.benchmark.ways import DATA, ROOT

COMMAND = (sys.executable, "-m", "tools.benchmark.edits")
STAGES = ("check", "download", "train", "evaluate", "report")
REPRO = ("-m", "dvc", "repro")
EDITS = {
    "a message of check changed": ("stages/settings/reading.py", "is not UTF-8", "is no UTF-8"),
    "a label changed": ("params.yaml", "label: all ones", "label: every value 1"),
    "one variant changed": ("params.yaml", "weight: ones, bias: ones", "weight: ones, bias: zeros"),
}
VARIANTS = 100


class Clone:
    """A clone of the repository to run Python's commands in."""

    def __init__(self, folder: Path):
        self.folder = folder
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)

    def seconds(self, *arguments: str) -> float:
        """How long a command takes; raises CalledProcessError if it fails."""
        environment = os.environ | {"MNIST_MIRROR": str(DATA)}
        command = [sys.executable, *arguments]
        start = time.perf_counter()
        subprocess.run(
            command, cwd=self.folder, env=environment, stdout=subprocess.DEVNULL, check=True
        )
        return time.perf_counter() - start

    def replace(self, file: str, old: str, new: str) -> None:
        """Change a text that a file has; raises ValueError if it has not."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        if old not in text:
            raise ValueError(f"{file}: has no {old!r}; mend EDITS")
        path.write_text(text.replace(old, new), encoding="utf-8")


@contextmanager
def clone() -> Iterator[Clone]:
    """A clone that is deleted afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield Clone(Path(folder) / "initlab")


def the_study() -> dict[str, float]:
    """Seconds of `dvc repro` of the committed study, by what came before it."""
    with clone() as there:
        taken = {"cold": there.seconds(*REPRO), "nothing to do": there.seconds(*REPRO)}
        for name, edit in EDITS.items():
            there.replace(*edit)
            taken[name] = there.seconds(*REPRO)
    return taken


def many_variants() -> dict[str, float]:
    """Seconds of `dvc repro` with nothing to do, and after a label's edit, of 100 variants.

    They are small: what costs here is DVC's looking, not the work.
    """
    from stages.settings import yaml_file

    normals = {
        f"normal_{i}": {"all": {"weight": {"normal": {"std": i / VARIANTS}}}}
        for i in range(1, VARIANTS)
    }
    settings = {
        "data": {"name": "mnist", "limit": 640},
        "seeds": 1,
        "network": {"hidden": [16], "activation": "relu"},
        "training": {"epochs": 1, "batch_size": 64, "optimizer": "adam", "lr": 0.001},
        "variants": {"baseline": {}} | normals,
        "display": {"baseline": {"label": "PyTorch default"}},
    }
    with clone() as there:
        (there.folder / "params.yaml").write_text(yaml_file.dumps(settings), encoding="utf-8")
        there.seconds("-m", "tools.distribute")
        taken = {f"{VARIANTS} variants, nothing to do": there.seconds(*REPRO)}
        there.replace("params.yaml", "label: PyTorch default", "label: default")
        return taken | {f"{VARIANTS} variants, a label changed": there.seconds(*REPRO)}


def startup() -> dict[str, float]:
    """Seconds until each stage has imported what it uses, medians of three."""
    taken = {}
    for stage in STAGES:
        starts = []
        for _ in range(3):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", f"import stages.{stage}"], cwd=ROOT, check=True)
            starts.append(time.perf_counter() - start)
        taken[stage] = statistics.median(starts)
    return taken


if __name__ == "__main__":
    print(json.dumps({"startup": startup(), "repro": the_study() | many_variants()}))
