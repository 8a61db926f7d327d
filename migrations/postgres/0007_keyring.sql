-- Owner of every table here: wharf-db.

-- Keys that secrets in the catalog (purpose catalog) and blobs (purpose blobs) are sealed under. wrapped: the key, sealed
-- by a master key that is not in the catalog; master: that key's fingerprint. retired_at: since when another one of the
-- same purpose seals what is new; this one still opens what it sealed, so rows stay.
CREATE TABLE data_keys (
    id         BYTEA PRIMARY KEY,
    purpose    TEXT COLLATE "C" NOT NULL,
    wrapped    BYTEA NOT NULL,
    master     TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT
);
CREATE UNIQUE INDEX data_keys_newest ON data_keys (purpose) WHERE retired_at IS NULL;
