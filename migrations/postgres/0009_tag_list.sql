-- Owner of every table here: wharf-registry.

-- Nothing to do: PostgreSQL reads a page of tags out of `tags_current` alone. The step exists because both databases
-- count the same ones.
