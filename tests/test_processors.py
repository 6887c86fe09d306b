"""The same bytes on processors of both makers, emulated."""

from pathlib import Path

import pytest

from stages.training import BITS_PROMISED
from tools import processors

# Of both makers; `make processors` runs all that QEMU knows. Once is enough for the report, which
# takes as long as all other stages: torch's MKL is what looks at the maker, and the report does
# without it (test_rooms.py).
MODELS = {"Haswell": True, "EPYC": False}

pytestmark = pytest.mark.skipif(
    not (processors.QEMU and BITS_PROMISED),
    reason="install qemu-user, on Intel or AMD with AVX2: no such command as qemu-x86_64",
)


@pytest.fixture(scope="session")
def prepared(mnist_folder: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("processors") / "prepared"
    processors.prepare(folder, mnist_folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("model", "report"), MODELS.items())
def test_another_processor_gives_the_same_bytes(prepared, tmp_path, model, report):
    here = processors.run(prepared, tmp_path / "here", report=report)
    assert len(here) > 5 * len(processors.study()["variants"])
    assert ("reports/index.html" in here) == report
    there = processors.run(prepared, tmp_path / "there", model, report)
    assert not processors.differences(here, there)


def test_qemu_knows_processors_of_both_makers():
    known = processors.models()
    assert {*MODELS, "Icelake-Server", "EPYC-Milan"} <= {*known}
    assert not {"Nehalem", "Dhyana"} & {*known}  # without AVX2, and of another maker


def test_a_file_that_differs_or_is_missing_is_named():
    assert processors.differences({"a": b"1", "b": b"1", "c": b"1"}, {"a": b"1", "b": b"2"}) == [
        "b",
        "c",
    ]
