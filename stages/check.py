"""Stage check: validates params.yaml and questions.yaml; writes the plans for other stages."""

import shutil
import sys
from dataclasses import asdict
from itertools import chain, count
from pathlib import Path

from stages import running, writing
from stages.settings import datasets, labels, plans, reading, sweeps
from stages.settings.mistakes import ParamsError
from stages.settings.params import DisplaySettings, Params, one_line
from stages.training import data, integrity, probes, results
from stages.training.grid import Grid
from stages.training.plan import Plan

DATA = Path("data")
TABLES = Path("reports/sweeps")


def main() -> None:
    if sys.argv[1:] not in ([], ["--dry-run"]):
        raise SystemExit("usage: python -m stages.check [--dry-run], which writes nothing")
    try:
        settings = reading.checked(values := reading.read())
        asked = reading.asked(settings)
        for one, key in ((settings, "data"), (asked, "questions.data")):
            datasets.expect(one.data.name, key)
        if "--dry-run" in sys.argv and not all(
            datasets.is_here(one.data.name) for one in (settings, asked)
        ):
            return  # their shapes are not known yet
        found = plans.resolve(settings)
        grids = sweeps.resolve(settings) | sweeps.resolve(asked, "questions.")
        stale = stale_results(settings, grids)
    except ParamsError as error:
        raise SystemExit(str(error)) from None
    if "--dry-run" in sys.argv:  # DVC holds no lock then, and a training may be running
        return
    for path in stale:
        moved = move_away(path)
        print(f"{path}: moved to {moved}, since there is no such variant or sweep any more")
    settings, false_labels = labels.true_ones(settings, found)
    for line in [*false_labels, *reading.aliases(values)]:
        print(line)
    if not str(Path.cwd()).isascii():
        print(f"{Path.cwd()}: not ASCII, so DVC's queue and `dvc exp run --temp` fail here")
    write(described(settings, found, asked), found, grids)


def stale_results(settings: Params, grids: dict[str, Grid]) -> list[Path]:
    """The results of variants and sweeps that the settings no longer have.

    DVC treats their folders as a whole: `evaluate` depends on leftover runs, too, and DVC deletes a
    run before it trains it again. So anything else in data/runs raises ParamsError.
    """
    runs = sorted((DATA / "runs").glob("*"))
    strange = [run for run in runs if not run.is_dir()]
    strange += [f for f in sorted((DATA / "runs").glob("*/*")) if f.name not in results.FILES]
    if strange:
        rule = "is not an initlab result and would be deleted; move it elsewhere"
        raise ParamsError(*(f"{path}: {rule}" for path in strange))
    stale = [run for run in runs if run.name not in settings.variants]
    return stale + [t for t in sorted(TABLES.glob("*.csv")) if t.stem not in grids]


def move_away(path: Path) -> Path:
    """Move a result to data/removed, where DVC ignores it; returns its new path."""
    folder = DATA / "removed"
    folder.mkdir(exist_ok=True)
    names = chain([path.name], (f"{path.stem}-{i}{path.suffix}" for i in count(2)))
    free = next(folder / name for name in names if not (folder / name).exists())
    return Path(shutil.move(path, free))  # copies if data/runs is on another disk


def write(study: dict, found: dict[str, Plan], grids: dict[str, Grid]) -> None:
    """Write the files that the other stages read instead of the settings."""
    files = {DATA / "plans" / f"{name}.json": plan.as_json() for name, plan in found.items()}
    files |= {DATA / "sweeps" / f"{name}.json": grid.as_json() for name, grid in grids.items()}
    files |= {
        # Not only for readers: DVC warns three times about an empty folder.
        DATA / "sweeps" / "names.txt": "".join(f"{name}\n" for name in grids),
        DATA / "variants.txt": "".join(f"{name}\n" for name in found),
        DATA / "study.json": integrity.as_json(study),
    }
    writing.replace(files)
    TABLES.mkdir(parents=True, exist_ok=True)  # DVC expects it in a study without sweeps, too
    for path in (*(DATA / "plans").glob("*.json"), *(DATA / "sweeps").glob("*.json")):
        if path not in files:
            path.unlink()


def described(settings: Params, found: dict[str, Plan], asked: Params | None = None) -> dict:
    """The study for reports: shared settings, every variant with its looks and its plan, sweeps."""
    facts = datasets.facts(settings.data.name)
    shared = settings.model_dump(include={"data", "seeds", "network", "training"})
    shared["network"]["crop"] = None
    shared |= {"shape": facts.shape, "classes": facts.classes}
    written = settings.model_dump(exclude_none=True, exclude_defaults=True)["variants"]
    variants = {}
    for name, plan in found.items():
        looks = settings.display.get(name, DisplaySettings())
        variants[name] = {
            "label": settings.label_of(name),
            "group": one_line(looks.group) or "other",
            "color": looks.color,
            "written": written[name],
            "plan": asdict(plan),
        }
    grids = {name: described_sweep(settings, name) for name in settings.sweeps}
    own = {"variants": variants, "sweeps": grids, "questions": described_questions(asked)}
    return shared | {"probed": probes.PROBED} | own


def described_questions(asked: Params | None) -> dict:
    """The sweeps of questions.yaml for reports, and the commonest class of their test examples."""
    if not asked or not asked.sweeps:
        return {}
    labels = data.load(DATA / asked.data.name).test.labels
    return {
        "data": asked.data.name,
        "commonest": int(labels.bincount().max()) / len(labels),
        "sweeps": {name: described_sweep(asked, name) for name in asked.sweeps},
    }


def described_sweep(settings: Params, name: str) -> dict:
    """A sweep for reports; its plans are in data/sweeps."""
    sweep = settings.sweeps[name]
    axes = {
        side: {"key": axis.key, "values": axis.points(), "labels": settings.labels_of(axis)}
        for side, axis in sweep.axes
    }
    label = one_line(sweep.label) or name
    return axes | {"label": label, "seeds": sweep.seeds, "shows": sweep.shows}


if __name__ == "__main__":
    running.run(main)
