"""Real networks: of each is said what was expected, from the store and, with PyTorch, live."""

import pytest
from gallery.expected import EXPECTED
from gallery.store import judged, kept, stored

STORED = stored()


def assert_is(expected, found):
    first = found.first_layer and found.first_layer[1]
    assert (found.verdict, found.situation) == (expected.verdict, expected.situation), found
    assert expected.begins is None or first in expected.begins, found
    assert bool(found.remedies) == bool(expected.advice), found
    assert not found.remedies or found.remedies[0].startswith(expected.advice), found


def test_the_gallery_is_whole():
    assert set(STORED) == set(EXPECTED) and len(EXPECTED) >= 24


@pytest.mark.parametrize("name", EXPECTED)
def test_a_stored_network_is_judged_rightly(name):
    assert_is(EXPECTED[name], judged(STORED[name], EXPECTED[name].over_time))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", EXPECTED)
def test_a_live_network_is_judged_rightly(name, seed):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    from gallery.networks import seen

    look = seen(name, seed)
    expected = EXPECTED[name]
    assert_is(expected, [*look.over_time.values()][-1] if expected.over_time else look.diagnosis)
    assert_is(expected, judged(kept(look), expected.over_time))


def test_a_healthy_network_is_offered_nothing():
    healthy = [name for name, expected in EXPECTED.items() if not expected.situation]
    assert len(healthy) > 12
    for name in healthy:
        assert judged(STORED[name], EXPECTED[name].over_time).remedies == ()
