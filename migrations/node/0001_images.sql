-- Tables of wharf-images: what a node's images are called, which layers are unpacked, and which blobs hold them.

CREATE TABLE image_names (
    -- The full name with its tag: docker.io/library/alpine:3.
    name TEXT PRIMARY KEY,
    -- The manifest's or the index's digest, its media type and size.
    digest BLOB NOT NULL,
    media_type TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    since BIGINT NOT NULL
);

-- One row per folder below `snapshots/`.
CREATE TABLE snapshots (
    -- The ChainID of all layers up to this one.
    chain BLOB PRIMARY KEY,
    -- The ChainID below; NULL for the lowest layer.
    parent BLOB,
    -- The DiffID, and the size of the uncompressed archive.
    diff_id BLOB NOT NULL,
    diff_bytes BIGINT NOT NULL,
    inodes BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL
);
CREATE INDEX snapshots_by_parent ON snapshots (parent);

-- Which blobs are a layer, by how they are compressed.
CREATE TABLE layer_blobs (
    diff_id BLOB NOT NULL,
    compression TEXT NOT NULL,
    digest BLOB NOT NULL,
    size_bytes BIGINT NOT NULL,
    PRIMARY KEY (diff_id, compression)
);
