"""The school of the command line's tests."""

from tests.acceptance.conftest import oakfield

__all__ = ["oakfield"]
