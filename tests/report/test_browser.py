"""The report in a browser: what can be reached, how it is named, and that axe finds no fault."""

import io
from pathlib import Path

import pytest
from matplotlib.figure import Figure as Drawing
from selenium.webdriver.common.by import By

from ser.report import content, rendering
from ser.report.content import Clip, Clips, Figure, Finding, Points, Section
from ser.report.summary import Answer, Mark, Summary
from tests import browsing

TEMPLATE = Path(__file__).resolve().parents[2] / "ser" / "report" / "report.html.j2"
SUMMARY = Summary(
    "emodb",
    ["One sentence."],
    [Mark("chance", 0.25, None, None, "0.250"), Mark("heard", 0.7, 0.6, 0.8, "0.700")],
    [Answer("What costs?", "found", ["Much."], "only")],
)
LONG = [f"a column with a long name {number}" for number in range(24)]
PARTS = [
    *(Finding("Asked?", verdict, "Found.", "Sure.", "Cannot.") for verdict in ("found", "inconclusive", "measured")),
    Figure("map", "Map of vectors", "Two heaps.", "How to read it."),
    Points("Points", ["One", "Two"]),
    content.table("Narrow", ["name", "value"], [["x", 0.5], ["y", 0.25]]),
    content.table("One row", ["name", "value"], [["x", 0.5]]),
    content.table("Wide", LONG, [[1.0] * 24, [2.0] * 24], heads=2),
    content.table("Folded", LONG, [[1.0] * 24, [2.0] * 24], folded=True),
    content.table("Empty", ["a"], [], note="Why there is nothing."),
    Clips("Listen", [Clip("clip 1", "An utterance")], "One cannot be heard."),
]

pytestmark = browsing.NEEDED


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with browsing.opened(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def page(browser, tmp_path):
    """A report with every kind of part; nothing may fail in it."""
    drawn = io.BytesIO()
    Drawing(figsize=(9, 3)).savefig(drawn, format="png")
    pictures = {"map": drawn.getvalue(), "clip 1": drawn.getvalue()}
    html = rendering.rendered(
        TEMPLATE.read_text(encoding="utf-8"),
        title="A report",
        summary=SUMMARY,
        sections=[Section("only", "Only", "The only one", "An introduction.", PARTS)],
        pictures=rendering.embedded(pictures, "image/png"),
        sounds=rendering.embedded({"clip 1": b""}, "audio/flac"),
    )
    (tmp_path / "report.html").write_text(html, encoding="utf-8")
    browsing.resize(browser, 1100)
    browser.get((tmp_path / "report.html").as_uri())
    yield browser
    faults = [line["message"] for line in browser.get_log("browser") if line["source"] == "javascript"]
    assert faults == []


def click(page, element):
    """Click without the scrolling before, which takes its time."""
    page.execute_script("arguments[0].click()", element)


def reached(page):
    """Names of the boxes that the keyboard reaches."""
    boxes = page.find_elements(By.CSS_SELECTOR, ".scroll[tabindex='0'][role='region']")
    seen = [box for box in boxes if page.execute_script("return arguments[0].checkVisibility()", box)]
    return [box.accessible_name for box in seen]


def test_only_what_scrolls_is_a_stop_of_the_keyboard(page):
    assert reached(page) == ["Wide"]
    click(page, page.find_element(By.TAG_NAME, "summary"))
    browsing.until(page, lambda: reached(page) == ["Wide", "Folded"])
    browsing.resize(page, 390)
    browsing.until(page, lambda: reached(page) == ["Map of vectors, scrolls sideways", "Wide", "Folded"])
    browsing.resize(page, 1100)
    browsing.until(page, lambda: reached(page) == ["Wide", "Folded"])


def test_tables_are_named_and_sorted_where_there_is_something_to_sort(page):
    tables = {table.accessible_name: table for table in page.find_elements(By.TAG_NAME, "table")}
    assert {"Narrow", "One row", "Wide"} <= set(tables)
    assert tables["One row"].find_elements(By.TAG_NAME, "button") == []
    click(page, tables["Narrow"].find_elements(By.TAG_NAME, "button")[1])
    assert [row.text.split() for row in tables["Narrow"].find_elements(By.CSS_SELECTOR, "tbody tr")] == [
        ["y", "0.250"],
        ["x", "0.500"],
    ]


def test_where_a_picture_goes_on_there_is_a_shadow_upon_it(page):
    def shadows():
        of = "return getComputedStyle(document.querySelector('figure .scroll'), arguments[0]).opacity"
        return [page.execute_script(of, f"::{side}") for side in ("before", "after")]

    browsing.resize(page, 390)
    browsing.until(page, lambda: shadows() == ["0", "1"])
    page.execute_script("document.querySelector('figure .scroll').scrollLeft = 50")
    browsing.until(page, lambda: shadows() == ["1", "1"])
    page.execute_script("document.querySelector('figure .scroll').scrollLeft = 5000")
    browsing.until(page, lambda: shadows() == ["1", "0"])


@browsing.AXE_NEEDED
@pytest.mark.parametrize("width", [1100, 390])
def test_axe_finds_no_fault(page, width):
    browsing.resize(page, width)
    page.execute_script("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    browsing.until(page, lambda: "Folded" in reached(page))
    assert browsing.violations(page) == []
    wide = page.execute_script("return document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, "nothing stands out at the side"
