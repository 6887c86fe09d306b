"""The measured part of README.md, written from the results."""

from pathlib import Path

import pytest

from tools import readme, verify


@pytest.mark.slow
def test_measured_part_shows_the_results_and_verify_asks_for_it(study, monkeypatch, capsys):
    monkeypatch.chdir(study.folder)
    monkeypatch.setattr(verify, "git", lambda *_: "")
    file = Path("README.md")
    file.write_text(f"# A title\n{readme.START}outdated\n{readme.END}after\n", encoding="utf-8")
    verify.main()
    assert "README.md shows other results; `make readme`" in capsys.readouterr().out
    readme.main()
    text = file.read_text(encoding="utf-8")
    assert text.startswith(f"# A title\n{readme.START}")
    assert text.endswith(f"{readme.END}after\n")
    assert " 2 variants" in text and "outdated" not in text
    assert "map_tanh_depth" not in text  # the small study has no such heat map
    verify.main()
    assert "README" not in capsys.readouterr().out


def test_readme_without_a_measured_part_stays_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("README.md").write_text("Mine.\n", encoding="utf-8")
    assert readme.renewed() == "Mine.\n"
