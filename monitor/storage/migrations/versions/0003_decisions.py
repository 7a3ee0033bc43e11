"""Decisions: what people said about flagged words, and what was lowered because of it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import config.db

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "verdicts",
        sa.Column(
            "dismissed",
            config.db.JsonText(),
            nullable=True,
            comment="categories lowered because a person called the same words a false alarm",
        ),
    )
    op.create_table(
        "decisions",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            sa.Identity(always=False),
            nullable=False,
        ),
        sa.Column("school_id", sa.String(length=63), nullable=False),
        sa.Column(
            "digest",
            sa.String(length=64),
            nullable=False,
            comment="SHA-256 of the school and the words; no author",
        ),
        sa.Column("rightly", sa.Boolean(), nullable=False, comment="false: a false alarm"),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("categories", config.db.JsonText(), nullable=False),
        sa.Column("scores", config.db.JsonText(), nullable=False),
        sa.Column("engine", sa.String(length=100), nullable=False),
        sa.Column("decided_at", config.db.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sa.UniqueConstraint("school_id", "digest", name=op.f("uq_decisions_school_id_digest")),
        comment="What a person last said about flagged words, with the verdict that it was about.",
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    raise NotImplementedError("Schoolwatch does not migrate backwards; restore a backup")
