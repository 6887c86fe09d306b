"""Computes the same on emulated processors and compares all bytes; `make processors` runs it.

QEMU's user emulation runs a program with the instructions and the name of another processor. It
knows AVX2 and no AVX-512. On arm64, where Python and its packages would have to be installed once
more, tools/trial.c stands for the study: it has every activation, optimizer and draw. Networks
from files, which torch computes, may differ: it prints by how much.
"""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import vl_convert
from safetensors.torch import load

from stages import running
from stages.settings import initializers
from stages.training import data, initialization, integrity
from stages.training.activations import ACTIVATIONS
from stages.training.mlp import build

Files = dict[str, bytes]  # contents by path

ROOT = Path(__file__).resolve().parent.parent
QEMU = shutil.which("qemu-x86_64")
TRIAL = ROOT / "tools" / "trial.c"
IMAGES = {"train": 261, "test": 100}  # 261: a last batch of one image, for batches of 4 and 65

# Of required parameters.
ARGUMENTS = {"constant": {"val": 0.1}, "parts": {"values": [0, 1]}, "sparse": {"sparsity": 0.5}}
ONLY_CONVOLUTIONS = {"dirac"}

# Every file in stages/networks, and every kind of cell but LSTM's, in which QEMU 7.2 crashes.
NETWORKS = {
    "residual": {"residual": {"width": 16, "blocks": 4}},
    "convolutional": {"convolutional": {"channels": [8, 16]}},
    **{kind: {"recurrent": {"kind": kind, "width": 16}} for kind in ("rnn", "gru")},
    "transformer": {"transformer": {"depth": 2, "width": 16, "patch": 7}},
    "adapted": {"adapted": {"width": 16}},
    "plain": {"plain": {"width": 16, "activation": "sine", "norm": "layer"}},
    "tokens": {"tokens": {"width": 16, "stride": 49}},
    "mixture": {"mixture": {"experts": 2}}, "mup": {"mup": {"width": 16}},
}  # fmt: skip

# All stages in one process, since loading torch takes longest. Two things compute nothing and take
# long on an emulated processor: bundling the page's libraries, and checking charts' schemas.
STAGES = """
import json, runpy, sys
from pathlib import Path
import stages, vl_convert
from altair.utils import schemapi
bundle = Path("data/bundle.js").read_text(encoding="utf-8")
vl_convert.javascript_bundle = lambda: bundle
schemapi.disable_debug_mode()
study = json.loads(Path("params.yaml").read_text(encoding="utf-8"))
variants = [["train", name] for name in study["variants"]]
rest = [["sweep", "grid"], ["evaluate", "mnist"], ["report"]] if "sweeps" in study else []
for sys.argv in [["check"], *variants, *rest]:
    runpy.run_module(f"stages.{sys.argv[0]}", run_name="__main__")
"""


def initializer_names() -> list[str]:
    """Every initializer that can fill a weight of a linear layer."""
    return sorted({*initialization.FUNCTIONS, *initializers.custom_names()} - ONLY_CONVOLUTIONS)


def study() -> dict[str, Any]:
    """A params.yaml with every initializer, activation and optimizer."""
    sgd = {"optimizer": "sgd", "lr": 0.01}
    variants: dict[str, Any] = {"baseline": {}, "sgd": {"training": sgd}}
    variants["momentum"] = {"training": {**sgd, "momentum": 0.9}}
    variants["one_unit"] = {"network": {"hidden": [1]}}
    variants["deep"] = {"network": {"hidden": [16] * 30}}
    for name in ACTIVATIONS:
        variants[f"act_{name}"] = {"network": {"activation": name}}
    for name in initializer_names():
        variants[f"init_{name}"] = {"all": {"weight": {name: ARGUMENTS.get(name, {})}}}
    variance = {"key": "all.weight.scaled_normal.variance", "values": [1, 4]}
    depth = {"key": "network.hidden.depth", "values": [3, 30]}
    # The theory of a linear network is quick to compute where it is emulated.
    base = {"network": {"hidden": {"width": 17}, "activation": "linear"}, "all": {"bias": "zeros"}}
    grid = {"axes": {"x": variance, "y": depth}, "seeds": 1, "steps": 4, "shows": "train_acc"}
    return {
        "data": {"name": "mnist", "limit": None},
        "seeds": 1,
        "network": {"hidden": [18, 17], "activation": "relu"},
        "training": {"epochs": 1, "batch_size": 65, "optimizer": "adam", "lr": 0.001},
        "variants": variants,
        "sweeps": {"grid": {"base": base, **grid}},
    }


def networks() -> dict[str, Any]:
    """A params.yaml with NETWORKS.

    All batches have one size, since torch prepares each size, which takes long when emulated.
    """
    size = IMAGES["test"]
    return {
        "data": {"name": "mnist", "limit": size},
        "seeds": 1,
        "network": {"hidden": [1], "activation": "relu"},
        "training": {"epochs": 3, "batch_size": size, "optimizer": "adam", "lr": 0.001},
        "variants": {name: {"network": network} for name, network in NETWORKS.items()},
    }


