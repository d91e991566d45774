"""No test reaches beyond this machine: names and addresses of other hosts are refused and told."""

import ipaddress
import socket
import sys
from functools import cache

reached: list[str] = []
"""What was refused since this was last looked at."""


allowed = False
"""Whether the test that runs now may reach other machines."""


class RealHostRefused(OSError):
    """A test wanted to talk to another machine."""


def guard() -> None:
    """Refuse other hosts from now on, in this process and for good."""
    sys.addaudithook(_hear)


def is_here(host: object) -> bool:
    """Tell whether `host` is this machine, or a name that cannot exist (RFC 6761)."""
    if isinstance(host, bytes):
        host = host.decode()
    if host in (None, "", "localhost") or str(host).endswith((".localhost", ".invalid")):
        return True
    return _is_own(str(host))


@cache
def _is_own(host: str) -> bool:
    if host in (socket.gethostname(), "<broadcast>"):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if address.is_loopback or address.is_unspecified:
        return True
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        try:
            one.bind((host, 0))
        except OSError:
            return False
    return True


def _hear(event: str, arguments: tuple) -> None:
    if event == "socket.connect":
        one, address = arguments
        # Connecting a datagram socket sends nothing: it is how programs find their own address.
        if one.family in (socket.AF_INET, socket.AF_INET6) and one.type != socket.SOCK_DGRAM:
            _require_here(address[0])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        _require_here(arguments[0])
    elif event in ("socket.sendto", "socket.sendmsg"):
        one, address = arguments
        if address is not None and one.family in (socket.AF_INET, socket.AF_INET6):
            _require_here(address[0])


def _require_here(host: object) -> None:
    if not allowed and not is_here(host):
        reached.append(str(host))
        raise RealHostRefused(f"tests reach no other machine: '{host}' was asked for")
