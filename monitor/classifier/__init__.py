"""Numbers from texts, then categories and severity from numbers."""
