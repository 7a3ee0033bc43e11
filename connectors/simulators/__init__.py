"""Loopback servers that speak as the platforms do; the demo and the tests read from them, nobody else."""
