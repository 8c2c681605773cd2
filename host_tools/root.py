"""The folder of the project: what host tools and tests measure their paths from."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
