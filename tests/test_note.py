"""The note for Obsidian, from made-up studies."""

import re
from dataclasses import replace

import jinja2
import markdown_it
import pandas as pd
import pytest

from stages.analysis.claims import LECTURE
from stages.analysis.judging import Verdict, audit
from stages.analysis.outcomes import Outcome, comparison
from stages.analysis.results import Results
from stages.analysis.sources import SOURCES
from stages.analysis.study import Study
from stages.rendering import claims as rendering
from stages.rendering import note
from stages.rendering.environment import environment, plain
from stages.settings import yaml_file
from tests import made_up
from tests.made_up import PARTED

LABEL = 'a|b <b>bold</b> "it\'s" *x* [[y]] `z` #t $1$ %%c%%'
VARIANTS = ("baseline", "zero_fc1", "all_zero", "all_ones", "zero_weights", "constant", "zero_out")
SAME = dict.fromkeys(VARIANTS, 0.9)

Parts = tuple[Study, Results, pd.DataFrame, list[dict]]


def parts(study: Study, accuracies: dict, probed: dict | None = None) -> Parts:
    """Study, table and audit of made-up results, as the report stage has them."""
    results = made_up.results(accuracies, probed)
    judged = rendering.rows(study, results, audit((*LECTURE, *SOURCES), study, results))
    return study, results, comparison(study, results), judged


def made(study: Study, accuracies: dict) -> str:
    """The note of made-up results."""
    return note.text(*parts(study, accuracies))


@pytest.fixture(scope="module")
def everything() -> Parts:
    """A study with every variant, as theory has it."""
    return parts(made_up.study(), made_up.ACCURACIES, made_up.PROBED)


@pytest.fixture(scope="module")
def text(everything: Parts) -> str:
    return note.text(*everything)


def front_matter(text):
    _, yaml, rest = text.split("---\n", 2)
    return yaml_file.loads(yaml), rest


def html(text):
    return markdown_it.MarkdownIt("commonmark").enable("table").render(front_matter(text)[1])


def section(text, number):
    """What stands under a heading, up to the next one."""
    return re.search(rf"^##+ {re.escape(number)}\. .*?\n(.*?)(?=^#)", text, re.M | re.S)[1]


def assert_well_formed(text):
    assert text.startswith("---\ntitle: ")
    assert text.endswith("\n") and not text.endswith("\n\n")
    assert not re.search(r"[ \t]$", text, re.M)
    assert "\n\n\n" not in text
    assert "nan" not in re.findall(r"\w+", text) and "{{" not in text
    for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
        head, rule, *rows = table.splitlines()
        assert re.fullmatch(r"\|(-+:?\|)+", rule)
        assert rows and all(row.count("|") == head.count("|") for row in rows)
    assert text.count("[[") == text.count("]]") > 0


def test_the_note_of_a_whole_study_is_well_formed(text):
    assert_well_formed(text)


def test_front_matter_has_title_aliases_and_tags(text):
    matter, rest = front_matter(text)
    assert matter["title"] == "Weight initialization, measured on MNIST"
    assert "weight-initialization" in matter["tags"]
    assert all(re.fullmatch(r"[a-z-]+", tag) for tag in matter["tags"])
    assert all(isinstance(alias, str) for alias in matter["aliases"])
    assert rest.lstrip().startswith(f"# {matter['title']}")


def test_headings_follow_the_lectures_numbers_and_topics(text):
    topics = {
        "1": "Overview", "2": "Motivation", "3": "Demonstration", "4": "Experiments",
        "4.1": "Baseline", "4.2": "One layer", "4.3": "All parameters at zero",
        "4.4": "one, or at another constant", "5": "Learning curves", "6": "Why",
        "7": "Summary", "8": "Further reading",
    }  # fmt: skip
    headings = dict(re.findall(r"^##+ ([\d.]+)\. (.+)$", text, re.M))
    for number, topic in topics.items():
        assert topic in headings[number], number
    assert list(headings) == sorted(headings)
    cited = {n for claim in LECTURE for n in claim.place.split(", ")}
    assert cited <= headings.keys()


def test_figures_and_links_lead_somewhere(text):
    links = re.findall(r"\]\(([^)]+)\)", text)
    relative = [link for link in links if not link.startswith("https://")]
    assert "figures/learning_curves.png" in relative
    assert all(re.fullmatch(r"figures/\w+\.png", link) for link in relative)
    assert len(links) - len(relative) == 5
    assert "learning_curves.png" in section(text, "5")


