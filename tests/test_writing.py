"""Outputs are written all or none, and never into an existing file."""

import os

import pytest

from stages import writing


def test_an_output_that_cannot_be_written_leaves_all_others(tmp_path):
    one, two = tmp_path / "one.txt", tmp_path / "two.txt"
    one.write_text("old")
    two.mkdir()  # in the way
    (two / "content").touch()
    with pytest.raises(OSError):
        writing.replace({two: "new", one: "new"})
    assert one.read_text() == "old"
    assert not list(tmp_path.glob(".partial-*"))


@pytest.mark.parametrize("kind", [os.symlink, os.link])
def test_a_link_is_replaced_and_its_target_stays(tmp_path, kind):
    cached, output = tmp_path / "cached", tmp_path / "output"
    cached.write_text("in the cache")
    cached.chmod(0o444)  # as DVC leaves it
    kind(cached, output)
    writing.replace({output: "neu ✓", tmp_path / "folder" / "other": b"new"})
    assert output.read_text(encoding="utf-8") == "neu ✓"
    assert (tmp_path / "folder" / "other").read_bytes() == b"new"
    assert not output.is_symlink()
    assert cached.read_text() == "in the cache"
