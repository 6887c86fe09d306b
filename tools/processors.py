"""Runs a small study as other processors, and compares every byte; `make processors` runs it.

QEMU's user emulation runs Python with the instructions and the name of another processor, so
libraries choose their kernels as they would there. It knows AVX2 and no AVX-512.
"""

import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import vl_convert

from stages import download
from stages.settings import initializers, yaml_file
from stages.training import BITS_PROMISED, data, initialization, integrity, network

ROOT = Path(__file__).resolve().parent.parent
QEMU = shutil.which("qemu-x86_64")
TRAIN_IMAGES, TEST_IMAGES = 521, 300  # 521: a last batch of one image, for batches of 4 and 65

# Arguments of the initializers that cannot do without.
ARGUMENTS = {"constant": {"val": 0.1}, "sparse": {"sparsity": 0.5}}
ONLY_CONVOLUTIONS = {"dirac"}

# Run one after the other in one process, since loading torch is what takes long.
STAGES = """
import runpy, sys
from pathlib import Path
import stages
variants = Path("data/variants.txt").read_text(encoding="utf-8").split()
trainings = [("train", variant) for variant in variants]
trainings += [("sweep", path.stem) for path in sorted(Path("data/sweeps").glob("*.json"))]
for stage, *arguments in [*trainings, ("evaluate", "mnist")]:
    sys.argv = [stage, *arguments]
    runpy.run_module(f"stages.{stage}", run_name="__main__")
"""
# And after these, without what computes nothing and takes long where it is emulated: a JavaScript
# engine would bundle the page's libraries, and Altair check each chart against its schema.
REPORT = """
import vl_convert
from altair.utils import schemapi
bundle = Path("data/bundle.js").read_text(encoding="utf-8")
vl_convert.javascript_bundle = lambda: bundle
schemapi.disable_debug_mode()
runpy.run_module("stages.report", run_name="__main__")
"""


def initializer_names() -> list[str]:
    """Every initializer that can fill a weight here."""
    return sorted({*initialization.FUNCTIONS, *initializers.custom_names()} - ONLY_CONVOLUTIONS)


def study() -> dict[str, Any]:
    """A params.yaml with every initializer, activation, optimizer and kind of product."""
    starts: dict[str, Any] = {
        f"init_{name}": {"all": {"weight": {name: ARGUMENTS.get(name, {})}}}
        for name in initializer_names()
    }
    activations = {f"act_{name}": {"network": {"activation": name}} for name in network.KERNELS}
    sgd = {"optimizer": "sgd", "lr": 0.01}
    others = {
        "sgd": {"training": sgd},
        "momentum": {"training": {**sgd, "momentum": 0.9}},
        "one_unit": {"network": {"hidden": [1]}},
        "wide": {"network": {"hidden": [300, 3]}, "training": {"batch_size": 259}},
        "deep": {"network": {"hidden": [16] * 30}},
        "small_batches": {"training": {"batch_size": 4}},
    }
    variance = {"key": "all.weight.scaled_normal.variance", "values": [1, 4]}
    depth = {"key": "network.hidden.depth", "values": [3, 30]}
    grid: dict[str, Any] = {"axes": {"x": variance, "y": depth}, "seeds": 2}
    tanh = {"hidden": {"width": 17}, "activation": "tanh"}
    linear = {"hidden": {"width": 17}, "activation": "linear"}
    grid["base"] = {"network": tanh, "all": {"bias": "zeros"}}
    sweeps = {
        "trained": grid | {"steps": 12, "shows": "train_acc"},
        # Not with tanh or ReLU, whose theory takes long to compute where it is emulated.
        "drawn": grid | {"base": {"network": linear}, "steps": 0, "shows": "constant"},
    }
    return {
        "data": {"name": "mnist", "limit": None},
        "seeds": 1,
        "network": {"hidden": [34, 17], "activation": "relu"},
        "training": {"epochs": 1, "batch_size": 65, "optimizer": "adam", "lr": 0.001},
        "variants": {"baseline": {}, **starts, **activations, **others},
        "display": {},
        "sweeps": sweeps,
    }