def test_every_claim_is_in_the_table_with_its_verdict(text, everything):
    listed = text.partition("## The claims, one by one")[2]
    rows = [line for line in listed.splitlines() if line.count(" | ") == 4 and "**" in line]
    assert len(rows) == len(everything[3])
    for row, shown in zip(everything[3], rows, strict=True):
        start = f"{row['place']} | {row['claim']} | **{row['verdict']}** |"
        assert plain(start) in shown or start in shown


def test_every_claim_is_shown_with_its_reason_or_number(text, everything):
    told = text.partition("## The claims")[0]
    for row in everything[3][: len(LECTURE)]:
        assert f"*{row['claim']}* → **{row['verdict']}**" in told
        assert row["evidence"] in told or row["why"] in told, row["id"]


def test_sections_have_the_tables_numbers(text, everything):
    rows = {row.variant: row for row in everything[2].itertuples()}
    for number, variant in {
        "4.1": "baseline", "4.2": "zero_fc1", "4.3": "all_zero", "4.4": "all_ones",
    }.items():  # fmt: skip
        row = rows[variant]
        alike = row.test_acc_low == row.test_acc_high
        inside = "every seed)" if alike else f"{100 * row.test_acc_low:.2f} to"
        line = f"**{row.label}:** {100 * row.test_acc_mean:.2f} % ({inside}"
        assert line in section(text, number)
        assert f"*{row.outcome.value}*." in section(text, number)
    row = rows["zero_fc1"]
    assert f"−{-100 * row.diff_mean:.2f} points" in section(text, "4.2")


def test_another_table_gives_other_numbers(everything):
    study, results, table, audit = everything
    other = table.copy()
    for column in ("test_acc_mean", "test_acc_low", "test_acc_high"):
        other.loc[other["variant"] == "zero_fc1", column] = 0.4321
    other.loc[other["variant"] == "zero_fc1", "outcome"] = Outcome.PARTLY
    other.loc[other["variant"] == "zero_fc1", "diff_mean"] = -0.5432
    changed = note.text(study, results, other, audit)
    assert "43.21 % (every seed), −54.32 points" in section(changed, "4.2")
    assert "*learns partly*" in section(changed, "4.2")
    for outcome in (Outcome.STUCK, Outcome.LEARNS):
        count = list(other["outcome"]).count(outcome)
        assert f"{count} × *{outcome.value}*" in section(changed, "1")


def test_no_measured_number_stands_in_the_template(everything):
    """With all results replaced, nothing of the old ones is left."""
    study, results, table, audit = everything
    numbers = table.select_dtypes("float").columns
    blank = table.assign(outcome=Outcome.LEARNS, **dict.fromkeys(numbers, 0.7777))
    holds = {"evidence": "E.", "why": "W.", "verdict": Verdict.HOLDS.value}
    gone = [row | holds for row in audit]
    text = note.text(study, results, blank, gone)
    accuracies = set(re.findall(r"[\d.]+(?= %)", text)) - {"77.77", "13.35"}
    # The lecture's own figures, and the level of the intervals.
    assert accuracies <= set(re.findall(r"[\d.]+(?= %)", " ".join(r["claim"] for r in audit)))
    assert f"{len(LECTURE)} × *holds*" in text
    assert f"{len(SOURCES)} × *holds*" in text
    assert f"{len(table)} × *learns*" in text
    assert "**does not hold**" not in text


def test_what_was_run_is_what_params_say(text, everything):
    model, training = section(text, "3.2"), section(text, "3.3")
    assert "2 hidden layers (128, 64 units" in model and "[[ReLU]]" in model
    assert "[[Adam]] with learning rate 0.001, 10 epochs, batches of 64" in training
    tanh = {"hidden": [32], "activation": "tanh"}
    other = made(made_up.study(VARIANTS, network=tanh, data={"limit": 600}), SAME)
    assert "1 hidden layer (32 units" in section(other, "3.2")
    assert "[[ReLU]]" not in section(other, "3.2")
    assert "the first 600 training images" in section(other, "3.1")
    assert "activation = tanh (the lecture: relu)" in section(other, "3.3")
    assert "limit = 600 (the lecture: all images)" in section(other, "3.3")
    assert "departs from the lecture" not in text


def test_seeds_that_part_ways_are_counts_without_a_mean():
    accuracies = SAME | {"zero_weights": PARTED, "zero_fc1": PARTED}
    text = made(made_up.study(VARIANTS), accuracies)
    assert_well_formed(text)
    line = "**fc1 all zeros:** the seeds part ways: *3 of 5 learn*."
    assert line in section(text, "4.2")
    assert "| weights zero, biases random | 3 | – | – | 3 of 5 learn |" in text
    assert "2 × *the seeds part ways*" in section(text, "1")