def prepare(folder: Path, images: Path, study: dict[str, Any]) -> None:
    """Write the stages and a small study to a folder, with the first images of MNIST."""
    shutil.copytree(ROOT / "stages", folder / "stages")
    mnist = folder / "data" / "mnist"
    mnist.mkdir(parents=True)
    shutil.copy(ROOT / "requirements.lock", folder)
    (folder / "params.yaml").write_text(json.dumps(study), encoding="utf-8")
    for (split, _), name in data.FILES.items():
        values = data.read_idx((images / name).read_bytes())[: IMAGES[split]]
        header = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
        (mnist / name).write_bytes(header + values.tobytes())
    sums = integrity.sums_of(mnist, (mnist / name for name in data.FILES.values()))
    (mnist / integrity.FILE).write_text(sums)
    bundle = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub is wrong
    (folder / "data" / "bundle.js").write_text(bundle, encoding="utf-8")


def run(prepared: Path, folder: Path, model: str | None = None) -> Files:
    """Run the stages on a copy in `folder`, on a processor of QEMU's or on this one.

    Every file that they wrote, by its path. Raises RuntimeError with their output if they fail.
    """
    shutil.copytree(prepared, folder)
    emulator = [str(QEMU), "-cpu", model] if model else []
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS")}
    environment |= {"INITLAB_WORKERS": "1", "PYTHONPATH": str(folder)}
    result = subprocess.run(
        [*emulator, sys.executable, "-c", STAGES],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if result.returncode:
        raise RuntimeError(f"{model or 'this processor'}: {result.stdout}\n{result.stderr}")
    parts = ("data/plans", "data/runs", "data/sweeps", "data/tables", "reports")
    paths = (path for part in parts for path in (folder / part).rglob("*"))
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in paths if p.is_file()}


def differences(one: Files, other: Files) -> list[str]:
    """The files that only one side has, or that differ."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def agreement(here: Files, there: Files) -> str:
    """Which of NETWORKS agree in all bits, and by how much weights of the others differ.

    A difference is relative to the largest weight of its tensor.
    """
    changed, equal, distances = differences(here, there), [], []
    for name in NETWORKS:
        if not any(Path(path).parent.name == name for path in changed):
            equal.append(name)
            continue
        file = f"data/runs/{name}/weights.safetensors"
        ours, theirs = load(here[file]), load(there[file])
        shares = (((one - theirs[key]).abs().max() / one.abs().max()) for key, one in ours.items())
        distances.append(f"{name} {max(shares).item():.0e}")
    same, others = (", ".join(found) or "none" for found in (equal, distances))
    return f"every bit equal: {same}; weights differ by up to: {others}"


def trials() -> dict[str, str]:
    """What tools/trial.c prints, by kind of processor: natively, and on arm64 where QEMU has it."""
    programs: dict[str, list[str]] = {level: [] for level in build.levels()}
    if emulator := shutil.which("qemu-aarch64"):
        programs.setdefault("NEON", [emulator])
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for level, command in programs.items():
            cpu, rows, columns = build.LEVELS[level]
            target = "aarch64" if level == "NEON" else "x86_64"
            shape = ("-DREAL=float", f"-DROWS={rows}", f"-DCOLUMNS={columns}")
            program = Path(folder, level)
            flags = (
                *build.ARITHMETIC,
                *build.FACTS,
                f"-mcpu={cpu}",
                *shape,
                "-static",
                "-nostdlib",
            )
            build.compiled((*flags, "-target", f"{target}-freestanding-none"), TRIAL, program)
            command = [*command, str(program)]
            found[level] = subprocess.run(
                command, capture_output=True, text=True, check=True
            ).stdout
    return found


def qemu(model: str, *command: str) -> str:
    """The output of a command on an emulated processor; QEMU 7 exits with 1 after its help."""
    command = (str(QEMU), "-cpu", model, *command)
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def models() -> list[str]:
    """Every processor with AVX2 that QEMU knows, by name."""
    names = re.findall(r"^x86 (\S+)-v\d+ ", qemu("help"), re.MULTILINE)
    # The C library's loader prints the supported levels of x86-64; level 3 has AVX2.
    loader = ("/lib64/ld-linux-x86-64.so.2", "--help")
    return [name for name in dict.fromkeys(names) if "x86-64-v3 (supported" in qemu(name, *loader)]


def everywhere(study: dict[str, Any], names: list[str]) -> Iterator[tuple[str, Files, Files]]:
    """The names of emulated processors, a study's files from this processor, and from that one."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        prepared = Path(folder, "prepared")
        prepare(prepared, Path("data/mnist"), study)
        here = run(prepared, Path(folder, "here"))
        theirs = pool.map(lambda name: run(prepared, Path(folder, name), name), names)
        for name, there in zip(names, theirs, strict=True):
            yield name, here, there


def main() -> None:
    if not QEMU:
        sys.exit("this needs qemu-x86_64 (Debian's package qemu-user)")
    sums = trials()
    equal = len(set(sums.values())) == 1
    print(f"tools/trial.c, {', '.join(sums)}: {'all bits equal' if equal else sums}")
    names = models()
    for name, here, there in everywhere(study(), names):
        found = differences(here, there)
        equal = equal and not found
        result = f"different: {', '.join(found)}" if found else f"all {len(here)} files equal"
        print(f"{name}: {result}", flush=True)
    known: dict[str, Files] = {}
    for name, here, there in everywhere(networks(), names):
        twin = next((one for one, files in known.items() if files == there), None)
        known[name] = there
        result = f"every bit as {twin}" if twin else agreement(here, there)
        print(f"{name}, networks from files: {result}", flush=True)
    sys.exit(not equal)


if __name__ == "__main__":
    running.run(main, "interrupted")
