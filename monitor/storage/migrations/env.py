"""Run by Alembic. The connection and its transaction come from `monitor.storage.migrate`."""

from __future__ import annotations

from alembic import context

from alerts import outbox
from monitor.storage import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=[tables.metadata, outbox.metadata],
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
