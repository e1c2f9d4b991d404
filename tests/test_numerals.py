"""No measured number is typed: decimals in the prose are settings, exact or quoted."""

import re
from pathlib import Path

import pytest
from engine.parse import FRONT_MATTER

ROOT = Path(__file__).parent.parent
PAGES = [
    str(path.relative_to(ROOT / "docs"))
    for path in sorted(ROOT.glob("docs/**/*.md"))
    if path.stem != "sources"
]

# A fence; of one that draws, what is said about the figure is prose.
FENCE = re.compile(r"^( *)(```+|~~~+)(?P<info>.*)\n(?P<body>(?:.*\n)*?)\1\2$", re.MULTILINE)
# What is not prose: comments, headings, mathematics, code and computed values, and where a source
# says it.
NOT_PROSE = [
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"^#.*$", re.MULTILINE),
    re.compile(r"\$\$.*?\$\$|\$[^$]*\$", re.DOTALL),
    re.compile(r"(`+).*?\1", re.DOTALL),
    re.compile(r"(?:sections?|chapters?|eqs?\.|figs?\.|theorems?|corollary|tables?) \d[\d., and]*"),
]
NUMERAL = re.compile(r"\d+\.\d+|\d+\s?%|\d+e-?\d+")

# Page -> what may stand in its prose, each with the reason.
TYPED = {
    "contributing.md": {
        "2.13": "a version",
        **dict.fromkeys(["0.1", "0.3"], "factors that a script is set to"),
    },
    "foundations/chain-rule.md": {
        **dict.fromkeys(
            ["0.1", "0.2", "0.5", "0.75", "0.125", "1.5"], "exact, or the question itself"
        ),
        "1.9": "a setting of the change to try",
    },
    "foundations/exploding.md": {
        **dict.fromkeys(["0.3", "0.01", "0.1"], "settings of the experiments"),
        "1.00": "tanh's steepest slope, exact",
    },
    "foundations/gradients.md": dict.fromkeys(
        ["0.5", "1.9", "2.1"], "factors and learning rates that are set"
    ),
    "foundations/relu.md": {
        **dict.fromkeys(["0.1", "0.01"], "learning rates and a slope that are set"),
        **dict.fromkeys(["0.99", "1 %"], "thresholds of the page's definitions"),
        "90 %": "quoted from the paper",
    },
    "foundations/weights-times-slope.md": {
        "0.25": "sigmoid's steepest slope, exact",
        "0.05": "the range of an axis",
    },
    "foundations/going-forward.md": {
        "0.3": "the size of the biases",
        **dict.fromkeys(["0.1", "0.01"], "the learning rate and the size of a step"),
    },
    "foundations/stuck-cost.md": {
        "0.1": "the learning rate",
        "2.30": "the question as it is asked; ln 10 is computed",
        **dict.fromkeys(["0.0001", "0.001", "0.01"], "sizes of steps that are set"),
    },
    "foundations/two-gradients.md": dict.fromkeys(["0.01", "0.001", "0.05"], "learning rates"),
    "practice/diagnose.md": dict.fromkeys(["0.1", "0.03"], "learning rates"),
    "remedies/activations.md": {
        "0.5": "the range of an axis",
        **dict.fromkeys(["0.1", "1.5"], "learning rates"),
    },
    "remedies/clipping.md": {
        "0.1": "the learning rate",
        "0.01": "the range of an axis",
        "80 %": "the part that a band shows",
    },
    "remedies/initialization.md": {
        "0.01": "the rule's deviation",
        "2 %": "a bound that the page asserts",
        "80 %": "the part that a band shows",
    },
    "remedies/normalization.md": {"0.3": "the range of an axis"},
    "remedies/optimizers.md": {
        "1e-30": "the epsilon that is set",
        **dict.fromkeys(["0.01", "0.1"], "learning rates"),
    },
    "remedies/recurrence.md": {
        **dict.fromkeys(["0.5", "0.1"], "weight scales that are set"),
        **dict.fromkeys(["0.05", "0.9"], "the learning rate and the momentum"),
    },
    "remedies/regularization.md": {"0.1": "the learning rate", "0.7": "the range of an axis"},
    "remedies/residual-connections.md": {"0.05": "the learning rate"},
}


def typed(text):
    """The decimals and percentages in a page's prose, alternative texts and captions."""
    text = FENCE.sub(
        lambda fence: fence["info"].lstrip("`~") + "\n" * (1 + fence["body"].count("\n")), text
    )
    for pattern in [FRONT_MATTER, *NOT_PROSE]:
        text = pattern.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    for number, line in enumerate(text.splitlines(), start=1):
        for numeral in NUMERAL.findall(line):
            yield number, numeral


@pytest.mark.parametrize("page", PAGES)
def test_decimals_in_the_prose_are_computed_or_have_a_reason(page):
    found = list(typed((ROOT / "docs" / page).read_text("utf-8")))
    allowed = TYPED.get(page, {})
    strangers = [
        f"docs/{page}:{line}: {numeral}" for line, numeral in found if numeral not in allowed
    ]
    assert not strangers, (
        "typed by hand; compute it, as `{python} f'...'`, or give the reason in TYPED: "
        f"{strangers}"
    )
    assert set(allowed) == {numeral for _, numeral in found}, "a reason for what is no longer there"


def test_a_typed_measurement_is_seen_and_what_is_no_prose_is_not():
    text = (
        "---\ndescription: 0.1\n---\n# At 0.2\nThe factor is 0.21, or 23 % of 1e-5.\n"
        "`{python} f'{0.3:.1f}'` $0.4$ [G](x.md#g2010), section 4.2, fig. 8\n"
        "```python\nx = 0.5\n```\n<!-- 0.6 -->\n$$\n0.7\n$$\n"
        "~~~python alt=\"From 0.8 to `{python} f'{0.9:.1f}'`.\"\ny = 1.1\n~~~\nAnd 1.2.\n"
    )
    assert list(typed(text)) == [(5, "0.21"), (5, "23 %"), (5, "1e-5"), (14, "0.8"), (17, "1.2")]
