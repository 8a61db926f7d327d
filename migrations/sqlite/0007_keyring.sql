-- Owner of every table here: wharf-db.

-- Keys that secrets in the catalog (purpose catalog) and blobs (purpose blobs) are sealed under. wrapped: the key, sealed
-- by a master key that is not in the catalog; master: that key's fingerprint. retired_at: since when another one of the
-- same purpose seals what is new; this one still opens what it sealed, so rows stay.
CREATE TABLE data_keys (
    id         BLOB PRIMARY KEY,
    purpose    TEXT NOT NULL,
    wrapped    BLOB NOT NULL,
    master     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    retired_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX data_keys_newest ON data_keys (purpose) WHERE retired_at IS NULL;
