"""The verdict page of a claims file: python -m derive.verification.claims FILE PAGE."""

from __future__ import annotations

import sys
from pathlib import Path

from derive.verification.claims.page import page
from derive.verification.claims.run import judge_file

if __name__ == "__main__":
    claims, target = map(Path, sys.argv[1:])
    target.write_text(page(judge_file(claims)), encoding="utf-8")
