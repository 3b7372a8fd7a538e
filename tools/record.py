"""Records what follows from the losses of the catalogue: python -m tools.record [NAME…].

`derive show`, `derive show --json` and `derive latex` read it as long as the package is the same.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from derive import showing
from derive.definitions.catalogue import NAMES, load
from derive.recorded import FOLDER, made_from
from derive.views.latex.request import Request


def record(name: str) -> dict[str, Any]:
    """Everything of one loss, as JSON."""
    found = showing.derived(load(name))
    pages = {n: asdict(Request(columns=n).entry(found)) for n in (1, 2)}
    return {
        "made_from": made_from(),
        "show": showing.shown_of(found),
        "data": showing.data_of(found),
        "latex": pages,
    }


def main(names: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in names or NAMES:
        text = json.dumps(record(name), indent=1, ensure_ascii=False)
        (FOLDER / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")
        print(name, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
