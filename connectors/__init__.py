"""Brings items in: one file a platform behind one port (`connectors.base`). Knows config, nothing above it."""
