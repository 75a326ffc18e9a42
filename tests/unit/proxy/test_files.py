"""Every way in which files are replaced is a change."""

from __future__ import annotations

import os
from pathlib import Path

from keyward_proxy.files import stamp


def test_files_that_stay_have_the_same_stamp(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("one")
    assert stamp([file]) == stamp([file])


def test_each_kind_of_change_shows(tmp_path: Path) -> None:
    file, other = tmp_path / "a", tmp_path / "b"
    seen = {stamp([file])}
    file.write_text("one")
    seen.add(stamp([file]))
    file.write_text("three")
    seen.add(stamp([file]))
    other.write_text("three")
    times = file.stat()
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(file)
    seen.add(stamp([file]))
    file.unlink()
    (tmp_path / "c").write_text("three")
    file.symlink_to("c")
    seen.add(stamp([file]))
    assert len(seen) == 5
