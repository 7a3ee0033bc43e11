"""Which connector reads which platform. Names only: a connector is imported when it is asked for, so a school
that reads one feed never loads another platform's SDK.

Third parties add a connector by an entry point of the group `schoolwatch.connectors`, whose name is the
platform's; a built-in name cannot be taken over.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from connectors.base import API, Connector

GROUP = "schoolwatch.connectors"

CONNECTORS: dict[str, str] = {
    "facebook": "connectors.facebook:FacebookConnector",
    "feed": "connectors.feed:FeedConnector",
    "files": "connectors.files:FilesConnector",
    "x": "connectors.x:XConnector",
}


class RegistryError(ValueError):
    """A platform's connector cannot be used; the message is one sentence that says what to do."""


class UnknownConnector(RegistryError):
    """No connector has this name."""


class BrokenConnector(RegistryError):
    """The connector exists, but cannot be imported or is no connector."""


class IncompatibleConnector(RegistryError):
    """The connector was written for another major version of the port."""


def names() -> tuple[str, ...]:
    """The platforms that can be read, sorted: the built-in ones and those of installed third parties."""
    return tuple(sorted({*CONNECTORS, *_third_parties()}))


def load(platform: str) -> type[Connector]:
    """Import the connector of a platform.

    Raises UnknownConnector, BrokenConnector or IncompatibleConnector, all of them RegistryError (ValueError).
    """
    target = CONNECTORS.get(platform)
    entry = EntryPoint(platform, target, GROUP) if target else _third_parties().get(platform)
    if entry is None:
        known = ", ".join(names())
        raise UnknownConnector(f"There is no connector named {platform!r}: choose one of {known}.")
    return _checked(platform, entry.value, _import(platform, entry.value))


def _third_parties() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _import(platform: str, target: str) -> object:
    module, _, attribute = target.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except Exception as err:  # noqa: BLE001  a third party's module may fail with anything; it must not stop the others
        cause = f"{type(err).__name__}: {err}"
    raise BrokenConnector(
        f"The connector {platform!r} ({target}) could not be imported ({cause}): reinstall or remove its package."
    )


def _checked(platform: str, target: str, found: object) -> type[Connector]:
    if not (isinstance(found, type) and issubclass(found, Connector)):
        raise BrokenConnector(
            f"The connector {platform!r} ({target}) is no subclass of connectors.base.Connector: mend its package."
        )
    if found.api != API:
        raise IncompatibleConnector(
            f"The connector {platform!r} was written for version {found.api} of the port, and this is version {API}: "
            "install a matching release of it."
        )
    return found
