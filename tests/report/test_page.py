from html.parser import HTMLParser
from pathlib import Path

import pytest

from ser.report import content, page, rendering
from ser.report.content import Clip, Clips, Figure, Finding, Points, Section
from ser.report.summary import Answer, Mark, Summary

TEMPLATE = Path(__file__).resolve().parents[2] / "ser" / "report" / "report.html.j2"
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Elements with their attributes and texts; fails on a tag that closes what is not open."""

    def __init__(self, html):
        super().__init__()
        self.open, self.elements, self.texts = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data)

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


@pytest.fixture
def render(monkeypatch):
    """Give a function that renders parts as the one section of a page, under a short summary."""

    def page_of(*parts, pictures=None, sounds=None):
        top = Summary(
            "emodb",
            ["One sentence."],
            [Mark("chance", 0.25, None, None, "0.250"), Mark("heard", 0.7, 0.6, 0.8, "0.700")],
            [Answer("What <b>costs</b>?", "found", ["Much & more."], "only")],
        )
        monkeypatch.setattr(page, "summary", lambda material: top)
        monkeypatch.setattr(page, "sections", lambda material: [Section("only", "Only", "The only one", "", parts)])
        material = type("Material", (), {"pictures": pictures or {}, "sounds": sounds or {}})
        return page.render(material, TEMPLATE.read_text(encoding="utf-8"))

    return page_of


EVERYTHING = [
    Finding("Asked?", "inconclusive", "Found.", "Sure.", "Cannot."),
    Finding("Asked?", "measured", "Found.", "Sure.", "Cannot."),
    Figure("map", "Map", "Two heaps.", "How to read it."),
    Points("Points", ["One", "Two"]),
    content.table("Table", ["a", "b"], [["x", 0.5], ["y", None]], note="A note."),
    content.table("Folded", ["a"], [[1]], folded=True),
    content.table("Empty", ["a"], [], note="Why there is nothing."),
]


def test_every_part_is_there_in_balanced_html(render):
    parsed = Page(render(*EVERYTHING, pictures={"map": b"PNG"}))
    for text in ("Asked?", "Found.", "Sure.", "Cannot.", "inconclusive", "How to read it.", "Two", "A note.", "Folded"):
        assert text in parsed.text
    assert "Why there is nothing." in parsed.text
    assert len(parsed.of("table")) == 2
    assert len(parsed.of("details")) == 1


def test_nothing_is_loaded_from_anywhere(render):
    parsed = Page(render(*EVERYTHING, pictures={"map": b"PNG"}))
    sources = [value for _, found in parsed.elements for name, value in found.items() if name in ("src", "srcset")]
    assert sources == ["data:image/png;base64,UE5H"]
    assert parsed.of("link") == []
    assert {found["href"] for found in parsed.of("a")} == {"#summary", "#only"}
    style = TEMPLATE.read_text(encoding="utf-8")
    assert "url(" not in style
    assert "@import" not in style
    assert "http" not in style


def test_a_chapter_has_the_same_look_and_needs_nothing_else_and_no_summary():
    section = Section("only", "Only", "The only one", "", EVERYTHING)
    html = rendering.chapter("A <title>", [section], {"map": b"PNG"}, TEMPLATE.read_text(encoding="utf-8"))
    parsed = Page(html)
    sources = [value for _, found in parsed.elements for name, value in found.items() if name in ("src", "srcset")]
    assert sources == ["data:image/png;base64,UE5H"]
    assert {found["href"] for found in parsed.of("a")} == {"#only"}
    assert parsed.text.startswith("A <title> A <title> Only The only one Asked? inconclusive Found.")
    assert "Summary" not in parsed.text
    assert "--blue" in html


def test_a_clip_has_a_spectrogram_and_a_player_that_hold_their_data(render):
    clips = Clips("Listen", [Clip("clip 1", "An utterance <i>")], "One cannot be heard.")
    html = render(clips, pictures={"clip 1": b"PNG"}, sounds={"clip 1": b"FLAC"})
    parsed = Page(html)
    assert [found["src"] for found in parsed.of("img")] == ["data:image/png;base64,UE5H"]
    (player,) = parsed.of("audio")
    assert player["src"] == "data:audio/flac;base64,RkxBQw=="
    assert "controls" in player
    assert "Listen An utterance <i> One cannot be heard." in parsed.text
    assert player["aria-label"] == "An utterance <i>"
    assert [found["alt"] for found in parsed.of("img")] == ["Mel spectrogram. An utterance <i>"]


def test_a_picture_says_what_it_shows_and_its_box_what_it_is(render):
    parsed = Page(render(*EVERYTHING, pictures={"map": b"PNG"}))
    assert [found["alt"] for found in parsed.of("img")] == ["Two heaps."]
    boxes = [found for found in parsed.of("div") if found.get("class") == "scroll"]
    assert boxes[0]["data-title"] == "Map"


def test_every_table_has_a_name_and_every_row_a_head(render):
    wide = content.table("Wide", ["a", "b", "c"], [["x", "y", 1], ["x", "z", 2]], heads=2)
    parsed = Page(render(*EVERYTHING, wide, pictures={"map": b"PNG"}))
    names = [found["aria-labelledby"] for found in parsed.of("table")]
    ids = [found["id"] for _, found in parsed.elements if "id" in found]
    assert len(set(names)) == len(names) == 3
    assert len(set(ids)) == len(ids)
    assert set(names) <= set(ids)
    boxes = [found["data-named-by"] for found in parsed.of("div") if "data-named-by" in found]
    assert boxes == names
    heads = [found["data-order"] for found in parsed.of("th") if found["scope"] == "row"]
    assert heads == ["x", "y", "1", "x", "y", "x", "z"]


def test_a_table_of_one_row_has_nothing_to_sort(render):
    assert Page(render(content.table("Table", ["a", "b"], [["x", 1]]))).of("button") == []


def test_links_lead_to_sections_that_are_there(render):
    parsed = Page(render())
    anchors = {found["id"] for _, found in parsed.elements if "id" in found}
    assert {found["href"].removeprefix("#") for found in parsed.of("a")} <= anchors


def test_text_is_escaped(render):
    html = render(content.table("<i>", ["<b>"], [["<script>alert()</script>"]]))
    assert "What &lt;b&gt;costs&lt;/b&gt;? " in html.replace("</h3>", " ")
    assert "Much &amp; more." in html
    assert html.count("<script>") == 1


def test_columns_can_be_sorted_by_a_button_and_numbers_by_what_is_shown(render):
    parsed = Page(render(content.table("Table", ["name", "value"], [["x", 0.1266], ["y", None], ["z", 12]])))
    assert len(parsed.of("button")) == 2
    assert [found["data-order"] for _, found in parsed.elements if "data-order" in found] == [
        *("x", "0.127"),
        *("y", ""),
        *("z", "12"),
    ]
    assert "x 0.127" in parsed.text
    assert "not known" in parsed.text
    numeric = [found.get("class") for found in parsed.of("td")]
    assert numeric == ["number"] * 3


def test_the_scale_places_values_and_intervals(render):
    html = render()
    assert '<b style="left: 25.00%"></b>' in html
    assert '<i style="left: 60.00%; width: 20.00%"></i>' in html
    assert html.count("<i ") == 1


def test_the_same_material_gives_the_same_page(render):
    assert render(*EVERYTHING, pictures={"map": b"PNG"}) == render(*EVERYTHING, pictures={"map": b"PNG"})
