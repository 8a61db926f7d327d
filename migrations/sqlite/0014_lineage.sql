-- Owner of every table here: wharf-governance.
-- What images stand on. Digests are bytes: one algorithm byte, then the hash. Times are microseconds since 1970, UTC.

-- What a layer is without its compression, computed here from its bytes, never believed; or why it cannot be known.
CREATE TABLE blob_diff_ids (
    digest      BLOB PRIMARY KEY,
    diff_id     BLOB,
    size_bytes  INTEGER NOT NULL,
    problem     TEXT,
    computed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Stacks of layers by their ChainID, each one layer higher than its parent: what images have in common is one path.
CREATE TABLE lineage_chains (
    id        INTEGER PRIMARY KEY,
    chain_id  BLOB NOT NULL UNIQUE,
    parent_id INTEGER REFERENCES lineage_chains (id),
    layers    INTEGER NOT NULL
) STRICT;
CREATE INDEX lineage_chains_by_parent ON lineage_chains (parent_id);

-- One row per image, wherever it is. kind: 0 image, 1 index. chain_id: the highest stack that is known of it; is_whole: that
-- this is all of it, so that others can stand on it. base_chain_id: the highest stack below that is a whole image.
-- base_digest and base_name: what its annotations say. claim: 0 its config's DiffIDs are right, 1 wrong, 2 not all of them could
-- be computed.
CREATE TABLE lineage_images (
    id            INTEGER PRIMARY KEY,
    digest        BLOB NOT NULL UNIQUE,
    kind          INTEGER NOT NULL,
    chain_id      INTEGER REFERENCES lineage_chains (id),
    is_whole      INTEGER NOT NULL,
    base_chain_id INTEGER REFERENCES lineage_chains (id),
    base_digest   BLOB,
    base_name     TEXT,
    claim         INTEGER NOT NULL,
    problem       TEXT,
    platform      TEXT NOT NULL,
    layers        INTEGER NOT NULL,
    size_bytes    INTEGER NOT NULL,
    made_at       INTEGER,
    run_as        TEXT NOT NULL,
    labels        TEXT NOT NULL,
    seen_at       INTEGER NOT NULL
) STRICT;
CREATE INDEX lineage_images_by_chain ON lineage_images (chain_id, is_whole);
CREATE INDEX lineage_images_by_base ON lineage_images (base_chain_id);
CREATE INDEX lineage_images_by_named_base ON lineage_images (base_digest);

-- What an index lists.
CREATE TABLE lineage_members (
    index_id INTEGER NOT NULL REFERENCES lineage_images (id),
    digest   BLOB NOT NULL,
    PRIMARY KEY (index_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX lineage_members_by_digest ON lineage_members (digest);

-- Where an image is. environment: empty for development. tags: JSON, each tag that points or pointed to it with the time since
-- when. tagged_at: since when the latest of them does.
CREATE TABLE lineage_places (
    image_id    INTEGER NOT NULL REFERENCES lineage_images (id),
    repository  TEXT NOT NULL,
    project_id  INTEGER NOT NULL,
    environment TEXT NOT NULL,
    tags        TEXT NOT NULL,
    tagged_at   INTEGER,
    pushed_at   INTEGER NOT NULL,
    PRIMARY KEY (image_id, repository)
) STRICT, WITHOUT ROWID;
CREATE INDEX lineage_places_by_repository ON lineage_places (repository, tagged_at, image_id);
CREATE INDEX lineage_places_by_project ON lineage_places (project_id, environment, repository, tagged_at, image_id);

-- A newer base asks for what stands on the ones before to be rebuilt, once. line: the pattern of the base's tags.
-- state: 0 open, 1 done, 2 overtaken by a still newer base.
CREATE TABLE rebuilds (
    id         INTEGER PRIMARY KEY,
    project_id INTEGER NOT NULL,
    repository TEXT NOT NULL,
    line       TEXT NOT NULL,
    tag        TEXT NOT NULL,
    digest     BLOB NOT NULL,
    state      INTEGER NOT NULL,
    opened_at  INTEGER NOT NULL,
    closed_at  INTEGER
) STRICT;
CREATE UNIQUE INDEX rebuilds_once ON rebuilds (repository, line, digest);
CREATE INDEX rebuilds_by_project ON rebuilds (project_id, id);

-- What is to be rebuilt, in waves. after: JSON, the repositories of this rebuild whose new images it waits for.
-- state: 0 waiting, 1 asked for, 2 answered, 3 overtaken. digest: what stood there when it was opened; answer: what does now.
CREATE TABLE rebuild_items (
    rebuild_id  INTEGER NOT NULL REFERENCES rebuilds (id),
    repository  TEXT NOT NULL,
    project_id  INTEGER NOT NULL,
    wave        INTEGER NOT NULL,
    after       TEXT NOT NULL,
    tag         TEXT NOT NULL,
    digest      BLOB NOT NULL,
    state       INTEGER NOT NULL,
    wanted_at   INTEGER,
    answer      BLOB,
    answered_by TEXT,
    answered_at INTEGER,
    PRIMARY KEY (rebuild_id, repository)
) STRICT, WITHOUT ROWID;
CREATE INDEX rebuild_items_by_repository ON rebuild_items (repository, state);
CREATE INDEX rebuild_items_by_project ON rebuild_items (project_id, rebuild_id);

-- What images are like that were compared with a project's standards. standards: the digest of the standards that were in
-- force. results: JSON. passes: whether all are kept; problem: why the image could not be read.
CREATE TABLE standard_checks (
    project_id INTEGER NOT NULL,
    repository TEXT NOT NULL,
    digest     BLOB NOT NULL,
    standards  BLOB NOT NULL,
    passes     INTEGER NOT NULL,
    results    TEXT NOT NULL,
    problem    TEXT,
    checked_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, repository, digest)
) STRICT, WITHOUT ROWID;

-- How far the look at images from before lineage is: the position in the registry's list.
CREATE TABLE lineage_catch_up (
    name     TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    ended_at INTEGER
) STRICT, WITHOUT ROWID;
