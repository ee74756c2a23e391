-- +goose Up

-- One row that every commit rewrites. generation counts commits, whichever
-- process made them, so that caches can tell which snapshot they describe.
CREATE TABLE state (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    generation INTEGER NOT NULL,
    last_seq   INTEGER NOT NULL,
    last_high  INTEGER NOT NULL
) STRICT;
INSERT INTO state (one, generation, last_seq, last_high) VALUES (1, 0, 0, 0);

-- A rowid table: documents are far larger than what suits WITHOUT ROWID, and
-- every index entry stays short. doc is last so that reading the other columns
-- never follows its overflow pages.
CREATE TABLE entity (
    row        INTEGER PRIMARY KEY,
    id         BLOB    NOT NULL,
    type       TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    fqn        TEXT    NOT NULL,
    parent     BLOB,
    deleted    INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    doc        BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX entity_id ON entity (id);
CREATE UNIQUE INDEX entity_fqn ON entity (type, fqn);
CREATE INDEX entity_list ON entity (type, deleted, fqn);
CREATE INDEX entity_parent ON entity (parent, type, fqn, deleted) WHERE parent IS NOT NULL;

CREATE TABLE entity_version (
    row     INTEGER PRIMARY KEY,
    entity  BLOB    NOT NULL,
    version INTEGER NOT NULL,
    doc     BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX entity_version_key ON entity_version (entity, version);

-- Most relations have no document, so the row is little more than its key.
CREATE TABLE relation (
    from_id   BLOB NOT NULL,
    kind      TEXT NOT NULL,
    to_id     BLOB NOT NULL,
    from_type TEXT NOT NULL,
    to_type   TEXT NOT NULL,
    doc       BLOB,
    PRIMARY KEY (from_id, kind, to_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX relation_to ON relation (to_id, kind, from_id);

CREATE TABLE record (
    row   INTEGER PRIMARY KEY,
    kind  TEXT    NOT NULL,
    owner TEXT    NOT NULL,
    key   TEXT    NOT NULL,
    at    INTEGER NOT NULL,
    doc   BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX record_key ON record (kind, owner, key);
CREATE UNIQUE INDEX record_any_key ON record (kind, key, owner);
CREATE INDEX record_owner_at ON record (owner, kind, at, key);
CREATE INDEX record_at ON record (kind, at, key, owner);

-- high is the greatest "at" so far; it never decreases, so the first event at
-- or after a moment is one index look-up even if the clock was set back.
CREATE TABLE event (
    seq         INTEGER PRIMARY KEY,
    id          BLOB    NOT NULL,
    type        TEXT    NOT NULL,
    entity_type TEXT    NOT NULL,
    entity_id   BLOB    NOT NULL,
    entity_fqn  TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    previous    INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    high        INTEGER NOT NULL,
    user        TEXT    NOT NULL,
    change      BLOB,
    doc         BLOB
) STRICT;
CREATE INDEX event_entity ON event (entity_id, seq);
CREATE INDEX event_high ON event (high, seq);
