import pytest

from myoprosthesis.core import registry
from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.effectors.mirror import Mirror, MirrorOptions


def test_a_name_leads_to_its_factory_and_options():
    assert registry.factory("effectors", "mirror") is Mirror
    assert registry.options("effectors", "mirror") is MirrorOptions
    for kind in ("effectors", "perturbations", "tasks"):
        for name in registry.names(kind):
            assert callable(registry.factory(kind, name)) and registry.options(kind, name)


def test_an_unknown_name_lists_the_known_ones_and_says_reinstall():
    with pytest.raises(ConfigError, match="unknown effector 'arm27': known are .*arm26, .*mean 'arm26'.*reinstall"):
        registry.factory("effectors", "arm27")
    with pytest.raises(ConfigError, match="unknown kind of component 'robots'"):
        registry.names("robots")


def test_what_is_not_even_a_name_is_an_error_of_the_same_kind():
    with pytest.raises(ConfigError, match="unknown perturbation 5"):
        registry.factory("perturbations", 5)
    assert str(unknown("kind", "x", ())) == "unknown kind 'x': known are none"
