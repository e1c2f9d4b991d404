"""How a page runs: Markdown in, a run page out, for the tests and for the site alike.

The engine knows no site. What differs between sites stands in one object, `settings.Settings`,
which a module `site_settings` of the site makes. A site uses the engine through these doors:
`engine.render`, the Markdown extension, which alone suffices; `engine.plugin`, the pytest plugin;
`hooks.py`, `labs.py` and `live.py`, the hooks of MkDocs; `python -m engine.cache PAGE ...`.

Reading order: `settings` says what a site tells the engine, `parse` finds what runs on a page,
`links` checks where a page points, `effects` finds what a statement may change, `runnable` which
lines a block needs, `svg` turns a drawing into SVG that follows the page's colours, `knobs` draws a
figure with knobs in all its states, `predictions` one whose curve the reader draws first, `imports`
finds what code needs installed, `run` runs a page, `cache` keeps runs and makes them in parallel,
`typeset`, `states` and `render` show a run page, `downloads` makes the notebook and the script,
`plugin` makes a test of each page, `notebooks` makes a run page of an executed lab, `session` runs
a reader's code in the browser, `hooks`, `labs` and `live` do what only MkDocs needs.
"""
