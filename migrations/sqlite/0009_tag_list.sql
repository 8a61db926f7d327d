-- Owner of every table here: wharf-registry.

-- A page of tags out of the index alone. SQLite fetches a row from the table for every tag as soon as the statement names a
-- column that the index does not hold, even if the index's own condition says all about it: 100 places in the file for
-- a page, which a large catalog has no room for in its cache. `tags_current` stays, because it says what is unique.
CREATE INDEX tags_listed ON tags (repository_id, name, until_at) WHERE until_at IS NULL;
