-- +goose Up

-- One row that every commit rewrites, and that whoever writes holds the lock on.
-- generation counts commits, whichever server made them, so that caches can tell
-- which snapshot they describe.
CREATE TABLE state (
    one        boolean PRIMARY KEY CHECK (one),
    generation bigint NOT NULL,
    last_seq   bigint NOT NULL,
    last_high  bigint NOT NULL
);
INSERT INTO state (one, generation, last_seq, last_high) VALUES (true, 0, 0, 0);

-- Names may be longer than an entry of an index. They are unique by a hash of ours,
-- and sorted by their beginning; what shares it is sorted when it is read. The
-- collation is that of bytes, which is the order of the API.
CREATE TABLE entity (
    id         uuid    PRIMARY KEY,
    parent     uuid,
    fqn_hash   uuid    NOT NULL,
    version    bigint  NOT NULL,
    updated_at bigint  NOT NULL,
    deleted    boolean NOT NULL,
    type       text    NOT NULL COLLATE "C",
    name       text    NOT NULL COLLATE "C",
    fqn        text    NOT NULL COLLATE "C",
    doc        bytea   NOT NULL
);
CREATE UNIQUE INDEX entity_fqn ON entity (type, fqn_hash);
CREATE INDEX entity_list ON entity (type, deleted, left(fqn, 500));
CREATE INDEX entity_all ON entity (type, left(fqn, 500));
CREATE INDEX entity_parent ON entity (parent, type) WHERE parent IS NOT NULL;

-- The text of a top-level member of a document. It depends on nothing but its
-- arguments, which PostgreSQL cannot know of a conversion of text.
-- +goose StatementBegin
CREATE FUNCTION catalpa_member(doc bytea, name text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT convert_from(doc, 'UTF8')::json ->> name $$;
-- +goose StatementEnd

-- Users are found by their address at every sign-in that names one.
CREATE INDEX entity_user_email ON entity (catalpa_member(doc, 'email')) WHERE type = 'user';

CREATE TABLE entity_version (
    entity  uuid   NOT NULL,
    version bigint NOT NULL,
    doc     bytea  NOT NULL,
    PRIMARY KEY (entity, version)
);

CREATE TABLE relation (
    from_id   uuid NOT NULL,
    to_id     uuid NOT NULL,
    kind      text NOT NULL COLLATE "C",
    from_type text NOT NULL COLLATE "C",
    to_type   text NOT NULL COLLATE "C",
    doc       bytea,
    PRIMARY KEY (from_id, kind, to_id)
);
CREATE INDEX relation_to ON relation (to_id, kind, from_id);
-- Lineage between services, domains and data products is a sum over all edges, which
-- are few among the relations.
CREATE INDEX relation_lineage ON relation (from_id, to_id) WHERE kind = 'upstream';

-- Keys, like names, may be longer than an entry of an index.
CREATE TABLE record (
    hash  uuid   PRIMARY KEY,
    at    bigint NOT NULL,
    kind  text   NOT NULL COLLATE "C",
    owner text   NOT NULL COLLATE "C",
    key   text   NOT NULL COLLATE "C",
    doc   bytea  NOT NULL
);
CREATE INDEX record_key ON record (kind, owner, left(key, 300));
CREATE INDEX record_any_key ON record (kind, left(key, 300), owner);
CREATE INDEX record_owner_at ON record (owner, kind, at);
CREATE INDEX record_at ON record (kind, at);

-- high is the greatest "at" so far; it never decreases, so the first event at or
-- after a moment is one index look-up even if the clock was set back.
CREATE TABLE event (
    seq         bigint PRIMARY KEY,
    id          uuid   NOT NULL,
    entity_id   uuid   NOT NULL,
    version     bigint NOT NULL,
    previous    bigint NOT NULL,
    at          bigint NOT NULL,
    high        bigint NOT NULL,
    type        text   NOT NULL COLLATE "C",
    entity_type text   NOT NULL COLLATE "C",
    entity_fqn  text   NOT NULL COLLATE "C",
    actor       text   NOT NULL COLLATE "C",
    bot         text   NOT NULL COLLATE "C",
    change      bytea,
    doc         bytea
);
CREATE INDEX event_entity ON event (entity_id, seq);
CREATE INDEX event_high ON event (high, seq);
