"""Stage check: params.yaml can be run, and what every variant's training is told."""

import shutil
import sys
from dataclasses import asdict
from itertools import chain, count
from pathlib import Path

from stages import running, writing
from stages.settings import reading, trial
from stages.settings.params import Display, Params
from stages.training import integrity, probes, results
from stages.training.grid import Grid
from stages.training.plan import Plan

DATA = Path("data")
SWEPT = Path("reports/sweeps")


def main() -> None:
    if sys.argv[1:] not in ([], ["--dry-run"]):
        raise SystemExit("usage: python -m stages.check [--dry-run], which writes nothing")
    try:
        settings = reading.load()
        found, sweeps = trial.resolve(settings)
        stale = stale_results(settings)
    except reading.ParamsError as error:
        raise SystemExit(str(error)) from None
    if "--dry-run" in sys.argv:  # DVC has no lock then, and something may be training
        return
    for path in stale:
        print(f"{path}: now in {put_away(path)}, since params.yaml has no such variant or sweep")
    write(settings, found, sweeps)


def stale_results(settings: Params) -> list[Path]:
    """The results of variants and sweeps that params.yaml no longer has.

    DVC takes their folders as a whole, so what is left there would make the same study look like
    another one, and it deletes all of a run before it trains it again. Raises ParamsError for
    anything else in data/runs, which is not ours.
    """
    runs = sorted((DATA / "runs").glob("*"))
    strange = [run for run in runs if not run.is_dir()]
    for run in runs:
        files = run.iterdir() if run.is_dir() else ()
        strange += [file for file in files if file.name not in results.FILES]
    if strange:
        rule = "is no result of a variant, and would be lost; move it away"
        raise reading.ParamsError([f"{path}: {rule}" for path in strange])
    tables = sorted(SWEPT.glob("*.csv"))
    return [run for run in runs if run.name not in settings.variants] + [
        table for table in tables if table.stem not in settings.sweeps
    ]


def put_away(path: Path) -> Path:
    """Move a result out of DVC's sight, into data/removed; where it is now."""
    folder = DATA / "removed"
    folder.mkdir(exist_ok=True)
    names = chain([path.name], (f"{path.stem}-{i}{path.suffix}" for i in count(2)))
    place = next(folder / name for name in names if not (folder / name).exists())
    return Path(shutil.move(path, place))  # which copies where data/runs is on another disk


def write(settings: Params, found: dict[str, Plan], sweeps: dict[str, Grid]) -> None:
    """Write what the other stages read instead of params.yaml."""
    files = {DATA / "plans" / f"{name}.json": plan.as_json() for name, plan in found.items()}
    files |= {DATA / "sweeps" / f"{name}.json": sweep.as_json() for name, sweep in sweeps.items()}
    others = {
        # Always the same words: a valid edit changes nothing for the stage that waits for this.
        DATA / "params_are_valid": "params.yaml is valid\n",
        DATA / "variants.txt": "".join(f"{name}\n" for name in found),
        DATA / "study.json": integrity.as_json(described(settings, found)),
    }
    writing.replace(files | others)
    for folder in (DATA / "sweeps", SWEPT):  # which DVC expects, also where there are no sweeps
        folder.mkdir(parents=True, exist_ok=True)
    for path in (*(DATA / "plans").glob("*.json"), *(DATA / "sweeps").glob("*.json")):
        if path not in files:
            path.unlink()
    for path in DATA.glob(".partial-sweep-*"):
        if path.name.removeprefix(".partial-sweep-") not in sweeps:
            path.unlink()


def described(settings: Params, found: dict[str, Plan]) -> dict:
    """The study as reports tell it: what is shared, and every variant with its looks."""
    shared = settings.model_dump(include={"data", "seeds", "network", "training"})
    written = settings.model_dump(exclude_none=True, exclude_defaults=True)["variants"]
    variants = {}
    for name, plan in found.items():
        variants[name] = {
            "label": settings.label_of(name),
            "group": settings.group_of(name),
            "color": settings.display.get(name, Display()).color,
            "written": written[name],
            "plan": asdict(plan),
        }
    sweeps = {name: described_sweep(settings, name) for name in settings.sweeps}
    return shared | {"probed": probes.PROBED, "variants": variants, "sweeps": sweeps}


def described_sweep(settings: Params, name: str) -> dict:
    """A sweep as reports tell it; its plans are in data/sweeps."""
    sweep = settings.sweeps[name]
    axes = {}
    for side, axis in (("x", sweep.axes.x), ("y", sweep.axes.y)):
        axes[side] = {
            "key": axis.key, "values": axis.points(), "labels": settings.labels_of(axis)
        }  # fmt: skip
    label = settings.label_of_sweep(name)
    return axes | {"label": label, "seeds": sweep.seeds, "shows": sweep.shows}


if __name__ == "__main__":
    running.run(main)
