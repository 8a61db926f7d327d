-- Owner of every table here: wharf-governance.

-- Whether what search shows is in an archive, and not in the registry.
ALTER TABLE search_images ADD COLUMN is_archived BIGINT NOT NULL DEFAULT 0;
