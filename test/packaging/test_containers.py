"""The containers' commands are ones of this package, and together they are one stack."""

import yaml

from myoprosthesis.cli.main import parser
from myoprosthesis.core import share
from myoprosthesis.core.options import build
from myoprosthesis.stack.description import StackOptions, describe
from myoprosthesis.stack.half import chosen_nodes

FOLDER = share.root() / "config" / "containers"


def test_the_two_containers_are_one_stack():
    services = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
    parsed = [parser("up").parse_args(service["command"]) for service in services.values()]
    run: list[str] = []
    for words in parsed:
        options = build(StackOptions, {name: getattr(words, name) for name in ("stack", "nodes", "network")}, "")
        assert options.network
        run += [spec.name for spec in chosen_nodes(describe(options), options)]
    assert sorted(run) == sorted(spec.name for spec in describe(StackOptions(stack=parsed[0].stack)))
    assert len({service["environment"]["ROS_DOMAIN_ID"] for service in services.values()}) == 1


def test_the_image_is_made_of_what_is_there():
    file = FOLDER / "Containerfile"
    named = {service["build"]["dockerfile"] for service in _services() if "build" in service}
    assert named == {str(file.relative_to(share.root()))}
    assert "ENTRYPOINT" in file.read_text()


def _services():
    return yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"].values()
