"""The note for Obsidian, on made-up studies."""

import re
from dataclasses import replace

import pytest

from stages.analysis.claims.form import Verdict
from stages.analysis.claims.lecture import LECTURE
from stages.analysis.outcomes import Outcome
from stages.analysis.report import Report
from stages.rendering import claims, note
from stages.rendering.environment import plain
from stages.settings import yaml_file
from tests import made_up
from tests.made_up import DISAGREE, STUCK

VARIANTS = ("baseline", "zero_fc1", "all_zero", "all_ones", "zero_weights", "constant", "zero_out")
SAME = dict.fromkeys(VARIANTS, 0.9)
LIST = "## The claims, one by one"


def text_of(report: Report) -> str:
    return note.text(report, claims.rows(report))


@pytest.fixture(scope="module")
def report() -> Report:
    return made_up.report()


@pytest.fixture(scope="module")
def text(report) -> str:
    return text_of(report)


def section(text: str, number: str) -> str:
    """The text under a heading, up to the next one."""
    return re.search(rf"^##+ {re.escape(number)}\. .*?\n(.*?)(?=^#)", text, re.M | re.S)[1]


def assert_well_formed(text: str) -> None:
    assert text.startswith("---\ntitle: ") and text.endswith("\n") and not text.endswith("\n\n")
    assert not re.search(r"[ \t]$", text, re.M) and "\n\n\n" not in text
    assert "nan" not in re.findall(r"\w+", text) and "None" not in text and "{{" not in text
    for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
        head, rule, *rows = table.splitlines()
        assert re.fullmatch(r"\|(-+:?\|)+", rule)
        assert rows and all(row.count("|") == head.count("|") for row in rows)
    headings = list(re.finditer(r"^(#+) .*\n", text, re.M))
    for one, following in zip(headings, [*headings[1:], None], strict=True):
        between = text[one.end() : following and following.start()].strip()
        parent = following and len(following[1]) > len(one[1])
        assert between or parent, f"{one[0]}: an empty section"


@pytest.mark.parametrize(
    ("accuracies", "sections"),
    [
        (made_up.ACCURACIES, {}),
        ({"baseline": 0.9}, {}),
        ({"baseline": [0.9, 0.91], "all_ones": [0.11, 0.12]}, {"seeds": 2, "data": {"limit": 640}}),
        ({name: [0.9] for name in VARIANTS}, {"seeds": 1}),
        (SAME, {"network": {"hidden": [32], "activation": "tanh"}}),
        (SAME | {"zero_weights": DISAGREE, "zero_fc1": STUCK}, {}),
    ],
)
def test_a_note_has_whole_tables_and_no_empty_section(accuracies, sections):
    assert_well_formed(text_of(made_up.report(accuracies, **sections)))


def test_front_matter_has_title_aliases_and_tags(text):
    _, yaml, rest = text.split("---\n", 2)
    matter = yaml_file.loads(yaml)
    assert matter["title"] == "Weight initialization, measured on MNIST"
    assert all(isinstance(alias, str) for alias in matter["aliases"])
    assert all(re.fullmatch(r"[a-z-]+", tag) for tag in matter["tags"])
    assert rest.lstrip().startswith(f"# {matter['title']}")


def test_headings_have_the_numbers_of_the_lectures_sections(text):
    headings = dict(re.findall(r"^##+ ([\d.]+)\. (.+)$", text, re.M))
    assert list(headings) == sorted(headings)
    assert {number for claim in LECTURE for number in claim.place.split(", ")} <= headings.keys()
    assert "All parameters at zero" in headings["4.3"]


def test_every_claim_has_its_verdict_and_evidence(text, report):
    rows = claims.rows(report)
    told, _, listed = text.partition(LIST)
    for row in rows:
        cells = (plain(row["claim"]), f"**{row['verdict']}**", plain(row["evidence"]))
        assert (" | ".join(cells) in listed) == (row["verdict"] != Verdict.UNTESTED.value)
    untested = sum(row["verdict"] == Verdict.UNTESTED.value for row in rows)
    assert untested and f"{untested} claims about other initializations" in listed
    for row in rows[: len(LECTURE)]:
        assert f"*{row['claim']}* → **{row['verdict']}**" in told
        assert row["evidence"] in told or row["why"] in told, row["id"]


