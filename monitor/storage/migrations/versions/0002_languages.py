"""Languages: which a text is in, and what waits to be told because no engine can judge it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import config.db

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Plain ALTER TABLE ... ADD COLUMN on both databases: no table of a school's history is written anew.
    op.add_column(
        "verdicts",
        sa.Column(
            "language", sa.String(length=20), nullable=True, comment="BCP 47; null: English, or not told"
        ),
    )
    op.add_column(
        "verdicts",
        sa.Column(
            "unread",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="the engine cannot judge the language",
        ),
    )
    op.add_column(
        "items",
        sa.Column(
            "unread_since",
            config.db.UtcTime(),
            nullable=True,
            comment="not flagged, in a language no engine can judge; waits to be told",
        ),
    )
    op.create_index(
        "ix_items_unread",
        "items",
        ["school_id", "unread_since"],
        unique=False,
        sqlite_where=sa.text("unread_since IS NOT NULL"),
        postgresql_where=sa.text("unread_since IS NOT NULL"),
    )


def downgrade() -> None:
    raise NotImplementedError("Schoolwatch does not migrate backwards; restore a backup")
