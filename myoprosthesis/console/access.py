"""Who may look at a stack and who may steer it: tokens in the address, and which pages may ask at all."""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from hmac import compare_digest
from pathlib import Path

from myoprosthesis.core.child_process import RUN
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.private import make_private, runtime_folder

STEER, LOOK = "steer", "look"
"""Roles: all controls, or the picture alone. The emergency stop belongs to both."""
FILE = "console"
LONGEST_TOKEN = 200


@dataclass(frozen=True)
class Tokens:
    """The secret of each role, and the port that it was given out for."""

    steer: str
    look: str
    port: int = 0
    run: str = ""

    def role(self, token: object) -> str:
        """The role that a token gives; empty for none. It takes as long for a wrong token as for a right one."""
        if not isinstance(token, str) or len(token) > LONGEST_TOKEN:
            return ""
        secret = token.encode(errors="replace")
        steer, look = (compare_digest(secret, own.encode()) for own in (self.steer, self.look))
        return STEER if steer else LOOK if look else ""


def kept_tokens(place: str) -> Tokens:
    """Those of this run of the stack `place`, so that a page goes on when its node is started again; else new ones."""
    run = os.environ.get(RUN, "")
    with suppress(OSError, ValueError, TypeError, ConfigError):
        tokens = Tokens(**json.loads((runtime_folder(place) / FILE).read_text()))
        if run and tokens.run == run:
            return tokens
    return Tokens(secrets.token_urlsafe(24), secrets.token_urlsafe(24), run=run)


def keep_tokens(place: str, tokens: Tokens) -> None:
    """Keep them in a file that this user alone can read; raises `ConfigError` or `OSError` where that cannot be."""
    if not tokens.run:
        return
    folder = runtime_folder(place)
    make_private(folder)
    path: Path = folder / FILE
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(tokens), file)


def hosts(network: bool) -> tuple[str, ...]:
    """Names by which a browser may call this machine, beside numbers where the network is open."""
    own = ("localhost", "127.0.0.1", "::1")
    return (*own, socket.gethostname().lower(), socket.getfqdn().lower()) if network else own


def host_allowed(host: str, port: int, names: Sequence[str], network: bool) -> bool:
    """Whether a request was made to this server by a name of its own.

    A page of somebody else's can have its own name answered with this machine's number (DNS rebinding), and then its
    requests come with that name. Numbers cannot be taken over in this way, so that they are allowed on a network."""
    name, _, asked = host.rpartition(":") if not host.endswith("]") else (host, "", "80")
    if not name:
        name, asked = host, "80"
    name = name.strip("[]").lower()
    if asked != str(port):
        return False
    return name in names or (network and _is_number(name))


def origin_allowed(origins: Sequence[str], host: str) -> bool:
    """Whether a socket was opened by this server's own page; a program that is no browser names no origin."""
    return all(origin.lower() == f"http://{host.lower()}" for origin in origins)


def is_local(address: str) -> bool:
    """Whether a browser at this address runs on this machine, or comes through a tunnel that ends on it."""
    try:
        number = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return bool(number.is_loopback or (number.version == 6 and number.ipv4_mapped and number.ipv4_mapped.is_loopback))


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
