"""The tables. Every one carries `school_id`, first in every unique key and index: no read can cross schools.

Times are 64-bit UTC microseconds (`UtcTime`); ids are 64-bit and never reused; names are plural snake_case.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from config.db import NAMING, NEVER_REUSED, Id, JsonText, UtcTime, id_column

_UNJUDGED = text("judged_no < version_no OR judged_state <> state")

metadata = MetaData(naming_convention=NAMING)


def _school() -> Column[str]:
    return Column("school_id", String(63), nullable=False)


def _to(table: str, name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, Id, ForeignKey(f"{table}.id"), nullable=nullable)


chains = Table(
    "chains",
    metadata,
    Column("school_id", String(63), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    comment="The head of each school's chain of events; locking its row orders the school's writers.",
)

events = Table(
    "events",
    metadata,
    id_column(),
    _school(),
    Column("seq", BigInteger, nullable=False),
    Column("subject", String(200), nullable=False, comment="case:12, item:5, source:2, engine:name"),
    Column("kind", String(40), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("data", JsonText, nullable=False, comment="ids and codes; no text, no names"),
    Column("hash", String(64), nullable=False, comment="SHA-256 over the hash before and this event"),
    UniqueConstraint("school_id", "seq"),
    Index(None, "school_id", "subject", "seq"),
    **NEVER_REUSED,
)

sources = Table(
    "sources",
    metadata,
    id_column(),
    _school(),
    Column("name", String(200), nullable=False),
    Column("official", Boolean, nullable=False, comment="an account of the school, not a watch"),
    Column("platform", String(63), nullable=False),
    Column("watch_from", UtcTime, comment="items from before carry no deadline; null until the first poll"),
    UniqueConstraint("school_id", "name"),
    **NEVER_REUSED,
)

polls = Table(
    "polls",
    metadata,
    Column("school_id", String(63), primary_key=True),
    Column("source_id", Id, ForeignKey("sources.id"), primary_key=True),
    Column("stream", String(200), primary_key=True),
    Column("due_at", UtcTime, nullable=False),
    Column("lease_until", UtcTime),
    Column("lease_no", BigInteger, nullable=False),
    Column("checkpoint", JsonText),
    Column("walking", Boolean, nullable=False, comment="more pages wait; the walk has not ended"),
    Column("walked_at", UtcTime, comment="when a walk first reached its end"),
    Column("failures", Integer, nullable=False, comment="in a row"),
    Column("failing_since", UtcTime),
    Column("ok_at", UtcTime),
    Index(None, "school_id", "due_at"),
)

authors = Table(
    "authors",
    metadata,
    id_column(),
    _school(),
    Column("platform", String(63), nullable=False),
    Column("author_id", Text, nullable=False),
    Column("name", Text),
    UniqueConstraint("school_id", "platform", "author_id"),
    **NEVER_REUSED,
)

items = Table(
    "items",
    metadata,
    id_column(),
    _school(),
    Column("platform", String(63), nullable=False),
    Column("external_id", Text, nullable=False),
    _to("sources", "source_id"),
    Column("kind", String(20), nullable=False),
    Column("parent_id", Text),
    Column("post_id", Text),
    Column("thread_key", Text, nullable=False, comment="what groups the items under one post"),
    _to("authors", "author_id", nullable=True),
    Column("author_is_school", Boolean, nullable=False),
    Column("permalink", Text),
    Column("created_at", UtcTime, nullable=False),
    Column(
        "created_mark", String(20), comment="missing, future, implausible: then created_at is first_seen_at"
    ),
    Column("first_seen_at", UtcTime, nullable=False),
    Column("state", String(20), nullable=False),
    Column("cold", Boolean, nullable=False, comment="from before the watch began"),
    Column("payload_key", LargeBinary(32), nullable=False, comment="of the HMACs; erasure destroys it"),
    Column("version_no", Integer, nullable=False),
    Column("judged_no", Integer, nullable=False, comment="the version that was judged or sent to review"),
    Column("judged_state", String(20), nullable=False, comment="the state that was last decided about"),
    Column("score_again_at", UtcTime, comment="the engine failed on the judged version; try again then"),
    Column(
        "unread_since", UtcTime, comment="not flagged, in a language no engine can judge; waits to be told"
    ),
    UniqueConstraint("school_id", "platform", "external_id"),
    Index(None, "school_id", "platform", "thread_key"),
    Index(
        "ix_items_unjudged",
        "school_id",
        "id",
        sqlite_where=_UNJUDGED,
        postgresql_where=_UNJUDGED,
    ),
    Index(
        "ix_items_unscored",
        "school_id",
        "score_again_at",
        sqlite_where=text("score_again_at IS NOT NULL"),
        postgresql_where=text("score_again_at IS NOT NULL"),
    ),
    Index(
        "ix_items_unread",
        "school_id",
        "unread_since",
        sqlite_where=text("unread_since IS NOT NULL"),
        postgresql_where=text("unread_since IS NOT NULL"),
    ),
    **NEVER_REUSED,
)

item_versions = Table(
    "item_versions",
    metadata,
    id_column(),
    _school(),
    _to("items", "item_id"),
    Column("no", Integer, nullable=False),
    Column("title", Text),
    Column("text", Text, nullable=False),
    Column("url", Text),
    Column("attachments", JsonText, nullable=False, comment="links only, never bytes"),
    Column("rating", Float),
    Column("marks", JsonText, nullable=False, comment="what ingest had to clean, as codes"),
    Column("payload_hmac", String(64), nullable=False, comment="under the item's key"),
    Column("raw", LargeBinary, nullable=False, comment="the payload as given, JSON in ASCII"),
    Column("seen_at", UtcTime, nullable=False),
    UniqueConstraint("school_id", "item_id", "no"),
    **NEVER_REUSED,
)

sightings = Table(
    "sightings",
    metadata,
    Column("school_id", String(63), primary_key=True),
    Column("item_id", Id, ForeignKey("items.id"), primary_key=True),
    Column("source_id", Id, ForeignKey("sources.id"), primary_key=True),
    Column("stream", String(200), primary_key=True),
    Column("first_seen_at", UtcTime, nullable=False),
)

verdicts = Table(
    "verdicts",
    metadata,
    id_column(),
    _school(),
    _to("items", "item_id"),
    _to("item_versions", "version_id"),
    Column("engine", String(100), nullable=False),
    Column("thresholds", String(100), nullable=False),
    Column("scores", JsonText, nullable=False),
    Column("categories", JsonText, nullable=False),
    Column("spans", JsonText, nullable=False),
    Column("severity", String(10), comment="null: the engine failed"),
    Column("error", Text),
    Column("language", String(20), comment="BCP 47; null: English, or not told"),
    Column(
        "unread",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="the engine cannot judge the language",
    ),
    Column(
        "dismissed",
        JsonText,
        comment="categories lowered because a person called the same words a false alarm",
    ),
    Column("judged_at", UtcTime, nullable=False),
    Index(None, "school_id", "item_id"),
    **NEVER_REUSED,
)

cases = Table(
    "cases",
    metadata,
    id_column(),
    _school(),
    Column("number", BigInteger, nullable=False),
    _to("items", "item_id"),
    Column("open", Boolean, nullable=False),
    Column("answer", String(20), nullable=False),
    Column("due_at", UtcTime),
    Column("due_reason", String(40)),
    Column("flag", String(20), nullable=False),
    Column("second_clock", String(20), nullable=False),
    Column("severity", String(10)),
    Column("opening", Integer, nullable=False),
    Column("plan", Integer, nullable=False),
    Column("summary_wanted", Boolean, nullable=False, comment="waits for its source's summary of old items"),
    UniqueConstraint("school_id", "number"),
    UniqueConstraint("school_id", "item_id"),
    Index(
        "ix_cases_summary_wanted",
        "school_id",
        "number",
        sqlite_where=text("summary_wanted"),
        postgresql_where=text("summary_wanted"),
    ),
    comment="What the fold over a case's events says, kept for questions; the events are the truth.",
    **NEVER_REUSED,
)

decisions = Table(
    "decisions",
    metadata,
    id_column(),
    _school(),
    Column("digest", String(64), nullable=False, comment="SHA-256 of the school and the words; no author"),
    Column("rightly", Boolean, nullable=False, comment="false: a false alarm"),
    Column("severity", String(10), nullable=False),
    Column("categories", JsonText, nullable=False),
    Column("scores", JsonText, nullable=False),
    Column("engine", String(100), nullable=False),
    Column("decided_at", UtcTime, nullable=False),
    UniqueConstraint("school_id", "digest"),
    comment="What a person last said about flagged words, with the verdict that it was about.",
    **NEVER_REUSED,
)

notices = Table(
    "notices",
    metadata,
    id_column(),
    _school(),
    _to("cases", "case_id"),
    Column("plan", Integer, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("reason", String(60), nullable=False),
    Column("state", String(10), nullable=False, comment="planned, sent, void"),
    UniqueConstraint("school_id", "case_id", "plan", "kind"),
    Index(
        "ix_notices_planned",
        "school_id",
        "due_at",
        sqlite_where=text("state = 'planned'"),
        postgresql_where=text("state = 'planned'"),
    ),
    **NEVER_REUSED,
)

set_asides = Table(
    "set_asides",
    metadata,
    id_column(),
    _school(),
    _to("sources", "source_id"),
    Column("stream", String(200), nullable=False),
    Column("digest", String(64), nullable=False, comment="SHA-256 of what was set aside"),
    Column("external_id", Text),
    Column("reason", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("batch", Integer, comment="the mail that told of it; null: not told yet"),
    UniqueConstraint("school_id", "source_id", "digest"),
    Index(None, "school_id", "batch"),
    **NEVER_REUSED,
)

outages = Table(
    "outages",
    metadata,
    id_column(),
    _school(),
    Column("subject", String(200), nullable=False, comment="engine:name, source:name/stream"),
    Column("number", Integer, nullable=False),
    Column("code", String(60), nullable=False),
    Column("began_at", UtcTime, nullable=False),
    Column("told_at", UtcTime),
    Column("ended_at", UtcTime),
    UniqueConstraint("school_id", "subject", "number"),
    **NEVER_REUSED,
)
