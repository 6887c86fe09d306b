"""README's figures, written from reports."""

import json
from pathlib import Path

import pytest

from stages.analysis.claims import LECTURE
from stages.analysis.judging import audit
from stages.analysis.outcomes import comparison
from stages.analysis.sources import SOURCES
from stages.rendering import claims, summary
from stages.settings import yaml_file
from tests import made_up
from tools import readme, verify

TEXT = "# A title\n\n{}before\n{}\nafter\n"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with README, its template, reports and params.yaml of a made-up study."""
    names = ["baseline", "all_zero", "zero_weights"]
    study = made_up.study(names)
    results = made_up.results({name: made_up.ACCURACIES[name] for name in names}, made_up.PROBED)
    rows = claims.rows(study, results, audit((*LECTURE, *SOURCES), study, results))
    table = summary.csv(comparison(study, results), summary.SUMMARY_COLUMNS)
    (tmp_path / "claims.json").write_text(json.dumps(rows), encoding="utf-8")
    (tmp_path / "summary.csv").write_text(table, encoding="utf-8")
    params = made_up.SETTINGS | {"variants": {name: made_up.EVERY[name][2] for name in names}}
    (tmp_path / "params.yaml").write_text(yaml_file.dumps(params), encoding="utf-8")
    (tmp_path / "README.md").write_text(TEXT.format(readme.START, readme.END), encoding="utf-8")
    (tmp_path / "template.md").write_text(
        "{{ variants }} variants, {{ of('baseline') }}, {{ of('zero_weights') }}\n"
        "{% for row in sets.lecture %}{{ row.verdict }}\n{% endfor %}",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    for name, path in (("REPORTS", tmp_path), ("TEMPLATE", tmp_path / "template.md")):
        monkeypatch.setattr(readme, name, path)
    return tmp_path


def test_the_figures_are_those_of_the_reports_and_the_rest_stays(folder):
    readme.main()
    text = Path("README.md").read_text(encoding="utf-8")
    assert text.startswith("# A title\n")
    assert text.endswith("\nafter\n")
    assert "3 variants, 97.70 %, 3 of 5 learn\n" in text
    assert text.count("not tested") == 8
    assert "before" not in text
    assert readme.renewed() == text


def test_a_readme_that_has_no_place_for_figures_stays(folder):
    Path("README.md").write_text("Mine.\n", encoding="utf-8")
    assert readme.renewed() == "Mine.\n"


def test_a_variant_that_is_gone_is_named(folder):
    Path("template.md").write_text("{{ of('gone') }}", encoding="utf-8")
    with pytest.raises(SystemExit, match="tells of gone, which this study does not have"):
        readme.renewed()


def test_verify_tells_of_old_figures(folder, monkeypatch):
    monkeypatch.setattr(verify, "compare", lambda: None)
    with pytest.raises(SystemExit, match="its figures are not those in reports/"):
        verify.main()
    readme.main()
    verify.main()
