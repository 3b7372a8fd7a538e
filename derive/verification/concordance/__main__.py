"""Writes docs/concordance.md of the checkout."""

from pathlib import Path

from derive.verification.concordance.page import page

if __name__ == "__main__":
    target = Path(__file__).resolve().parents[3] / "docs" / "concordance.md"
    target.write_text(page(), encoding="utf-8")
