"""The store: tables, the one way to write, and functions over rows. Every function takes the school."""
