"""Engines by name. Nothing of an engine is imported before it is asked for."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from monitor.classifier.engine import Engine, EngineError

if TYPE_CHECKING:
    from monitor.classifier.judge import Thresholds

ENGINES: dict[str, str] = {
    "detoxify-multilingual": "monitor.classifier.detoxify:multilingual",
    "detoxify-original": "monitor.classifier.detoxify:original",
    "detoxify-unbiased": "monitor.classifier.detoxify:unbiased",
    "embedded": "monitor.classifier.embedded:Embedded",
    "embedded-small": "monitor.classifier.embedded_small:EmbeddedSmall",
}
"""Name to `module:class`; it is constructed without arguments, one of FETCHED from the folder of models."""

FETCHED = frozenset({"detoxify-multilingual", "detoxify-original", "detoxify-unbiased"})
"""Engines whose model `schoolwatch model fetch` brings; another engine stands beside them (COMPANION)."""

DEFAULT = "embedded"
"""The engine where no settings say which; theirs is the same."""

COMPANION = "embedded"
"""The engine that judges what a fetched one does not know."""

MODELS = Path("state") / "models"
"""The folder of models where no settings say which."""

_WEIGHTS = Path(__file__).parent / "weights"


def thresholds_of(name: str) -> Path:
    """The thresholds file of the engine of that name; it stands beside the weights."""
    return _WEIGHTS / f"{'detoxify' if name in FETCHED else name.replace('-', '_')}.thresholds.toml"


def thresholds(name: str, preset: str) -> Thresholds:
    """One preset of an engine's thresholds; a fetched one's above those of its companion. Raises EngineError."""
    from monitor.classifier.judge import Thresholds

    own = Thresholds.load(thresholds_of(name), preset)
    return own.above(Thresholds.load(thresholds_of(COMPANION), preset)) if name in FETCHED else own


def load(name: str, models: Path = MODELS) -> Engine:
    """The engine of that name, its model loaded. Raises EngineError on an unknown name or a broken model.

    `models`: the folder of fetched models, which engines that come with the program do not need.
    """
    target = ENGINES.get(name)
    if target is None:
        raise EngineError(f"there is no engine {name!r}; there are: {', '.join(sorted(ENGINES))}")
    module, _, attribute = target.partition(":")
    try:
        make = getattr(import_module(module), attribute)
        return cast(Engine, make(models) if name in FETCHED else make())
    except ImportError as err:
        raise EngineError(f"engine {name!r} cannot be loaded: {err}") from err
