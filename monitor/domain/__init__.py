"""Pure decisions: no clock, no I/O. Imports the standard library, `holidays` and the rooms' plain types."""
