"""What docs/engine is told about this site; engine/settings.py says what each field is for."""

import os

from engine.settings import Settings

SETTINGS = Settings(
    watch=("vanishing",),
    # Frameworks that some pages show code for, run where one is installed.
    optional=("jax", "keras", "tensorflow", "torch"),
    assumed=("numpy",),
    # The style sheet (assets/site.css), where each role of the palette has its colours, and the
    # script assets/statements.js spell the prefix out.
    prefix="vg-",
    palette="vanishing.plot:PALETTE",
    style="vanishing.plot:use",
    # The same as in vanishing's style: a reader's own drawing gets the ids of the page's.
    hashsalt="vanishing",
    stateful=("collections.abc:Iterator", "numpy.random:Generator"),
    stateful_names=("rng",),
    # Given by whoever publishes. MkDocs itself is not told the repository's address: Material would
    # ask another host for its stars on every page.
    address=os.environ.get("SITE_URL"),
    repository=os.environ.get("REPO_URL"),
    script_marks={
        "assets/beyond.js": "data-knobs",
        "assets/diagnose.js": "vg-diagnose",
        "assets/knobs.js": "data-knobs",
        "assets/live.js": "vg-runnable",
        "assets/predict.js": "data-prediction",
        "assets/statements.js": "data-verdict",
    },
    # Filled by .ci/runtime.py.
    runtime=".cache/runtime",
    runtime_scripts=("assets/diagnose.js",),
    sources="sources.md",
)
