"""The same bytes on processors of both makers, emulated."""

from pathlib import Path

import pytest

from stages.training import BITS_PROMISED
from tools import processors

needs_qemu = pytest.mark.skipif(
    not (processors.QEMU and BITS_PROMISED),
    reason="install qemu-user: no such command as qemu-x86_64",
)


@pytest.fixture(scope="session")
def prepared(mnist_folder: Path, tmp_path_factory) -> tuple[Path, list[str]]:
    folder = tmp_path_factory.mktemp("processors")
    return folder, processors.prepare(folder / "prepared", mnist_folder)


@pytest.fixture(scope="session")
def here(prepared) -> dict[str, bytes]:
    folder, variants = prepared
    processors.run(folder / "prepared", folder / "here", variants)
    return processors.results(folder / "here")


@needs_qemu
@pytest.mark.slow
@pytest.mark.parametrize("model", ["Haswell", "Skylake-Client", "EPYC"])
def test_another_processor_gives_the_same_bytes(prepared, here, model):
    folder, variants = prepared
    processors.run(folder / "prepared", folder / model, variants, model)
    assert len(here) > 5 * len(variants)
    assert not processors.differences(here, processors.results(folder / model))


@needs_qemu
@pytest.mark.slow
def test_qemu_knows_processors_of_both_makers():
    assert {"Haswell", "Skylake-Client", "EPYC", "EPYC-Rome", "EPYC-Milan"} <= {
        *processors.models()
    }