def prepare(folder: Path, images: Path) -> None:
    """Lay a copy of the stages with the small study, checked, into `folder`.

    `images` is a folder with MNIST, of which the first some hundred are taken.
    """
    shutil.copytree(
        ROOT / "stages", folder / "stages", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "requirements.lock", folder)
    (folder / "params.yaml").write_text(yaml_file.dumps(study()), encoding="utf-8")
    mnist = folder / "data" / "mnist"
    mnist.mkdir(parents=True)
    for (split, _kind), name in data.FILES.items():
        count = TRAIN_IMAGES if split == "train" else TEST_IMAGES
        values = data.read_idx((images / name).read_bytes())[:count]
        header = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
        (mnist / name).write_bytes(header + values.tobytes())
    (mnist / integrity.FILE).write_text(
        integrity.sums_of(mnist, (mnist / name for name in data.FILES.values()))
    )
    bundle = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub is wrong
    (folder / "data" / "bundle.js").write_text(bundle, encoding="utf-8")
    python(folder, "-m", "stages.check")


def run(
    prepared: Path, folder: Path, model: str | None = None, report: bool = True
) -> dict[str, bytes]:
    """Run the stages on a copy in `folder`, as a model of QEMU's or as this processor.

    Every file that they left in data/runs, data/tables and reports, by its path. `report` is the
    stage that takes as long as all others together. Raises RuntimeError as `python` does.
    """
    shutil.copytree(prepared, folder)
    python(folder, "-c", STAGES + REPORT * report, model=model)
    parts = ("data/runs", "data/tables", "reports")
    paths = (path for part in parts for path in folder.glob(f"{part}/**/*"))
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in paths if p.is_file()}


def python(folder: Path, *arguments: str, model: str | None = None) -> None:
    """Run Python in a folder; raises RuntimeError with what it printed if it fails."""
    emulator = [str(QEMU), "-cpu", model] if model else []
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS")}
    environment |= {"INITLAB_WORKERS": "1", "PYTHONPATH": str(folder)}
    command = [*emulator, sys.executable, *arguments]
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise RuntimeError(f"{model or 'this processor'}: {result.stdout}\n{result.stderr}")


def differences(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """The files that only one side has, or that differ."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def models() -> list[str]:
    """Every Intel and AMD processor with AVX2 that QEMU knows, by name."""
    command = [str(QEMU), "-cpu", "help"]
    # Without `check`: QEMU 7 ends with 1 after its help.
    listing = subprocess.run(command, capture_output=True, text=True, check=False)
    names = re.findall(r"^x86 (\S+)-v\d+ .*(?:Intel|AMD)", listing.stdout, re.MULTILINE)
    return [name for name in dict.fromkeys(names) if _has_avx2(name)]


def _has_avx2(model: str) -> bool:
    # The C library's loader tells which levels of x86-64 a processor has: 3 is the one with AVX2.
    command = [str(QEMU), "-cpu", model, "/lib64/ld-linux-x86-64.so.2", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return "x86-64-v3 (supported" in result.stdout


def main() -> None:
    if not QEMU or not BITS_PROMISED:
        sys.exit("this needs qemu-x86_64 (Debian's package qemu-user) on Intel or AMD with AVX2")
    images = ROOT / "data" / "mnist"
    if not download.is_right(images, "mnist"):
        sys.exit(
            "data/mnist: not there; run `make repro` or `python -m stages.download mnist` first"
        )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        prepare(folder / "prepared", images)
        here = run(folder / "prepared", folder / "here")

        def differing(model: str) -> list[str]:
            return differences(here, run(folder / "prepared", folder / model, model))

        failed = False
        names = models()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for model, different in zip(names, pool.map(differing, names), strict=True):
                equal = f"all {len(here)} files are equal"
                unequal = f"{len(different)} of {len(here)} files differ: {', '.join(different)}"
                print(f"{model}: {unequal if different else equal}", flush=True)
                failed |= bool(different)
    sys.exit(failed)


if __name__ == "__main__":
    main()
