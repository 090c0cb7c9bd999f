"""Which addresses a webhook may reach: none inside, unless the mill names its host.

A webhook's target is typed into a page. Without this it could ask this machine, the broker, a router or a cloud's
metadata service for whatever its author likes (server-side request forgery).
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
NAT64 = ip_network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Reachable from anywhere, and one machine alone; what an address of IPv6 wraps is looked at too."""
    inner = _wrapped(address)
    if inner is not None:
        return is_public(inner)
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback or is_site(address)
    )


def is_site(address: Address) -> bool:
    """fec0::/10: the private addresses of before `fc00::/7` (RFC 3879), which `is_global` takes for public."""
    return isinstance(address, IPv6Address) and address.is_site_local


def _wrapped(address: Address) -> IPv4Address | None:
    """The IPv4 address inside: mapped, 6to4, Teredo's client, NAT64."""
    if isinstance(address, IPv4Address):
        return None
    if address.teredo:
        return address.teredo[1]
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def may_reach(host: str, address: Address, allowed: Iterable[str]) -> bool:
    """`allowed`: host names, addresses and networks (10.20.0.0/16) that may be private."""
    return is_public(address) or any(_allows(entry, host, address) for entry in allowed)


def _allows(entry: str, host: str, address: Address) -> bool:
    network = _network(entry)
    return address in network if network else entry.strip().lower() == host.lower()


def _network(entry: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(entry.strip(), strict=False)
    except ValueError:
        return None


def literal(host: str) -> Address | None:
    """The address that a host name spells out, if it does."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def parts(url: str) -> tuple[str, str, int, str] | None:
    """Scheme, host, port and the path with its query; None where it is no address of a webhook."""
    try:
        found = urlsplit(url)
        port = found.port
    except ValueError:
        return None
    plain = url.isascii() and url.isprintable() and " " not in url
    if not plain or found.scheme not in {"http", "https"} or not found.hostname or found.username is not None:
        return None
    path = (found.path or "/") + (f"?{found.query}" if found.query else "")
    return found.scheme, found.hostname, port or (443 if found.scheme == "https" else 80), path
