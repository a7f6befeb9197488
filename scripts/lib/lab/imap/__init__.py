# SPDX-License-Identifier: BSD-3-Clause
"""IMAP by hand, against any server: scripted groups, random sessions against a model, a benchmark's client."""
