"""The cluster's own network namespace, and the one wire from the host into it."""

from __future__ import annotations

from contextlib import suppress

from tests.cluster.command import CommandError, run

NAMESPACE = "ghstream-cluster"
HOST, NODE = "10.123.0.1", "10.123.0.2"
"""Ends of the wire."""
SERVICES, PODS = "10.96.0.0/16", "10.244.0.0/16"
API_SERVICE = "10.96.0.1"
_WIRE = ("ghs-host", "ghs-node")


def create() -> None:
    """Make the namespace with the wire, and the host's way to pods and services."""
    outside, inside = _WIRE
    _ip("netns", "add", NAMESPACE)
    _ip("link", "add", outside, "type", "veth", "peer", "name", inside, "netns", NAMESPACE)
    _ip("addr", "add", f"{HOST}/30", "dev", outside)
    _ip("link", "set", outside, "up")
    _ip("-n", NAMESPACE, "addr", "add", f"{NODE}/30", "dev", inside)
    for device in (inside, "lo"):
        _ip("-n", NAMESPACE, "link", "set", device, "up")
    _ip("-n", NAMESPACE, "route", "add", "default", "via", HOST)
    for network in (SERVICES, PODS):
        _ip("route", "add", network, "via", NODE)


def delete() -> None:
    """Remove the namespace; its wire, bridges, routes and packet filter go with it."""
    with suppress(CommandError):
        _ip("netns", "delete", NAMESPACE)


def enter(*command: str) -> list[str]:
    """Return the command line that runs a command in the namespace."""
    return ["nsenter", f"--net=/run/netns/{NAMESPACE}", *command]


def _ip(*arguments: str) -> None:
    run("ip", *arguments)
