-- Schema 1, both databases. {BYTES} is BLOB or BYTEA. Times are microseconds since 1970, UTC;
-- truth values are 0 and 1; bodies are JSON.

-- The bytes of a record as received, once however many sources delivered them.
CREATE TABLE raw (
    sha256   TEXT   NOT NULL PRIMARY KEY,
    bytes    {BYTES} NOT NULL,
    first_at BIGINT NOT NULL
);

-- What was noticed: one row per version of a record. This key is the only judge of "seen before".
CREATE TABLE signal (
    id          TEXT   NOT NULL,
    version     TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    severity    BIGINT NOT NULL,
    happened_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    stream      TEXT   NOT NULL,
    raw_sha256  TEXT   NOT NULL REFERENCES raw (sha256),
    body        TEXT   NOT NULL,
    PRIMARY KEY (id, version)
);
CREATE INDEX signal_time ON signal (happened_at, id);
CREATE INDEX signal_kind ON signal (kind, happened_at);

-- Which source delivered which bytes for a signal.
CREATE TABLE raw_copy (
    signal_id TEXT   NOT NULL,
    version   TEXT   NOT NULL,
    sha256    TEXT   NOT NULL REFERENCES raw (sha256),
    stream    TEXT   NOT NULL,
    source    TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (signal_id, version, sha256, stream, source),
    FOREIGN KEY (signal_id, version) REFERENCES signal (id, version)
);

CREATE TABLE incident (
    id              TEXT   NOT NULL PRIMARY KEY,
    account_key     TEXT   NOT NULL,
    account_display TEXT   NOT NULL,
    opened_at       BIGINT NOT NULL,
    state           TEXT   NOT NULL CHECK (state IN ('open', 'acknowledged')),
    acknowledged_at BIGINT,
    acknowledged_by TEXT,
    signals         BIGINT NOT NULL,
    last_signal_at  BIGINT NOT NULL,
    severity        BIGINT NOT NULL
);
-- An account has at most one incident that nobody has closed.
CREATE UNIQUE INDEX incident_unfinished ON incident (account_key)
    WHERE state IN ('open', 'acknowledged');

CREATE TABLE signal_account (
    signal_id   TEXT   NOT NULL,
    version     TEXT   NOT NULL,
    account_key TEXT   NOT NULL,
    position    BIGINT NOT NULL,
    incident_id TEXT   NOT NULL REFERENCES incident (id),
    PRIMARY KEY (signal_id, version, account_key),
    FOREIGN KEY (signal_id, version) REFERENCES signal (id, version)
);
CREATE INDEX signal_account_incident ON signal_account (incident_id);
CREATE INDEX signal_account_account ON signal_account (account_key);

-- The content of an alert; signal_id is null for a test.
CREATE TABLE alert (
    id         TEXT   NOT NULL PRIMARY KEY,
    signal_id  TEXT,
    version    TEXT,
    test       BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    body       TEXT   NOT NULL,
    FOREIGN KEY (signal_id, version) REFERENCES signal (id, version)
);

-- An alert about two accounts is acknowledged for each of the two incidents.
CREATE TABLE alert_incident (
    alert_id        TEXT NOT NULL REFERENCES alert (id),
    incident_id     TEXT NOT NULL REFERENCES incident (id),
    acknowledged_at BIGINT,
    acknowledged_by TEXT,
    PRIMARY KEY (alert_id, incident_id)
);
CREATE INDEX alert_incident_incident ON alert_incident (incident_id);

CREATE TABLE acknowledgement (
    incident_id TEXT   NOT NULL REFERENCES incident (id),
    number      BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    by_whom     TEXT   NOT NULL,
    alerts      TEXT   NOT NULL,
    PRIMARY KEY (incident_id, number)
);

-- due_at: when a pending row is to be sent, or when the lease of a leased row ends.
CREATE TABLE outbox (
    id          TEXT   NOT NULL PRIMARY KEY,
    alert_id    TEXT   NOT NULL REFERENCES alert (id),
    channel     TEXT   NOT NULL,
    lane        BIGINT NOT NULL,
    state       TEXT   NOT NULL CHECK (state IN ('pending', 'leased', 'accepted')),
    due_at      BIGINT NOT NULL,
    lease_owner TEXT,
    attempts    BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    last_error  TEXT,
    accepted_at BIGINT,
    receipt     TEXT,
    UNIQUE (alert_id, channel),
    CHECK ((state = 'leased') = (lease_owner IS NOT NULL)),
    CHECK ((state = 'accepted') = (accepted_at IS NOT NULL AND receipt IS NOT NULL))
);
CREATE INDEX outbox_due ON outbox (lane, created_at) WHERE state <> 'accepted';

CREATE TABLE attempt (
    outbox_id TEXT   NOT NULL REFERENCES outbox (id),
    number    BIGINT NOT NULL,
    owner     TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    outcome   TEXT   NOT NULL CHECK (outcome IN ('accepted', 'failed')),
    detail    TEXT   NOT NULL,
    PRIMARY KEY (outbox_id, number)
);

CREATE TABLE set_aside (
    id          TEXT   NOT NULL PRIMARY KEY,
    file        TEXT   NOT NULL,
    position    TEXT   NOT NULL,
    reason      TEXT   NOT NULL,
    first_bytes {BYTES} NOT NULL,
    at          BIGINT NOT NULL
);

CREATE TABLE check_run (
    number BIGINT NOT NULL PRIMARY KEY,
    at     BIGINT NOT NULL,
    report TEXT   NOT NULL
);

CREATE TABLE evidence (
    seq       BIGINT NOT NULL PRIMARY KEY,
    at        BIGINT NOT NULL,
    kind      TEXT   NOT NULL,
    subject   TEXT   NOT NULL,
    body      TEXT   NOT NULL,
    prev_hash TEXT   NOT NULL,
    hash      TEXT   NOT NULL
);

-- The end of the chain. Locking this row is how writers on PostgreSQL take turns.
CREATE TABLE evidence_head (
    one  BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    seq  BIGINT NOT NULL,
    hash TEXT   NOT NULL
);
INSERT INTO evidence_head (one, seq, hash)
    VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');
