"""Stage check: params.yaml can be run, and what every variant's training is told."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

from stages.settings import plans, reading
from stages.settings.params import Params
from stages.training import probes, results
from stages.training.plan import Plan

DATA = Path("data")


def main() -> None:
    try:
        settings = reading.load()
        found = plans.resolve(settings)
        stale = stale_runs(settings)
    except reading.ParamsError as error:
        raise SystemExit(str(error)) from None
    for run in stale:
        shutil.rmtree(run)
        print(f"{run}: removed, params.yaml has no such variant (DVC's cache keeps it)")
    write(settings, found)


def stale_runs(settings: Params) -> list[Path]:
    """The results of variants that params.yaml no longer has.

    DVC takes data/runs as a whole, so what is left there would make the same study look like
    another one. Raises ParamsError for anything else there, which is not ours to remove.
    """
    runs = DATA / "runs"
    others = sorted(p for p in runs.glob("*") if p.name not in settings.variants)
    for path in others:
        if not path.is_dir() or {file.name for file in path.iterdir()} != results.FILES:
            raise reading.ParamsError([f"{path}: is not the result of a variant; move it away"])
    return others


def write(settings: Params, found: dict[str, Plan]) -> None:
    """Write what the other stages read instead of params.yaml."""
    folder = DATA / "plans"
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.stem not in found:
            path.unlink()
    for name, plan in found.items():
        (folder / f"{name}.json").write_text(plan.as_json(), encoding="utf-8")
    # Always the same words: a valid edit changes nothing for the stage that waits for this.
    (DATA / "params_are_valid").write_text("params.yaml is valid\n", encoding="utf-8")
    (DATA / "variants.txt").write_text("".join(f"{name}\n" for name in found), encoding="utf-8")
    study = json.dumps(described(settings, found), indent=1, ensure_ascii=False)
    (DATA / "study.json").write_text(f"{study}\n", encoding="utf-8")


def described(settings: Params, found: dict[str, Plan]) -> dict:
    """The study as reports tell it: what is shared, and every variant with its looks."""
    shared = settings.model_dump(include={"data", "seeds", "network", "training"})
    written = settings.model_dump(exclude_none=True, exclude_defaults=True)["variants"]
    variants = {}
    for name, plan in found.items():
        display = settings.display.get(name)
        variants[name] = {
            "label": " ".join(((display and display.label) or name).split()),
            "group": (display and display.group) or "other",
            "color": display and display.color,
            "written": written[name],
            "plan": asdict(plan),
        }
    return shared | {"probed": probes.PROBED, "variants": variants}


if __name__ == "__main__":
    main()
