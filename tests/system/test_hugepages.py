# SPDX-License-Identifier: BSD-3-Clause
"""The same binary takes hugepages where enough are free, and plain memory where they are not."""

import re
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from conftest import first_short
from lab.commands import run, wait_until
from lab.engine import DRIVERS
from test_drivers import smoke

RESERVED = Path("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")
FREE = RESERVED.with_name("free_hugepages")
SURPLUS = RESERVED.with_name("surplus_hugepages")


def put_back(count):
    """Pages that are still in use, or on their way back, are counted beyond the setting."""
    RESERVED.write_text(str(count))
    return int(RESERVED.read_text()) == count


@contextmanager
def reserved(count):
    """So many more free hugepages of 2 MB; the setting is put back afterwards."""
    before = int(RESERVED.read_text()) - int(SURPLUS.read_text())
    try:
        RESERVED.write_text(str(before + count))
    except OSError as refused:
        pytest.skip(f"hugepages cannot be had: {refused}")
    try:
        if int(FREE.read_text()) < count:
            pytest.skip(f"{FREE.read_text().strip()} of {count} hugepages could be had")
        yield
    finally:
        wait_until(lambda: put_back(before), 10, "the hugepages to go back")


@contextmanager
def mounted(path):
    path.mkdir()
    run("mount", "-t", "hugetlbfs", "-o", "pagesize=2M", "none", path)
    try:
        yield path
    finally:
        run("umount", path)


def hugepage_bytes(engine):
    """What the process has mapped of them."""
    text = Path(f"/proc/{engine.process.pid}/status").read_text()
    return int(re.search(r"HugetlbPages:\s+(\d+) kB", text).group(1)) << 10


@pytest.fixture
def hugepages():
    if not RESERVED.exists():
        pytest.skip("the kernel has no hugepages of 2 MB")
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("pmd", first_short(DRIVERS))
def test_they_are_taken(hugepages, make_engine, pmd):
    hugepages.enter_context(reserved(128))
    engine = make_engine(pmd=pmd)
    assert hugepage_bytes(engine) >= 4 << 20
    smoke(engine)


def test_in_a_folder_of_their_own(hugepages, make_engine, tmp_path):
    """EAL's own arguments pass through. The files are gone as soon as they are mapped, so kill -9 leaves none."""
    hugepages.enter_context(reserved(128))
    folder = hugepages.enter_context(mounted(tmp_path / "pages"))
    engine = make_engine(changes={"engine": {"eal": ["--huge-dir", str(folder)]}})
    assert hugepage_bytes(engine) >= 4 << 20
    assert str(folder) in Path(f"/proc/{engine.process.pid}/maps").read_text()
    assert not list(folder.iterdir())
    smoke(engine)


def test_too_few_are_left_alone(hugepages, make_engine):
    hugepages.enter_context(reserved(2))
    engine = make_engine()
    assert hugepage_bytes(engine) == 0
    smoke(engine)
