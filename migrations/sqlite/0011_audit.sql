-- Owner of every table here: wharf-db.

-- A row's place in the chain, and the hash that ties it to the row before. NULL until the sealer has come by; rows from
-- before are sealed in the background.
ALTER TABLE audit ADD COLUMN sequence INTEGER;
ALTER TABLE audit ADD COLUMN hash BLOB;
CREATE INDEX audit_unsealed ON audit (id) WHERE sequence IS NULL;
CREATE UNIQUE INDEX audit_by_sequence ON audit (sequence) WHERE sequence IS NOT NULL;

-- Pages of the log, the newest first: by time, by person, by object, by what an object's name begins with, by action, and
-- by outcome, where it is not the usual one.
DROP INDEX audit_by_resource;
CREATE INDEX audit_by_time ON audit (at, id);
CREATE INDEX audit_by_person ON audit (caller_name, at, id);
CREATE INDEX audit_by_object ON audit (resource, at, id);
CREATE INDEX audit_by_scope ON audit (substr(resource, 1, instr(resource || '/', '/') - 1), at, id);
CREATE INDEX audit_by_action ON audit (action, at, id);
CREATE INDEX audit_by_outcome ON audit (outcome, at, id) WHERE outcome <> 'succeeded';

-- The end of the chain: one row.
CREATE TABLE audit_head (
    id       INTEGER PRIMARY KEY,
    sequence INTEGER NOT NULL,
    hash     BLOB NOT NULL
) STRICT;

-- What was signed about the chain. A row is only ever added.
CREATE TABLE audit_checkpoints (
    sequence INTEGER PRIMARY KEY,
    hash     BLOB NOT NULL,
    at       INTEGER NOT NULL,
    key_id   TEXT NOT NULL,
    document TEXT NOT NULL
) STRICT;

-- The public halves of the keys that signed: they verify for ever, also when the keys themselves are long gone.
CREATE TABLE audit_keys (
    key_id     TEXT PRIMARY KEY,
    public_key BLOB NOT NULL,
    first_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How far each receiver has been sent the log.
CREATE TABLE audit_shipping (
    receiver TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
