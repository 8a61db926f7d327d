-- Owner of every table here: wharf-identity.
-- Times are microseconds since 1970, UTC. Secrets are never stored: passwords as argon2id or bcrypt hashes, secrets that
-- we made ourselves as SHA-256. Numbers of rows are never used again (AUTOINCREMENT): tokens and other parts' rows may
-- outlive what they name.

CREATE TABLE projects (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE,
    is_public  INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX projects_public ON projects (name) WHERE is_public = 1;

-- system_role: 1 administrator, 2 auditor. revision moves when the password changes or the user is disabled: sessions,
-- refresh tokens and verified passwords of an older one are void. password_hash is NULL for who cannot log in by one.
CREATE TABLE users (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT NOT NULL UNIQUE,
    password_hash TEXT,
    system_role   INTEGER CHECK (system_role IN (1, 2)),
    is_disabled   INTEGER NOT NULL DEFAULT 0,
    revision      INTEGER NOT NULL DEFAULT 1,
    created_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX users_by_system_role ON users (system_role) WHERE system_role IS NOT NULL;

CREATE TABLE user_groups (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;

-- Names of users and groups never change, so lists are read in their order from one index.
CREATE TABLE group_users (
    group_id  INTEGER NOT NULL REFERENCES user_groups (id),
    user_name TEXT NOT NULL,
    user_id   INTEGER NOT NULL REFERENCES users (id),
    PRIMARY KEY (group_id, user_name)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_users_by_user ON group_users (user_id, group_id);

-- kind: 0 user, 1 group; member_id is the row there. role: 1 guest, 2 developer, 3 maintainer, 4 owner.
CREATE TABLE project_members (
    project_id INTEGER NOT NULL REFERENCES projects (id),
    kind       INTEGER NOT NULL CHECK (kind IN (0, 1)),
    name       TEXT NOT NULL,
    member_id  INTEGER NOT NULL,
    role       INTEGER NOT NULL CHECK (role IN (1, 2, 3, 4)),
    since_at   INTEGER NOT NULL,
    PRIMARY KEY (project_id, kind, name)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX project_members_by_member ON project_members (kind, member_id, project_id);

-- permissions: names divided by commas. repositories: patterns divided by spaces; empty means the whole project.
CREATE TABLE robots (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id   INTEGER NOT NULL REFERENCES projects (id),
    name         TEXT NOT NULL,
    secret_hash  BLOB NOT NULL,
    permissions  TEXT NOT NULL,
    repositories TEXT NOT NULL,
    expires_at   INTEGER,
    is_disabled  INTEGER NOT NULL DEFAULT 0,
    revision     INTEGER NOT NULL DEFAULT 1,
    created_at   INTEGER NOT NULL,
    UNIQUE (project_id, name)
) STRICT;

-- private_key: PKCS#8; the key's id is the thumbprint of its public half. retired_at: another signs from then on, and
-- this one still verifies until the tokens that it signed have ended.
CREATE TABLE signing_keys (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    key_id      TEXT NOT NULL UNIQUE,
    private_key BLOB NOT NULL,
    created_at  INTEGER NOT NULL,
    retired_at  INTEGER
) STRICT;

-- account_kind: 0 user, 1 robot. Void when revision is not the account's.
CREATE TABLE refresh_tokens (
    token_hash   BLOB PRIMARY KEY,
    account_kind INTEGER NOT NULL CHECK (account_kind IN (0, 1)),
    account_id   INTEGER NOT NULL,
    revision     INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_by_account ON refresh_tokens (account_kind, account_id, created_at);
CREATE INDEX refresh_tokens_by_end ON refresh_tokens (expires_at);
