"""The page that shows the way of a loss shows what comes out now."""

from tools.how_it_works import PAGE, page


def test_the_page_is_what_the_way_gives():
    assert PAGE.read_text(encoding="utf-8") == page(), "stale: python -m tools.how_it_works"