def test_the_template_has_no_measured_number(report):
    numbers = report.table.select_dtypes("float").columns
    blank = report.table.assign(outcome=Outcome.LEARNS, **dict.fromkeys(numbers, 0.7777))
    new = {"evidence": "E.", "why": "W.", "verdict": Verdict.HOLDS.value}
    rows = [row | new for row in claims.rows(report)]
    text = note.text(replace(report, table=blank, findings={}), rows)
    accuracies = set(re.findall(r"[\d.]+(?= %)", text)) - {"77.77", "13.35"}
    # Except the lecture's own, the level of the intervals, and the example of a region.
    claimed = re.findall(r"[\d.]+(?= %)", " ".join(row["claim"] for row in rows))
    assert accuracies <= {*claimed, "90"}
    assert f"{len(LECTURE)} × *holds*" in text
    assert f"{len(blank)} × *learns*" in text and "**does not hold**" not in text


@pytest.mark.parametrize(
    ("accuracies", "sections", "number", "shown"),
    [
        (SAME, {}, "3.2", "2 hidden layers (128, 64 units; [[ReLU]]"),
        (SAME, {}, "3.3", "[[Adam]] with learning rate 0.001, 10 epochs, batches of 64"),
        (SAME, {"data": {"limit": 600}}, "3.1", "MNIST; the first 600 training examples"),
        (SAME, {"network": {"activation": "tanh"}}, "3.3", "activation = tanh (the lecture: relu)"),
        (SAME, {"data": {"name": "fashion_mnist"}}, "4.1", "**PyTorch default:** 90.00 %"),
        (SAME | {"zero_fc1": STUCK}, {}, "4.2", "11.35 % (every seed), −78.65 points; *stuck*."),
        (SAME | {"all_zero": STUCK}, {}, "4.3", "**all zeros:** 11.35 %; *stuck*."),
        (SAME, {}, "4.4", "**all ones:** 90.00 % (89.80 to 90.20 %); *learns*."),
        (SAME | {"zero_fc1": DISAGREE}, {}, "4.2", "**fc1 all zeros:** the seeds disagree; 3 of 5"),
        (SAME | {"zero_weights": DISAGREE}, {}, "4.2", "weights zero | 3 | – | – | 3 of 5 learn"),
        ({name: [0.9] for name in VARIANTS}, {"seeds": 1}, "4.1", "90.00 %; *learns*."),
        ({name: [0.9] for name in VARIANTS}, {"seeds": 1}, "3.3", "there are no intervals"),
        ({"hadamard": 0.97}, {}, "4.3", "no variant with every tensor at 0"),
        ({"hadamard": 0.97}, {}, "1", f"{len(LECTURE)} × *not tested*; 1 × *learns*"),
    ],
)  # fmt: skip
def test_a_section_shows_the_study(accuracies, sections, number, shown):
    text = section(text_of(made_up.report(accuracies, **sections)), number)
    assert all(part in text for part in shown.split("; ")), text


def test_a_shorter_training_is_compared_with_the_baseline_at_that_epoch():
    results = made_up.shortened(made_up.results(SAME | {"zero_out": 0.8}), "zero_out")
    text = text_of(made_up.report_of(results))
    [row] = [line for line in text.splitlines() if line.startswith("| out all zeros | 2 |")]
    assert "the baseline at that epoch: 90.00 %" in row


def test_a_variant_that_diverged_has_no_accuracy():
    results = made_up.diverge(made_up.results(SAME), "all_ones", *range(5))
    text = text_of(made_up.report_of(results))
    assert section(text, "4.4").lstrip().startswith("**all ones:** *diverges*.")
