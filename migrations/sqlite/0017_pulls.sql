-- Owner of every table here: wharf-registry.

-- When a manifest was last asked for. Written in batches, and for each manifest once in an interval at most.
CREATE TABLE manifest_pulls (
    manifest_id INTEGER PRIMARY KEY REFERENCES manifests (id) ON DELETE CASCADE,
    pulled_at   INTEGER NOT NULL
) STRICT;
