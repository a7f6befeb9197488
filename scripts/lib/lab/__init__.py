# SPDX-License-Identifier: BSD-3-Clause
"""What the scripts and the system tests share: namespaces, an engine in them, mail, and what the engine says."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
