"""docs/python.md: its examples are run, and its tables name what there is."""

import doctest
import re
from pathlib import Path

import derive

PAGE = (Path(derive.__file__).parents[1] / "docs" / "python.md").read_text(encoding="utf-8")


def test_the_page_runs_as_written():
    typed = "\n".join(re.findall(r"^```pycon\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
    test = doctest.DocTestParser().get_doctest(typed, {}, "docs/python.md", None, 0)
    assert len(test.examples) > 15
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test).failed == 0


def test_the_page_names_everything_that_is_offered():
    for name in derive.__all__:
        assert name in PAGE or name in ("Derivation", "Report"), name


def test_links_of_the_pages_lead_somewhere():
    checkout = Path(derive.__file__).parents[1]
    for page in (checkout / "CONTRIBUTING.md", *sorted((checkout / "docs").glob("*.md"))):
        links = re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text(encoding="utf-8"))
        missing = [link for link in links if not (page.parent / link).exists()]
        assert not missing, (page.name, missing)
