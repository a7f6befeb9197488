# SPDX-License-Identifier: BSD-3-Clause
"""The tree keeps its rules, and each rule finds what breaks it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import arrow  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", arrow.CHECKS)
def test_tree_keeps(name):
    faults = list(arrow.CHECKS[name](ROOT))
    assert not faults, "\n".join(faults)


def test_tree_has_sources():
    assert len(list(arrow.sources(ROOT))) > 20


# (check, file, its text): each of these breaks exactly one rule.
BROKEN = [
    ("arrow", "proto/smtp/a.c", '#include "rules/rule.h"\n'),
    ("arrow", "proto/smtp/a.c", '#include "dataplane/handoff/job.h"\n'),
    ("arrow", "rules/a.c", '#include "control/config/option.h"\n'),
    ("arrow", "dataplane/handoff/a.h", '#include "rules/rule.h"\n'),
    ("arrow", "dataplane/handoff/a.h", '#include "dataplane/tcp/tcp.h"\n'),
    ("arrow", "dataplane/tcp/a.c", '#include "dataplane/net/net.h"\n'),
    ("arrow", "dataplane/packet/a.c", '#include "dataplane/net/net.h"\n'),
    ("libraries", "dataplane/packet/a.c", '#include <rte_mbuf.h>\n'),
    ("arrow", "dataplane/session/a.c", '#include "dataplane/worker/worker.h"\n'),
    ("arrow", "dataplane/session/a.c", '#include "control/store/store.h"\n'),
    ("arrow", "dataplane/worker/a.c", '#include "control/store/store.h"\n'),
    ("arrow", "control/store/a.c", '#include "dataplane/worker/worker.h"\n'),
    ("arrow", "control/service/a.c", '#include "dataplane/tcp/tcp.h"\n'),
    ("arrow", "control/service/a.c", '#include "dataplane/session/sessions.h"\n'),
    ("arrow", "control/ctl/a.c", '#  include "dataplane/port/port.h"\n'),
    ("arrow", "proto/smtp/a.c", '#include "tests/harness/check.h"\n'),
    ("libraries", "dataplane/tcp/a.c", "#include <rte_mbuf.h>\n"),
    ("libraries", "dataplane/session/a.h", "#include <rte_cycles.h>\n"),
    ("libraries", "dataplane/handoff/a.c", "#include <rte_ring.h>\n"),
    ("libraries", "control/service/a.c", "#include <rte_eal.h>\n"),
    ("libraries", "proto/smtp/a.c", "#include <idn2.h>\n"),
    ("libraries", "proto/mime/a.c", "#include <hs/hs.h>\n"),
    ("libraries", "dataplane/session/a.c", "#include <hs/hs.h>\n"),
    ("libraries", "control/ctl/a.c", "#include <rocksdb/c.h>\n"),
    ("libraries", "proto/smtp/a.c", "#include <openssl/evp.h>\n"),
    ("libraries", "rules/a.c", "#include <yaml.h>\n"),
    ("libraries", "proto/spf/a.c", "#include <unbound.h>\n"),
    ("libraries", "control/service/a.c", "#include <ldns/ldns.h>\n"),
    ("libraries", "proto/pop3/a.c", "#include <sys/socket.h>\n"),
    ("libraries", "proto/base/a.c", "#include <time.h>\n"),
    ("libraries", "rules/a.c", "#include <pthread.h>\n"),
    ("dpdk version", "dataplane/net/a.c", "#if RTE_VERSION >= 1\n#endif\n"),
    ("include paths", "proto/base/a.c", '#include "b.h"\n'),
    ("length", "proto/base/a.c", "\n" * 600),
]


@pytest.mark.parametrize("check, path, text", BROKEN)
def test_rule_finds(tmp_path, check, path, text):
    arrow.write(tmp_path, path, text)
    faults = list(arrow.CHECKS[check](tmp_path))
    assert len(faults) == 1 and path in faults[0]


def test_base_name_twice_is_found(tmp_path):
    for path in ("proto/smtp/a.h", "proto/smtp/a.c", "rules/a.c"):
        arrow.write(tmp_path, path, "")
    assert list(arrow.name_faults(tmp_path)) == ["rules/a.c: proto/smtp has a a too"]


def test_missing_licence_is_found(tmp_path):
    arrow.write(tmp_path, "proto/smtp/a.c", "int a;\n", licence=False)
    assert len(list(arrow.spdx_faults(tmp_path))) == 1


# What the arrow allows, so that no rule is broken by being too strict.
ALLOWED = [
    ("proto/address/a.c", "#include <idn2.h>\n"),
    ("rules/a.c", "#include <hs/hs.h>\n"),
    ("dataplane/handoff/a.c", "#include <urcu-qsbr.h>\n"),
    ("dataplane/net/a.c", "#include <rte_mbuf.h>\n"),
    ("control/store/a.c", "#include <rocksdb/c.h>\n"),
    ("control/main.c", "#include <rte_eal.h>\n"),
]


@pytest.mark.parametrize("path, text", ALLOWED)
def test_rule_allows(tmp_path, path, text):
    arrow.write(tmp_path, path, text)
    for check in arrow.CHECKS.values():
        assert not list(check(tmp_path))


@pytest.mark.parametrize("source, target", [
    ("dataplane/session", "rules"), ("dataplane/session", "dataplane/tcp"), ("dataplane/tcp", "dataplane/handoff"),
    ("dataplane/worker", "dataplane/session"), ("control/store", "dataplane/handoff"), ("control/rulefile", "rules"),
])
def test_arrow_allows(tmp_path, source, target):
    arrow.write(tmp_path, f"{target}/b.h", "")
    arrow.write(tmp_path, f"{source}/a.c", f'#include "{target}/b.h"\n')
    assert not list(arrow.arrow_faults(tmp_path)) and not list(arrow.include_path_faults(tmp_path))


def test_main_alone_knows_all(tmp_path):
    arrow.write(tmp_path, "dataplane/worker/worker.h", "")
    for path, faults in (("control/main.c", 0), ("control/other.c", 1)):
        arrow.write(tmp_path, path, '#include "dataplane/worker/worker.h"\n')
        assert len(list(arrow.arrow_faults(tmp_path))) == faults
