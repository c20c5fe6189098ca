"""Reads versions.env, the one place that names versions which have to agree."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def versions(file: Path = ROOT / "versions.env") -> dict[str, str]:
    """Return the NAME=value lines of `file`, without blank lines and # comments."""
    lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return dict(pairs)
