"""The one Alembic environment, with the tables of monitor.storage and of alerts.outbox."""
