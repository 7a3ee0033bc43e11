"""Carries decisions out: who hears, what the mail says, and the durable outbox. Knows config, nothing above it."""
