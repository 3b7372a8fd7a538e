"""Nothing outside the definitions knows a loss by its name: what one loss has, any loss has."""

from __future__ import annotations

import io
import re
import tokenize
from pathlib import Path

import derive

ROOT = Path(derive.__file__).parent
FAMILIES = re.compile(
    r"barron|student|charbonnier|geman|welsch|cauchy|huber|smooth_l1", re.IGNORECASE
)


def _named(path: Path) -> set[str]:
    text = path.read_text()
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    kinds = (tokenize.NAME, tokenize.STRING)
    return {word for t in tokens if t.type in kinds for word in FAMILIES.findall(t.string)}


def test_no_module_outside_the_definitions_names_a_loss():
    files = {p.relative_to(ROOT).as_posix(): p for p in sorted(ROOT.rglob("*.py"))}
    named = {
        name: found
        for name, path in files.items()
        if not name.startswith("definitions/")
        if (found := _named(path))
    }
    assert not named
