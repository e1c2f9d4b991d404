"""What a site tells the engine: one frozen object, made by one module of the site.

The module is called `site_settings`, stands wherever Python imports from (beside the engine, say),
and holds the object under the name SETTINGS. A site about orbits begins with

    from engine.settings import Settings

    SETTINGS = Settings(watch=("orbits",), palette="orbits.look:COLOURS", style="orbits.look:use")

The engine imports that module when a page first asks for a setting. A field that names an object
of another module holds "module:name", which is imported when a page runs or is shown: reading the
settings imports neither the site's package nor Matplotlib.
"""

import functools
import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field

MODULE = "site_settings"


@dataclass(frozen=True)
class Settings:
    """All that differs between two sites that use the engine."""

    watch: tuple[str, ...] = ()
    """Packages and modules that pages import. The cache keys on every file of theirs."""

    distributions: tuple[str, ...] = ()
    """Distributions whose versions key the cache, beside those that the engine itself uses."""

    optional: tuple[str, ...] = ()
    """Modules without which some blocks are skipped. The cache keys on which are installed."""

    assumed: tuple[str, ...] = ()
    """Other packages that whoever copies code is taken to have. Code says what else it needs."""

    prefix: str = "page-"
    """Beginning of every CSS class and variable that the engine writes."""

    palette: str | None = None
    """The mapping from roles to colours (`#rrggbb`), as "module:name".

    On the page a colour of the palette becomes the CSS variable of its role, and a line or a text
    in another colour is a problem. Without a palette, a figure keeps the colours that it has.
    """

    style: str | None = None
    """The function, called before each page, that sets Matplotlib's style, as "module:name"."""

    hashsalt: str = "engine"
    """Matplotlib's `svg.hashsalt`, from which the ids in a drawing follow."""

    stateful: tuple[str, ...] = ("collections.abc:Iterator", "random:Random")
    """Types whose objects change with every use, each as "module:name"."""

    stateful_names: tuple[str, ...] = ()
    """Names of such objects in notebooks, whose kernel does not tell the types."""

    address: str | None = None
    """Where the site is published, the same as MkDocs' `site_url`.

    With it each page's first figure is also drawn as a picture, for links to the page; the site
    ships a wheel of its project, which downloaded notebooks install; and notebooks have a link that
    opens them in the browser.
    """

    repository: str | None = None
    """The address from which git clones the project; notebooks install it from there where the
    site has no address."""

    script_marks: Mapping[str, str] = field(default_factory=dict)
    """Scripts that only some pages load: those whose HTML holds the text that stands here."""

    runtime: str | None = None
    """The folder with Pyodide and `hashes.json`, the SHA-256 of its files; blocks then run in the
    reader's browser."""

    runtime_scripts: tuple[str, ...] = ()
    """Scripts of the site's own that run code in the reader's browser; they follow the engine's."""

    sources: str | None = None
    """File name of the page that lists the sources which other pages cite by anchor."""


@functools.cache
def settings() -> Settings:
    """Import the site's settings, once."""
    if importlib.util.find_spec(MODULE) is None:
        raise ModuleNotFoundError(
            f"the engine finds no module {MODULE!r}, which tells it about the site; "
            f"write {MODULE}.py with SETTINGS = engine.settings.Settings(...) on Python's path",
            name=MODULE,
        )
    found: Settings = importlib.import_module(MODULE).SETTINGS
    return found


def css(name: str) -> str:
    """Name a CSS class or variable of this site."""
    return settings().prefix + name