def test_what_was_trained_for_fewer_epochs_is_compared_with_the_baseline_then():
    accuracies = SAME | {"zero_out": 0.8}
    study, results, _, judged = parts(made_up.study(VARIANTS), accuracies)
    history = results.history
    last = (history["epoch"] == made_up.EPOCHS) & (history["variant"] == "zero_out")
    shorter = replace(results, history=history[~last])
    text = note.text(study, shorter, comparison(study, shorter), judged)
    [row] = [line for line in text.splitlines() if line.startswith("| out all zeros | 2 |")]
    assert ", the baseline then at 90.00 % |" in row
    assert text.count("the baseline then") == 1


def test_who_diverged_has_no_accuracy(everything):
    study, results, table, audit = everything
    gone = table["variant"].isin(["all_ones", "zero_out"])
    table = table.assign(outcome=table["outcome"].mask(gone, Outcome.DIVERGES))
    text = note.text(study, results, table, audit)
    assert section(text, "4.4").lstrip().startswith("**all ones:** *diverges*.")
    assert "| out all zeros | 3 | – | – | diverges |" in text


def test_a_study_without_the_lectures_variants_says_so():
    text = made(made_up.study(["hadamard"]), {"hadamard": 0.97})
    assert_well_formed(text)
    for number, start in {
        "4.1": "PyTorch's default in every tensor", "4.3": "every tensor at 0",
        "4.4": "every tensor at 1",
    }.items():  # fmt: skip
        assert f"This study has no variant with {start} in its own network" in section(text, number)
    assert section(text, "4.3").strip().count(".") == 1
    assert "1 × *learns*" in text
    assert "No claim of the lecture's overview was tested" in text
    assert "from the baseline" not in section(text, "4.1")
    assert f"{len(LECTURE)} × *not tested*" in text


def test_a_study_of_two_variants_and_two_seeds():
    accuracies = {"baseline": [0.9, 0.91], "all_ones": [0.11, 0.12]}
    text = made(made_up.study(accuracies, seeds=2, data={"limit": 640}), accuracies)
    assert_well_formed(text)
    assert "The study has 2 variants (ways to start) and trains 2 seeds of each." in text
    assert "the first 640 training images" in text
    assert "**all ones:** 11.50 %" in section(text, "4.4")
    assert "“PyTorch default” has limit 640 (not all images)" in section(text, "4.1")


def test_one_seed_has_no_intervals():
    text = made(made_up.study(VARIANTS, seeds=1), {v: [0.9] for v in VARIANTS})
    assert_well_formed(text)
    assert "**PyTorch default:** 90.00 %; *learns*." in section(text, "4.1")
    assert "0.00 points from the baseline; *learns*." in section(text, "4.2")
    assert "there are no intervals" in section(text, "3.3")
    assert "trains 1 seed of each" in section(text, "1")


def test_another_data_set_gets_its_name_and_no_verdict():
    study = made_up.study(VARIANTS, data={"name": "fashion_mnist"})
    text = made(study, dict.fromkeys(VARIANTS, 0.85))
    assert_well_formed(text)
    assert front_matter(text)[0]["title"].endswith("Fashion-MNIST")
    assert section(text, "3.1").lstrip().startswith("Fashion-MNIST")
    assert "**PyTorch default:** 85.00 %" in section(text, "4.1")
    assert "data = fashion_mnist (the lecture: mnist)" in section(text, "3.3")
    assert "→ **holds" not in text


@pytest.mark.parametrize("label", [LABEL, "a\\|b", "_x_", "two\nlines", "&lt;", "~~gone~~ ==lit=="])
def test_a_label_shows_as_text(label):
    display = {name: {"label": label, "group": label} for name in VARIANTS}
    text = made(made_up.study(VARIANTS, display), SAME)
    assert_well_formed(text)
    shown = " ".join(label.split())
    escaped = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    escaped = escaped.replace('"', "&quot;")
    page = html(text)
    assert f"<strong>{escaped}:</strong>" in page
    assert f"<td>{escaped}</td>" in page  # a cell of its own
    assert f"<em>{escaped}</em>" in page  # the group
    for markup in ("%%", "[[y", "==", "~~", "#t", "$1"):  # Obsidian's own
        assert markup not in text


def test_a_mistake_in_the_template_is_not_rendered_as_nothing():
    with pytest.raises(jinja2.UndefinedError):
        environment(autoescape=False).from_string("{{ no_such_name }}").render()
