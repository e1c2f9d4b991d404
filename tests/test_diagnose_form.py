"""The form that diagnoses in the page what a reader pastes, chooses or drops."""

import json
import re
import textwrap
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from test_live import project, serving
from test_saved_norms import PRINTED, Planted, npz
from test_site import browser, listen  # noqa: F401, a fixture

from vanishing.measurement import advice
from vanishing.measurement.reports import report

ROOT = Path(__file__).parent.parent
CHAPTER = (ROOT / "docs/practice/diagnose.md").read_text("utf-8")
SECTION = re.search(r"^## Diagnose it here\n.*?(?=^## )", CHAPTER, re.MULTILINE | re.DOTALL)[0]
EXAMPLE = textwrap.dedent(
    re.search(r"^ *```output\n(.*?)^ *```", SECTION, re.MULTILINE | re.DOTALL)[1]
).rstrip()
LINKS = dict(re.findall(r"\[([^\[\]]+)\]\(([^()]+)\)", SECTION))
# What the blocks above the section have made, from the numbers that the page shows.
BEFORE = f"""\
---
description: The form alone.
---
# A page

<!-- invisible-code-block: python
from types import SimpleNamespace
import numpy as np
names, sizes = zip(*(line.split(",") for line in {EXAMPLE.split()[1:]}))
sick = SimpleNamespace(names=names, norms=np.array(sizes, float))
-->

"""
AFTER = "\n\n## What the diagnosis tells apart\n\nVerdicts.\n"


def test_the_section_links_every_chapter_that_the_advice_names():
    named = {line.split(":")[0] for lines in advice._ADVICE.values() for line in lines}
    assert named <= LINKS.keys()


def pages():
    """A page with the section, and a page for each other one to which it links."""
    found = {
        "index.md": "---\ndescription: Home.\n---\n# Home\n",
        "practice/index.md": BEFORE + SECTION + AFTER,
    }
    for link in LINKS.values():
        name, _, anchor = link.removeprefix("../").partition("#")
        if name:
            heading = anchor.replace("-", " ")
            found[name] = f"---\ndescription: Another page.\n---\n# {name}\n\n## {heading}\n"
    return found


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with serving(project(tmp_path_factory.mktemp("form"), pages())) as address:
        yield address


