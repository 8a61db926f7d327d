-- Owner of every table here: wharf-governance.
-- Date versions, `YYYYMMDD_NN`. A sequence is a repository's name, or '' for the whole project's. A version that was given
-- out keeps its row for ever: no number is missing without one. Times are microseconds since 1970, UTC; a day is the number
-- YYYYMMDD.

-- The last number of a day.
CREATE TABLE version_sequences (
    project_id  BIGINT NOT NULL,
    sequence    TEXT COLLATE "C" NOT NULL,
    day         BIGINT NOT NULL,
    last_number BIGINT NOT NULL,
    PRIMARY KEY (project_id, sequence, day)
);

CREATE TABLE allocated_versions (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id   BIGINT NOT NULL,
    sequence     TEXT COLLATE "C" NOT NULL,
    day          BIGINT NOT NULL,
    number       BIGINT NOT NULL,
    allocated_by TEXT NOT NULL,
    purpose      TEXT,
    allocated_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    used_at      BIGINT,
    voided_by    TEXT,
    voided_at    BIGINT,
    void_reason  TEXT
);
CREATE UNIQUE INDEX allocated_versions_number ON allocated_versions (project_id, sequence, day, number);
CREATE INDEX allocated_versions_listed ON allocated_versions (project_id, id);
CREATE INDEX allocated_versions_of_sequence ON allocated_versions (project_id, sequence, id);

-- Which image of a repository a version stands on.
CREATE TABLE version_uses (
    version_id BIGINT NOT NULL REFERENCES allocated_versions (id),
    repository TEXT COLLATE "C" NOT NULL,
    digest     BYTEA NOT NULL,
    used_by    TEXT NOT NULL,
    used_at    BIGINT NOT NULL,
    PRIMARY KEY (version_id, repository)
);
