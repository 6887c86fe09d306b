"""The stage check and the files that it writes, in a made-up folder."""

import copy
import sys
from pathlib import Path

import pytest

from stages import check
from stages.analysis.study import Study
from stages.settings import plans
from stages.settings.params import Params
from stages.training import integrity, probes, results
from stages.training.plan import Plan
from tests.conftest import SMALL, as_yaml

DATA = Path("data")
RUNS = DATA / "runs"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["check"])


def checked(values: dict = SMALL) -> None:
    """Run the stage on these parameters."""
    Path("params.yaml").write_text(as_yaml(values), encoding="utf-8")
    check.main()


def changed(**sections) -> dict:
    """SMALL with entries added to its sections."""
    values = copy.deepcopy(SMALL)
    for name, entries in sections.items():
        values[name] |= entries
    return values


def run_of(variant: str) -> Path:
    """A folder like the result of a variant."""
    folder = RUNS / variant
    folder.mkdir(parents=True)
    for name in results.FILES:
        (folder / name).write_text(variant)
    return folder


def written() -> dict[str, bytes]:
    """Every file in data by its name."""
    return {p.relative_to(DATA).as_posix(): p.read_bytes() for p in DATA.rglob("*") if p.is_file()}


def test_check_writes_the_files_that_other_stages_read():
    checked()
    assert written().keys() == {
        "plans/all_ones.json", "plans/baseline.json", "study.json",
        "sweeps/names.txt", "variants.txt",
    }  # fmt: skip
    assert (DATA / "variants.txt").read_text() == "baseline\nall_ones\n"
    for name, plan in plans.resolve(Params.model_validate(SMALL)).items():
        assert Plan.read(DATA / "plans" / f"{name}.json") == plan


@pytest.mark.parametrize("name", ["plain", "é"])
def test_a_path_beyond_ascii_is_reported(name, monkeypatch, capsys):
    Path(name).mkdir()
    monkeypatch.chdir(name)
    checked()
    assert ("not ASCII" in capsys.readouterr().out) == (name == "é")


def test_study_json_has_settings_looks_and_plans():
    looks = {"label": "ünits “alike”", "color": "#123456", "group": "constants"}
    checked(changed(display={"all_ones": looks, "baseline": {"label": " \n", "group": " "}}))
    study = Study.of(integrity.read_json(DATA / "study.json"))
    assert study.data == {"name": "mnist", "limit": 640}
    assert study.training["lr"] == 0.001
    assert (study.seeds, study.probed) == (2, probes.PROBED)
    baseline, ones = study.variants.values()
    assert (baseline.label, baseline.group, baseline.color) == ("baseline", "other", None)
    assert (ones.label, ones.group, ones.color) == ("ünits “alike”", "constants", "#123456")
    assert (baseline.written, ones.written) == ({}, SMALL["variants"]["all_ones"])
    for variant in study.variants.values():
        assert variant.plan == integrity.read_json(DATA / "plans" / f"{variant.name}.json")


def test_edit_changes_no_file_of_other_variants():
    checked()
    before = written()
    checked()
    assert written() == before
    for edit, files in (
        ({"display": {"all_ones": {"label": "ones"}}}, {"study.json"}),
        ({"variants": {"all_ones": {"all": {"weight": "ones"}}}},
         {"study.json", "plans/all_ones.json"}),
        ({"variants": {"zero": {"all": {"weight": "zeros"}}}},
         {"study.json", "plans/zero.json", "variants.txt"}),
    ):  # fmt: skip
        checked(changed(**edit))
        after = written()
        assert {name for name in after if after[name] != before.get(name)} == files
        checked()
        assert written() == before


def test_alias_of_a_mapping_gets_one_line(capsys):
    shared = {"weight": "ones"}  # as_yaml writes it once, and an alias
    checked(changed(variants={"a": {"all": shared}, "b": {"out": shared}}))
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("params.yaml: variants.b.out: an alias of variants.a.all: `dvc exp run")


def test_results_of_a_removed_variant_are_moved_away(capsys):
    kept, gone = run_of("baseline"), run_of("zero")
    checked(changed(variants={"zero": {}}))
    assert gone.is_dir() and capsys.readouterr().out == ""
    checked()
    assert sorted(RUNS.iterdir()) == [kept]
    assert {file.name for file in kept.iterdir()} == results.FILES
    assert not (DATA / "plans" / "zero.json").exists()
    assert capsys.readouterr().out.startswith("data/runs/zero: moved to data/removed/zero, ")
    assert {file.name for file in (DATA / "removed" / "zero").iterdir()} == results.FILES
    run_of("zero")
    checked()
    assert (DATA / "removed" / "zero-2").is_dir()


@pytest.mark.parametrize("name", ["chapter", "thesis/chapter", "baseline/note.txt"])
def test_other_files_among_the_results_are_refused_and_kept(name):
    stale = run_of("zero")
    precious = RUNS / name
    precious.parent.mkdir(exist_ok=True)
    precious.write_text("precious")
    before = written()
    with pytest.raises(SystemExit) as refused:
        checked()
    assert refused.value.code.startswith(f"{precious}: is not an initlab result")
    assert written() == before
    assert stale.is_dir()


def test_mistake_ends_check_in_one_line_and_changes_nothing():
    checked()
    run_of("zero")
    before = written()
    wrong = changed(variants={"all_ones": {"all": {"weight": "onse"}}})
    for values, words in ((wrong, "all.weight = 'onse'"), (SMALL | {"seeds": 0}, "seeds = 0")):
        with pytest.raises(SystemExit) as refused:
            checked(values)
        assert words in refused.value.code
        assert "\n" not in refused.value.code
        assert written() == before