@pytest.fixture(scope="module")
def context(browser, served):  # noqa: F811, the fixture
    """One context for all tests, because its cache holds the runtime after the first."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as opened:
        yield opened


@pytest.fixture(scope="module")
def kept(context, served):
    """One page for all tests that leave its Python as it is."""
    opened = context.new_page()
    listen(opened)
    yield opened
    assert opened.mistakes == []


@pytest.fixture
def page(kept, served):
    """The page as it was opened; its Python starts with the first test that needs it."""
    if not kept.requests:
        kept.goto(f"{served}practice/index.html")
    kept.get_by_text("Example", exact=True).click()
    kept.locator("#norms-kind").select_option("signal")
    return kept


def diagnose(page, text=None):
    """Press the button, for this text if one is given, and give the result when it is there."""
    if text is not None:
        page.locator("#norms-text").fill(text)
    page.get_by_role("button", name="Diagnose").click()
    return ended(page)


def ended(page):
    page.wait_for_function("() => document.querySelector('.vg-press').textContent === 'Diagnose'")
    return page.locator(".vg-diagnose .vg-result")


def choose(page, name, data):
    page.locator("#norms-file").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    )


def told(result):
    """The whole text of the report, which is folded away."""
    return result.locator("details pre").text_content()


def state(page):
    return page.locator(".vg-diagnose [role=status]").inner_text()


def test_the_example_is_diagnosed_and_nothing_goes_elsewhere(page, served):
    asked = [request.url for request in page.requests]
    assert not [url for url in asked if "runtime" in url or "worker" in url]
    assert page.locator("#norms-text").input_value() == EXAMPLE
    result = diagnose(page)
    found = report(EXAMPLE)
    assert told(result) == str(found)
    assert result.locator(".vg-found").inner_text() == found.last.findings.splitlines()[0]
    assert result.locator("ul li").all_inner_texts() == list(found.last.evidence)
    assert result.locator("ol li").all_inner_texts() == list(found.last.remedies)
    assert re.fullmatch(
        r"Diagnosed the text \(12 layers, 1 to 12\) in \d+\.\d s: vanishing", state(page)
    )
    assert all(
        request.url.startswith(served) and request.method == "GET" for request in page.requests
    )


def test_each_piece_of_advice_leads_to_its_chapter(page, served):
    links = diagnose(page).locator("ol a")
    chapters = {link.inner_text(): link.get_attribute("href") for link in links.all()}
    assert list(chapters) == ["Residual connections", "Activations", "Initialization"]
    for title, address in chapters.items():
        name = LINKS[title].removeprefix("../").replace(".md", ".html")
        assert address == f"{served}{name}"
        assert page.request.get(address).ok


def test_the_figure_is_the_pages_and_follows_its_colours(page):
    figure = diagnose(page).locator(".vg-figure svg")
    assert figure.count() == 1 and "layer (input side left)" in figure.text_content()
    points = figure.locator("use[style*=backward]")
    assert points.count() == len(EXAMPLE.split()) - 1
    colour = "point => getComputedStyle(point).fill"
    light = points.first.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("() => document.body.dataset.mdColorScheme === 'slate'")
    assert points.first.evaluate(colour) != light
    page.emulate_media(color_scheme="light")


@pytest.mark.parametrize("name", ["vanishing", "exploding, with steps", "frozen", "NaN", "zeros"])
def test_a_log_of_watch_gets_the_verdict_that_python_gives_outside(page, name):
    log = f"epoch 1\n{PRINTED[name]}\nepoch 2, loss 3\n{PRINTED[name]}\n"
    result = diagnose(page, log)
    assert told(result) == str(report(log))
    assert result.locator(".vg-found").inner_text() == PRINTED[name].findings.splitlines()[0]
    assert result.locator("> pre").inner_text().splitlines() == report(log).lines


def test_a_layer_without_a_gradient_is_a_gap_and_without_any_there_is_no_figure(page):
    assert diagnose(page, "a,\nb,1\nc,2").locator("use[style*=backward]").count() == 2
    result = diagnose(page, '{"a": null, "b": null}')
    assert result.locator(".vg-figure svg").count() == 0
    assert result.locator(".vg-found").inner_text() == "undefined"


ARRAYS = npz(stem=np.full((8, 4), 1e-6), body=np.full((8, 9), 1e-3), head=np.ones((8, 2)))


def test_a_chosen_file_is_diagnosed_until_the_text_is_edited(page):
    choose(page, "arrays.npz", ARRAYS)
    assert told(ended(page)) == str(report(ARRAYS))
    assert re.fullmatch(r"Diagnosed arrays.npz \(.*\) in \d+\.\d s: vanishing", state(page))
    page.locator("#norms-kind").select_option("weight")
    assert told(diagnose(page)) == str(report(ARRAYS, kind="weight"))
    assert told(diagnose(page, "a,1\nb,1")) == str(report("a,1\nb,1", kind="weight"))
    assert page.locator("#norms-file").input_value() == ""


DROP = """async (box, [name, bytes]) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([new Uint8Array(bytes)], name));
  const told = (type) => !box.dispatchEvent(
    new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
  const taken = told("dragover");
  const marked = box.classList.contains("vg-drop");
  return [taken, marked, told("drop"), box.classList.contains("vg-drop")];
}"""


def drop(page, name, data):
    box = page.locator(".vg-diagnose")
    assert box.evaluate(DROP, [name, list(data)]) == [True, True, True, False]
    return ended(page)


def test_a_dropped_file_is_diagnosed(page):
    assert told(drop(page, "../../site/engine/session.py", ARRAYS)) == str(report(ARRAYS))
    assert "session.py" in state(page)
    assert told(diagnose(page)) == str(report(ARRAYS))


def test_dragged_text_is_left_to_the_browser(page):
    taken = page.locator(".vg-diagnose").evaluate(
        """box => {
          const dataTransfer = new DataTransfer();
          dataTransfer.setData("text/plain", "a,1");
          return !box.dispatchEvent(new DragEvent("drop", { dataTransfer, cancelable: true }));
        }"""
    )
    assert not taken


@pytest.mark.parametrize(
    "text",
    ["", "a,1\nb,x", "hello", '{"a": 1', "pass 1: vanishing, 0.41 per layer, 2.2e-05 in all"],
)
def test_bad_input_gets_the_message_of_the_package_and_no_more(page, text):
    with pytest.raises(ValueError, match=".") as wrong:
        report(text)
    assert diagnose(page, text).inner_text() == str(wrong.value)
    assert page.locator(".vg-diagnose [role=alert]").count() == 1 and state(page) == "Not diagnosed"


def test_what_is_pasted_is_data(page):
    names = ["<img src=x onerror=alert(1)>", '""")\nraise SystemExit', "${1}`", "Clipping: see"]
    text = json.dumps({name: 10.0**i for i, name in enumerate(names)})
    result = diagnose(page, text)
    assert told(result) == str(report(text)) and result.locator("img").count() == 0
    result = drop(page, "a.npz", npz(a=np.array([Planted()])))
    assert "Object arrays cannot be loaded" in result.inner_text()


