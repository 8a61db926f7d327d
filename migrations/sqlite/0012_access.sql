-- Owner of every table here: wharf-identity.
-- Roles that somebody made, what they are limited to, reserved repositories, and persons.

-- Named sets of powers. project_id 0: of the whole server. powers: names divided by commas.
CREATE TABLE custom_roles (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id  INTEGER NOT NULL,
    name        TEXT NOT NULL,
    powers      TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    UNIQUE (project_id, name)
) STRICT;

-- Roles, built-in or custom by name, that were given within limits. kind: 0 user, 1 group, 2 robot; member_id is the row
-- there. Limits are words divided by spaces; an empty one limits nothing.
CREATE TABLE role_assignments (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id   INTEGER NOT NULL REFERENCES projects (id),
    kind         INTEGER NOT NULL CHECK (kind IN (0, 1, 2)),
    member_id    INTEGER NOT NULL,
    name         TEXT NOT NULL,
    role         TEXT NOT NULL,
    repositories TEXT NOT NULL,
    environments TEXT NOT NULL,
    tags         TEXT NOT NULL,
    since_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX role_assignments_by_project ON role_assignments (project_id, id);
CREATE INDEX role_assignments_by_member ON role_assignments (kind, member_id, project_id);
CREATE INDEX role_assignments_by_role ON role_assignments (role, project_id);

-- Repositories that only members of a role pull.
CREATE TABLE reservations (
    project_id INTEGER NOT NULL REFERENCES projects (id),
    pattern    TEXT NOT NULL,
    role       TEXT NOT NULL,
    since_at   INTEGER NOT NULL,
    PRIMARY KEY (project_id, pattern)
) STRICT, WITHOUT ROWID;
CREATE INDEX reservations_by_role ON reservations (role, project_id);

-- Whom identities belong to. kind: 0 user, 1 robot; an identity is one person's at most.
CREATE TABLE persons (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE person_accounts (
    kind       INTEGER NOT NULL CHECK (kind IN (0, 1)),
    account_id INTEGER NOT NULL,
    person_id  INTEGER NOT NULL REFERENCES persons (id),
    linked_by  TEXT NOT NULL,
    linked_at  INTEGER NOT NULL,
    PRIMARY KEY (kind, account_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX person_accounts_by_person ON person_accounts (person_id);
