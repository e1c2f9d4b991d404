"""Each concept, question and statement of docs/inventory.toml stands on the site, with a run."""

import pkgutil
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
from engine.cache import page_run
from engine.parse import Page, prose
from markdown import markdown

from vanishing.measurement import advice

ROOT = Path(__file__).parent.parent
INVENTORY = tomllib.loads((ROOT / "docs/inventory.toml").read_text("utf-8"))
VERDICTS = {"true": "True.", "conditional": "True with conditions.", "false": "False."}


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


@cache
def sections(page):
    """Anchor -> the text and the visible blocks that ran of a section, with its subsections."""
    run = page_run(f"docs/{page}")
    body = prose(Page(run.text, run.path))[run.body_start :]
    headings = list(re.finditer(r"^(#+) ", body, re.MULTILINE))
    anchors = re.findall(r'<h\d[^>]* id="([^"]+)"', markdown(body, extensions=["toc", "attr_list"]))
    assert len(anchors) == len(headings)
    found = {}
    for position, (anchor, heading) in enumerate(zip(anchors, headings, strict=True)):
        ends = [h.start() for h in headings[position + 1 :] if len(h[1]) <= len(heading[1])]
        start, end = (
            run.body_start + at for at in (heading.start(), ends[0] if ends else len(body))
        )
        ran = [
            b for b in run.blocks if start <= b.start < end and not b.hidden and b.skipped is None
        ]
        found[anchor] = run.text[start:end], ran
    return found


@pytest.mark.parametrize("name", INVENTORY["concepts"])
def test_a_concept_has_a_piece_of_the_package_a_figure_and_a_section_with_a_run(name):
    piece, section = INVENTORY["concepts"][name].values()
    assert pkgutil.resolve_name(piece.replace(".", ":", 1))
    page, _, anchor = section.partition("#")
    text, ran = sections(page)[anchor]
    assert ran, f"{section} runs nothing"
    assert any(block.figure for block in page_run(f"docs/{page}").blocks), f"{page} has no figure"
    words = {name.partition(" initialization")[0], name.partition(",")[0], piece.rpartition(".")[2]}
    assert any(word.lower() in text.lower() for word in words), f"{section} names none of {words}"


@pytest.mark.parametrize(
    ("kind", "page"),
    [("questions", "practice/questions.md"), ("statements", "practice/folklore.md")],
)
def test_what_the_inventory_lists_is_what_the_page_answers(kind, page):
    headings = re.findall(
        r"^### (?:\d+\. )?(.*?) \{ *#([\w-]+)", Path("docs", page).read_text("utf-8"), re.MULTILINE
    )
    assert {anchor: text.strip('"') for text, anchor in headings} == INVENTORY[kind]
    assert len(headings) == {"questions": 24, "statements": 35}[kind]


@pytest.mark.parametrize("anchor", INVENTORY["questions"])
def test_a_question_has_an_answer_a_run_and_a_link(anchor):
    text, ran = sections("practice/questions.md")[anchor]
    assert ran
    answer = text.partition("\n\n")[2].partition("\n\n")[0]
    assert 1 <= len(answer.splitlines()) <= 3 and not answer.startswith(("```", "~~~", "<!--"))
    assert re.search(r"\]\(\.\./[\w/-]+\.(md|ipynb)", text), "no link to a chapter"


@pytest.mark.parametrize("anchor", INVENTORY["statements"])
def test_a_statement_has_its_verdict_a_run_a_number_and_a_link(anchor):
    text, ran = sections("practice/folklore.md")[anchor]
    assert ran
    verdict = re.search(r'data-verdict="(\w+)"', text.splitlines()[0])[1]
    assert text.partition("\n\n")[2].startswith(f"**{VERDICTS[verdict]}**")
    assert "`{python} " in text, "no measured number"
    assert re.search(r"\]\(\.\./[\w/-]+\.(md|ipynb)", text), "no link to a chapter"


def test_the_verdicts_on_the_home_page_are_those_of_the_statements():
    home = Path("docs/index.md").read_text("utf-8")
    told = re.findall(
        r'^\| "(.*?)" \| \[(.*?)\]\(practice/folklore\.md#([\w-]+)\)', home, re.MULTILINE
    )
    assert len(told) > 4
    for text, verdict, anchor in told:
        heading = sections("practice/folklore.md")[anchor][0].splitlines()[0]
        assert INVENTORY["statements"][anchor] == text
        assert VERDICTS[re.search(r'data-verdict="(\w+)"', heading)[1]] == f"{verdict}."


@pytest.mark.parametrize("situation", advice.SITUATIONS)
def test_every_remedy_begins_with_the_title_of_a_page_in_the_navigation(situation):
    titles = {
        re.search("^# (.*)$", path.read_text("utf-8"), re.MULTILINE)[1]: path
        for path in ROOT.glob("docs/*/*.md")
    }
    listed = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:")[2]
    for line in advice._ADVICE[situation]:
        title = line.partition(":")[0]
        assert title in titles, line
        assert titles[title].relative_to(ROOT / "docs").as_posix() in listed