def test_a_large_file_is_refused_before_it_is_read(page):
    page.evaluate(
        """() => {
          const files = new DataTransfer();
          files.items.add(new File([new Uint8Array(LARGEST_FILE + 1e5)], "large.npz"));
          const input = document.querySelector("#norms-file");
          input.files = files.files;
          input.dispatchEvent(new Event("change"));
        }"""
    )
    said = "large.npz has 20.1 MB; at most 20.0 MB are judged here"
    assert ended(page).inner_text().startswith(said)


def test_by_keyboard_and_back_to_the_example(page):
    text = page.locator("#norms-text")
    text.fill("a,1\nb,1")
    text.press("Control+Enter")
    assert ended(page).locator(".vg-found").inner_text() == "steady"
    page.get_by_role("button", name="Example").press("Enter")
    assert text.input_value() == EXAMPLE and state(page) == ""
    assert ended(page).inner_text() == ""


def test_the_form_is_accessible_and_fits_a_phone(page):
    page.evaluate(AXE_SCRIPT)
    width = (
        "Math.max(...[document.documentElement, "
        "...document.querySelectorAll('.vg-result > :not(pre)')]"
        ".map(part => part.scrollWidth - part.clientWidth))"
    )
    long = json.dumps([{"step": i, "a" * 90: 1e-9, "b": 1e-3, "c": 1} for i in range(40)])
    for colours, scheme in (("light", "default"), ("dark", "slate")):
        page.emulate_media(color_scheme=colours)
        page.wait_for_function(
            "scheme => document.body.dataset.mdColorScheme === scheme", arg=scheme
        )
        for text in (long, "b" * 300):
            page.set_viewport_size({"width": 390, "height": 900})
            diagnose(page, text)
            page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
            found = page.evaluate("axe.run('.vg-diagnose').then(found => found.violations)")
            assert [(one["id"], one["nodes"][0]["failureSummary"]) for one in found] == []
            assert page.evaluate(width) <= 0
    page.emulate_media(color_scheme="light")


def test_loading_and_running_are_cancelled_and_the_next_press_works(context, served):
    page = context.new_page()
    listen(page)
    page.goto(f"{served}practice/index.html")
    page.get_by_role("button", name="Diagnose").click()
    page.get_by_role("button", name="Cancel").click()
    assert state(page) == "Cancelled"
    assert diagnose(page).locator(".vg-found").inner_text().startswith("vanishing")
    # A block that runs gives way.
    page.evaluate("blocks[0].open()")
    page.locator("#block-0 .vg-editor").evaluate("editor => editor.value = 'while True: pass'")
    page.evaluate("blocks[0].run()")
    page.wait_for_function("() => document.querySelector('#block-0 [title=Stop]')")
    assert diagnose(page).locator(".vg-found").inner_text().startswith("vanishing")
    assert page.locator("#live-0 .vg-state").text_content().startswith("Stopped")
    assert page.mistakes == []
    page.close()


def test_without_the_sites_python_the_page_names_the_command(context, served):
    page = context.new_page()
    page.route(re.compile("(live|beyond|diagnose).js$"), lambda route: route.abort())
    mistakes = []
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    page.goto(f"{served}practice/index.html")
    box = page.locator(".vg-diagnose")
    assert "python -m vanishing --norms FILE" in box.inner_text()
    assert box.locator("form").count() == 0 and mistakes == []
    page.close()
