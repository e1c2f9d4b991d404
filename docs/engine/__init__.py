"""How a page runs: Markdown in, a run page out, for the tests and for the site alike.

Reading order: `parse` finds what runs, `links` checks where a page points, `closures` finds the
lines that a block needs, `svg` turns drawings into SVG that follows the page's colours, `run`
runs a page, `cache` keeps runs and makes them in parallel, `render` is the Markdown extension,
`downloads` the notebook and the script, `plugin` the pytest plugin, `notebooks` makes the same of
an executed lab, `hooks` and `labs` are what only MkDocs needs.
"""
