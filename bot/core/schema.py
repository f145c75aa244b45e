"""The ledger's tables, as migrations: each brings a database from one version to the next."""

from __future__ import annotations

from sqlite_utils import Database

from bot.core.errors import UnreadableLedger

#: MIGRATIONS[n] brings a database of version n to n + 1. Append only.
MIGRATIONS = (
    """
    CREATE TABLE jobs (
        id TEXT PRIMARY KEY, request_key TEXT NOT NULL UNIQUE,
        team TEXT NOT NULL, channel TEXT NOT NULL, user TEXT NOT NULL,
        dataset TEXT NOT NULL, pipeline TEXT NOT NULL, options TEXT NOT NULL,
        state TEXT NOT NULL, attempt INTEGER NOT NULL, version INTEGER NOT NULL,
        created_at REAL NOT NULL, started_at REAL, finished_at REAL,
        stage TEXT, fraction REAL NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT '',
        stage_seconds TEXT NOT NULL DEFAULT '{}', metrics TEXT NOT NULL DEFAULT '{}',
        error TEXT NOT NULL DEFAULT '', hint TEXT NOT NULL DEFAULT '',
        cancelled_by TEXT NOT NULL DEFAULT '', destroy_requested INTEGER NOT NULL DEFAULT 0,
        backend TEXT NOT NULL, handle TEXT, price_per_hour REAL NOT NULL,
        viewer_url TEXT NOT NULL DEFAULT '', manifest_url TEXT NOT NULL DEFAULT '',
        status_channel TEXT, status_ts TEXT,
        rendered_version INTEGER NOT NULL DEFAULT 0, rendered_hash TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX jobs_by_state ON jobs (state, created_at);
    CREATE TABLE events (
        job TEXT NOT NULL REFERENCES jobs (id), attempt INTEGER NOT NULL, seq INTEGER NOT NULL,
        body TEXT NOT NULL, PRIMARY KEY (job, attempt, seq)
    );
    CREATE TABLE slots (
        slot INTEGER NOT NULL, job TEXT NOT NULL REFERENCES jobs (id),
        claimed_at REAL NOT NULL, released_at REAL
    );
    -- The promise that one slot never serves two jobs is kept by the database, not by our code.
    CREATE UNIQUE INDEX one_job_per_slot ON slots (slot) WHERE released_at IS NULL;
    CREATE UNIQUE INDEX one_slot_per_job ON slots (job) WHERE released_at IS NULL;
    CREATE TABLE outbox (
        id INTEGER PRIMARY KEY, job TEXT NOT NULL REFERENCES jobs (id), kind TEXT NOT NULL,
        dedupe_key TEXT NOT NULL UNIQUE, payload TEXT NOT NULL, created_at REAL NOT NULL,
        next_try_at REAL NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
        closed_at REAL, channel TEXT NOT NULL DEFAULT '', ts TEXT NOT NULL DEFAULT '',
        error TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX outbox_due ON outbox (next_try_at) WHERE closed_at IS NULL;
    CREATE TABLE audit (
        id INTEGER PRIMARY KEY, time REAL NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
        job TEXT, detail TEXT NOT NULL
    );
    """,
    """
    ALTER TABLE jobs ADD COLUMN heartbeat_at REAL;
    ALTER TABLE jobs ADD COLUMN heartbeat TEXT NOT NULL DEFAULT '{}';
    CREATE TABLE machines (
        number INTEGER PRIMARY KEY, job TEXT NOT NULL REFERENCES jobs (id),
        attempt INTEGER NOT NULL, name TEXT NOT NULL, size TEXT NOT NULL, region TEXT NOT NULL,
        price_per_hour REAL NOT NULL, sent_at REAL NOT NULL, outcome TEXT NOT NULL,
        machine_id TEXT, gone_at REAL
    );
    -- A second machine for a job can not even be intended while the first may exist.
    CREATE UNIQUE INDEX one_machine_per_job ON machines (job)
        WHERE outcome IN ('sent', 'created') AND gone_at IS NULL;
    """,
    """
    CREATE TABLE intents (
        id INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, actor TEXT NOT NULL,
        created_at REAL NOT NULL, done_at REAL, error TEXT NOT NULL DEFAULT ''
    );
    -- What was asked twice is done once.
    CREATE UNIQUE INDEX one_open_intent ON intents (kind, subject) WHERE done_at IS NULL;
    CREATE TABLE strangers (
        machine_id TEXT PRIMARY KEY, name TEXT NOT NULL, size TEXT NOT NULL, region TEXT NOT NULL,
        price_per_hour REAL NOT NULL, created_at REAL NOT NULL
    );
    """,
    """
    CREATE TABLE drops (
        id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, team TEXT NOT NULL,
        channel TEXT NOT NULL, user TEXT NOT NULL, thread TEXT NOT NULL, dataset TEXT NOT NULL,
        files TEXT NOT NULL, created_at REAL NOT NULL, next_try_at REAL NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0, done_at REAL, shown_channel TEXT, shown_ts TEXT,
        found TEXT NOT NULL DEFAULT '{}', error TEXT NOT NULL DEFAULT ''
    );
    """,
    """
    CREATE TABLE tenants (
        team TEXT PRIMARY KEY, sealed TEXT NOT NULL, changed_at REAL NOT NULL
    );
    """,
)


def migrate(database: Database) -> None:
    """Bring the database to the newest version; safe when several processes start at once.

    Raises UnreadableLedger for one of a later version of the bot: what this one does not know of
    it, it would not keep.
    """
    database.execute("BEGIN IMMEDIATE")
    try:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise UnreadableLedger(
                "The ledger was written by a later version of the bot.",
                hint="Start that version, or a later one; SPLATBOT_DATA says where the ledger is.",
            )
        for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
            for statement in filter(str.strip, script.split(";")):
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {number}")
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise
