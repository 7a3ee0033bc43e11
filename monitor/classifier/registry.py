"""Engines by name. Nothing of an engine is imported before it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from monitor.classifier.engine import Engine, EngineError

ENGINES: dict[str, str] = {
    "embedded-small": "monitor.classifier.embedded:EmbeddedSmall",
}
"""Name to `module:class`; the class is constructed without arguments."""


def load(name: str) -> Engine:
    """The engine of that name, its model loaded. Raises EngineError on an unknown name or a broken model."""
    target = ENGINES.get(name)
    if target is None:
        raise EngineError(f"there is no engine {name!r}; there are: {', '.join(sorted(ENGINES))}")
    module, _, attribute = target.partition(":")
    try:
        return cast(Engine, getattr(import_module(module), attribute)())
    except ImportError as err:
        raise EngineError(f"engine {name!r} cannot be loaded: {err}") from err
