-- Owner of every table here: wharf-db.

-- A row's place in the chain, and the hash that ties it to the row before. NULL until the sealer has come by; rows from
-- before are sealed in the background.
ALTER TABLE audit ADD COLUMN sequence BIGINT;
ALTER TABLE audit ADD COLUMN hash BYTEA;
CREATE INDEX audit_unsealed ON audit (id) WHERE sequence IS NULL;
CREATE UNIQUE INDEX audit_by_sequence ON audit (sequence) WHERE sequence IS NOT NULL;

-- Pages of the log, the newest first: by time, by person, by object, by what an object's name begins with, by action, and
-- by outcome, where it is not the usual one.
DROP INDEX audit_by_resource;
CREATE INDEX audit_by_time ON audit (at, id);
CREATE INDEX audit_by_person ON audit (caller_name, at, id);
CREATE INDEX audit_by_object ON audit (resource, at, id);
CREATE INDEX audit_by_scope ON audit (split_part(resource, '/', 1), at, id);
CREATE INDEX audit_by_action ON audit (action, at, id);
CREATE INDEX audit_by_outcome ON audit (outcome, at, id) WHERE outcome <> 'succeeded';

-- The end of the chain: one row.
CREATE TABLE audit_head (
    id       BIGINT PRIMARY KEY,
    sequence BIGINT NOT NULL,
    hash     BYTEA NOT NULL
);

-- What was signed about the chain. A row is only ever added.
CREATE TABLE audit_checkpoints (
    sequence BIGINT PRIMARY KEY,
    hash     BYTEA NOT NULL,
    at       BIGINT NOT NULL,
    key_id   TEXT COLLATE "C" NOT NULL,
    document TEXT COLLATE "C" NOT NULL
);

-- The public halves of the keys that signed: they verify for ever, also when the keys themselves are long gone.
CREATE TABLE audit_keys (
    key_id     TEXT COLLATE "C" PRIMARY KEY,
    public_key BYTEA NOT NULL,
    first_at   BIGINT NOT NULL
);

-- How far each receiver has been sent the log.
CREATE TABLE audit_shipping (
    receiver TEXT COLLATE "C" PRIMARY KEY,
    sequence BIGINT NOT NULL
);
