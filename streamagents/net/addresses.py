"""Addresses: which belong to the public internet, and which nobody may open."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal

Kind = Literal["public", "private", "never"]
"""`private` can be opened by name (`STREAMAGENTS_ALLOW_PRIVATE_HOSTS`), `never` cannot."""

_PRIVATE_4 = tuple(
    ip_network(network)
    for network in (
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind a provider's NAT
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
    )
)
_NEVER_4 = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # Linux takes it for this machine
        "100.100.100.200/32",  # a cloud's metadata, like the next but four
        "169.254.0.0/16",  # link-local: the metadata of most clouds
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "168.63.129.16/32",  # a cloud's metadata
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_PRIVATE_6 = tuple(ip_network(network) for network in ("::1/128", "fc00::/7"))
_NEVER_6 = tuple(
    ip_network(network)
    for network in (
        "2001::/23",  # Teredo, benchmarks, identifiers
        "2001:db8::/32",
        "3fff::/20",
        "fd00:ec2::254/128",  # a cloud's metadata, like the next
        "fd20:ce::254/128",
    )
)
_GLOBAL_6 = ip_network("2000::/3")
_NAT64 = ip_network("64:ff9b::/96")


def kind_of(address: str) -> Kind:
    """What an address is, whatever it is wrapped in. What is no address is `never`."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "never"
    if isinstance(parsed, IPv4Address):
        return _kind_of_4(parsed)
    inner = _wrapped(parsed)
    return _kind_of_6(parsed) if inner is None else _kind_of_4(inner)


def is_address(host: str) -> bool:
    """Whether a host is an address and no name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def looks_like_address(host: str) -> bool:
    """Whether some resolver reads a number in it: `2130706433`, `0x7f.1`, `0177.0.0.1`.

    A name's last label is never a number.
    """
    last = host.rstrip(".").rpartition(".")[2].casefold()
    return last.isdecimal() or last.startswith("0x")


def _kind_of_4(address: IPv4Address) -> Kind:
    if any(address in network for network in _NEVER_4):
        return "never"
    return "private" if any(address in network for network in _PRIVATE_4) else "public"


def _kind_of_6(address: IPv6Address) -> Kind:
    if any(address in network for network in _NEVER_6):
        return "never"
    if any(address in network for network in _PRIVATE_6):
        return "private"
    return "public" if address in _GLOBAL_6 else "never"


def _wrapped(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a packet to this one arrives at."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour
