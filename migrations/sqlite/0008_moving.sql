-- Owner of every table here: wharf-db.

-- What has moved to another place, and where: whoever comes to the old one is told so. what: `catalog` or `bytes`.
CREATE TABLE moves (
    what     TEXT PRIMARY KEY,
    place    TEXT NOT NULL,
    moved_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
