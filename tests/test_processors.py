"""The same bytes on emulated processors of both makers."""

import pytest

from stages.training import BITS_PROMISED
from tools import processors, verify

# The other maker's; `make processors` runs all that QEMU knows.
MODEL = "EPYC" if "Intel" in verify.processor() else "Haswell"

pytestmark = [
    pytest.mark.extra,
    pytest.mark.skipif(
        not (processors.QEMU and BITS_PROMISED),
        reason="install qemu-user, on Intel or AMD with AVX2: no such command as qemu-x86_64",
    ),
]


def test_a_processor_of_the_other_maker_gives_the_same_bytes(mnist_folder, tmp_path, monkeypatch):
    # Without initializers and pictures, which take minutes there; `make processors` has them.
    study = processors.study()
    variants = {k: v for k, v in study["variants"].items() if not k.startswith("init_")}
    monkeypatch.setattr(processors, "study", lambda: study | {"variants": variants})
    stages = processors.STAGES.replace(', ["report"]', "")
    monkeypatch.setattr(processors, "STAGES", stages)
    processors.prepare(tmp_path / "prepared", mnist_folder)
    here = processors.run(tmp_path / "prepared", tmp_path / "here")
    assert len(here) > 5 * len(variants)
    there = processors.run(tmp_path / "prepared", tmp_path / "there", MODEL)
    assert processors.differences(here, there) == []


def test_models_are_those_of_both_makers_with_avx2():
    known = processors.models()
    assert {"Haswell", "Icelake-Server", "EPYC", "EPYC-Milan"} <= {*known}
    assert not {"Nehalem", "Dhyana"} & {*known}  # without AVX2, and of another maker


def test_a_file_that_differs_or_is_missing_is_named():
    here, there = {"a": b"1", "b": b"1", "c": b"1"}, {"a": b"1", "b": b"2"}
    assert processors.differences(here, there) == ["b", "c"]
