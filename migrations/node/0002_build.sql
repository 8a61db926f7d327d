-- Tables of wharf-build: what builds have made, by all that it depended on.

CREATE TABLE build_results (
    -- The digest of the operation and of all that it reads.
    operation BLOB PRIMARY KEY,
    -- The chain of layers that it leads to; NULL for the empty file system.
    chain BLOB,
    -- What people saw of it, and its inputs as JSON, for those who ask why.
    title TEXT NOT NULL,
    inputs TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX build_results_by_title ON build_results (title, created_at);

-- The digests of what was read of unpacked layers, which never change.
CREATE TABLE build_selections (
    chain BLOB NOT NULL,
    query BLOB NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (chain, query)
);
