# SPDX-License-Identifier: BSD-3-Clause
"""TCP as a library: what is installed is enough to build and run the example (docs/embedding-tcp.md)."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("WIREPOST", ROOT / "build" / "wirepost")).resolve().parent


def run(*words, **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_example_is_built_from_what_is_installed(tmp_path):
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", tmp_path)
    config = next(tmp_path.rglob("wirepost_tcp.pc"))
    flags = run("pkg-config", "--cflags", "--libs", "wirepost_tcp",
                env={**os.environ, "PKG_CONFIG_PATH": str(config.parent), "PKG_CONFIG_SYSROOT_DIR": str(tmp_path)}).split()
    program = tmp_path / "tcp_pair"
    run("cc", "-Wall", "-Wextra", "-Werror", ROOT / "docs/examples/tcp_pair.c", "-o", program, *flags)
    told = run(program, env={**os.environ, "LD_LIBRARY_PATH": str(config.parent.parent)})
    assert told.startswith("1048576 bytes went there and back") and "right" in told


def test_library_exports_its_interface_alone():
    symbols = run("nm", "-D", "--defined-only", BUILD / "dataplane/embed/libwirepost_tcp.so").split("\n")
    names = [line.split()[-1] for line in symbols if line]
    assert names and all(name.startswith("wirepost_tcp_") for name in names), names
