"""Hypothesis draws the same cases in every run; the files that take longest begin first."""

from pathlib import Path

from hypothesis import settings

settings.register_profile("fixed", derandomize=True, deadline=None, database=None)
settings.load_profile("fixed")

# Of a parallel run, what begins last decides when it ends.
LONGEST = (
    "test_site.py",
    "test_wasm.py",
    "test_pages.py",
    "test_faults.py",
    "test_labs.py",
    "test_project.py",
)


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    place = {here / name: position for position, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))
