-- Owner of every table here: wharf-governance.
-- What images stand on. Digests are bytes: one algorithm byte, then the hash. Times are microseconds since 1970, UTC.

-- What a layer is without its compression, computed here from its bytes, never believed; or why it cannot be known.
CREATE TABLE blob_diff_ids (
    digest      BYTEA PRIMARY KEY,
    diff_id     BYTEA,
    size_bytes  BIGINT NOT NULL,
    problem     TEXT COLLATE "C",
    computed_at BIGINT NOT NULL
);

-- Stacks of layers by their ChainID, each one layer higher than its parent: what images have in common is one path.
CREATE TABLE lineage_chains (
    id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chain_id  BYTEA NOT NULL UNIQUE,
    parent_id BIGINT REFERENCES lineage_chains (id),
    layers    BIGINT NOT NULL
);
CREATE INDEX lineage_chains_by_parent ON lineage_chains (parent_id);

-- One row per image, wherever it is. kind: 0 image, 1 index. chain_id: the highest stack that is known of it; is_whole: that
-- this is all of it, so that others can stand on it. base_chain_id: the highest stack below that is a whole image.
-- base_digest and base_name: what its annotations say. claim: 0 its config's DiffIDs are right, 1 wrong, 2 not all of them could
-- be computed.
CREATE TABLE lineage_images (
    id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest        BYTEA NOT NULL UNIQUE,
    kind          BIGINT NOT NULL,
    chain_id      BIGINT REFERENCES lineage_chains (id),
    is_whole      BIGINT NOT NULL,
    base_chain_id BIGINT REFERENCES lineage_chains (id),
    base_digest   BYTEA,
    base_name     TEXT COLLATE "C",
    claim         BIGINT NOT NULL,
    problem       TEXT COLLATE "C",
    platform      TEXT COLLATE "C" NOT NULL,
    layers        BIGINT NOT NULL,
    size_bytes    BIGINT NOT NULL,
    made_at       BIGINT,
    run_as        TEXT COLLATE "C" NOT NULL,
    labels        TEXT COLLATE "C" NOT NULL,
    seen_at       BIGINT NOT NULL
);
CREATE INDEX lineage_images_by_chain ON lineage_images (chain_id, is_whole);
CREATE INDEX lineage_images_by_base ON lineage_images (base_chain_id);
CREATE INDEX lineage_images_by_named_base ON lineage_images (base_digest);

-- What an index lists.
CREATE TABLE lineage_members (
    index_id BIGINT NOT NULL REFERENCES lineage_images (id),
    digest   BYTEA NOT NULL,
    PRIMARY KEY (index_id, digest)
);
CREATE INDEX lineage_members_by_digest ON lineage_members (digest);

-- Where an image is. environment: empty for development. tags: JSON, each tag that points or pointed to it with the time since
-- when. tagged_at: since when the latest of them does.
CREATE TABLE lineage_places (
    image_id    BIGINT NOT NULL REFERENCES lineage_images (id),
    repository  TEXT COLLATE "C" NOT NULL,
    project_id  BIGINT NOT NULL,
    environment TEXT COLLATE "C" NOT NULL,
    tags        TEXT COLLATE "C" NOT NULL,
    tagged_at   BIGINT,
    pushed_at   BIGINT NOT NULL,
    PRIMARY KEY (image_id, repository)
);
CREATE INDEX lineage_places_by_repository ON lineage_places (repository, tagged_at, image_id);
CREATE INDEX lineage_places_by_project ON lineage_places (project_id, environment, repository, tagged_at, image_id);

-- A newer base asks for what stands on the ones before to be rebuilt, once. line: the pattern of the base's tags.
-- state: 0 open, 1 done, 2 overtaken by a still newer base.
CREATE TABLE rebuilds (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id BIGINT NOT NULL,
    repository TEXT COLLATE "C" NOT NULL,
    line       TEXT COLLATE "C" NOT NULL,
    tag        TEXT COLLATE "C" NOT NULL,
    digest     BYTEA NOT NULL,
    state      BIGINT NOT NULL,
    opened_at  BIGINT NOT NULL,
    closed_at  BIGINT
);
CREATE UNIQUE INDEX rebuilds_once ON rebuilds (repository, line, digest);
CREATE INDEX rebuilds_by_project ON rebuilds (project_id, id);

-- What is to be rebuilt, in waves. after: JSON, the repositories of this rebuild whose new images it waits for.
-- state: 0 waiting, 1 asked for, 2 answered, 3 overtaken. digest: what stood there when it was opened; answer: what does now.
CREATE TABLE rebuild_items (
    rebuild_id  BIGINT NOT NULL REFERENCES rebuilds (id),
    repository  TEXT COLLATE "C" NOT NULL,
    project_id  BIGINT NOT NULL,
    wave        BIGINT NOT NULL,
    after       TEXT COLLATE "C" NOT NULL,
    tag         TEXT COLLATE "C" NOT NULL,
    digest      BYTEA NOT NULL,
    state       BIGINT NOT NULL,
    wanted_at   BIGINT,
    answer      BYTEA,
    answered_by TEXT COLLATE "C",
    answered_at BIGINT,
    PRIMARY KEY (rebuild_id, repository)
);
CREATE INDEX rebuild_items_by_repository ON rebuild_items (repository, state);
CREATE INDEX rebuild_items_by_project ON rebuild_items (project_id, rebuild_id);

-- What images are like that were compared with a project's standards. standards: the digest of the standards that were in
-- force. results: JSON. passes: whether all are kept; problem: why the image could not be read.
CREATE TABLE standard_checks (
    project_id BIGINT NOT NULL,
    repository TEXT COLLATE "C" NOT NULL,
    digest     BYTEA NOT NULL,
    standards  BYTEA NOT NULL,
    passes     BIGINT NOT NULL,
    results    TEXT COLLATE "C" NOT NULL,
    problem    TEXT COLLATE "C",
    checked_at BIGINT NOT NULL,
    PRIMARY KEY (project_id, repository, digest)
);

-- How far the look at images from before lineage is: the position in the registry's list.
CREATE TABLE lineage_catch_up (
    name     TEXT COLLATE "C" PRIMARY KEY,
    position BIGINT NOT NULL,
    ended_at BIGINT
);
