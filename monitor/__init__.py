"""Decides: ingest, classify, track deadlines, keep cases. The only room that knows all the others."""
