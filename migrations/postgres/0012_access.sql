-- Owner of every table here: wharf-identity.
-- Roles that somebody made, what they are limited to, reserved repositories, and persons.

-- Named sets of powers. project_id 0: of the whole server. powers: names divided by commas.
CREATE TABLE custom_roles (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id  BIGINT NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    powers      TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL,
    UNIQUE (project_id, name)
);

-- Roles, built-in or custom by name, that were given within limits. kind: 0 user, 1 group, 2 robot; member_id is the row
-- there. Limits are words divided by spaces; an empty one limits nothing.
CREATE TABLE role_assignments (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id   BIGINT NOT NULL REFERENCES projects (id),
    kind         BIGINT NOT NULL CHECK (kind IN (0, 1, 2)),
    member_id    BIGINT NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    role         TEXT COLLATE "C" NOT NULL,
    repositories TEXT COLLATE "C" NOT NULL,
    environments TEXT COLLATE "C" NOT NULL,
    tags         TEXT COLLATE "C" NOT NULL,
    since_at     BIGINT NOT NULL
);
CREATE INDEX role_assignments_by_project ON role_assignments (project_id, id);
CREATE INDEX role_assignments_by_member ON role_assignments (kind, member_id, project_id);
CREATE INDEX role_assignments_by_role ON role_assignments (role, project_id);

-- Repositories that only members of a role pull.
CREATE TABLE reservations (
    project_id BIGINT NOT NULL REFERENCES projects (id),
    pattern    TEXT COLLATE "C" NOT NULL,
    role       TEXT COLLATE "C" NOT NULL,
    since_at   BIGINT NOT NULL,
    PRIMARY KEY (project_id, pattern)
);
CREATE INDEX reservations_by_role ON reservations (role, project_id);

-- Whom identities belong to. kind: 0 user, 1 robot; an identity is one person's at most.
CREATE TABLE persons (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);
CREATE TABLE person_accounts (
    kind       BIGINT NOT NULL CHECK (kind IN (0, 1)),
    account_id BIGINT NOT NULL,
    person_id  BIGINT NOT NULL REFERENCES persons (id),
    linked_by  TEXT COLLATE "C" NOT NULL,
    linked_at  BIGINT NOT NULL,
    PRIMARY KEY (kind, account_id)
);
CREATE INDEX person_accounts_by_person ON person_accounts (person_id);
