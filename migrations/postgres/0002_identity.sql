-- Owner of every table here: wharf-identity.
-- Times are microseconds since 1970, UTC. Secrets are never stored: passwords as argon2id or bcrypt hashes, secrets that
-- we made ourselves as SHA-256. Numbers of rows are never used again (identity columns): tokens and other parts' rows may
-- outlive what they name.

CREATE TABLE projects (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL UNIQUE,
    is_public  BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX projects_public ON projects (name) WHERE is_public = 1;

-- system_role: 1 administrator, 2 auditor. revision moves when the password changes or the user is disabled: sessions,
-- refresh tokens and verified passwords of an older one are void. password_hash is NULL for who cannot log in by one.
CREATE TABLE users (
    id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          TEXT COLLATE "C" NOT NULL UNIQUE,
    password_hash TEXT COLLATE "C",
    system_role   BIGINT CHECK (system_role IN (1, 2)),
    is_disabled   BIGINT NOT NULL DEFAULT 0,
    revision      BIGINT NOT NULL DEFAULT 1,
    created_at    BIGINT NOT NULL
);
CREATE INDEX users_by_system_role ON users (system_role) WHERE system_role IS NOT NULL;

CREATE TABLE user_groups (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

-- Names of users and groups never change, so lists are read in their order from one index.
CREATE TABLE group_users (
    group_id  BIGINT NOT NULL REFERENCES user_groups (id),
    user_name TEXT COLLATE "C" NOT NULL,
    user_id   BIGINT NOT NULL REFERENCES users (id),
    PRIMARY KEY (group_id, user_name)
);
CREATE INDEX group_users_by_user ON group_users (user_id, group_id);

-- kind: 0 user, 1 group; member_id is the row there. role: 1 guest, 2 developer, 3 maintainer, 4 owner.
CREATE TABLE project_members (
    project_id BIGINT NOT NULL REFERENCES projects (id),
    kind       BIGINT NOT NULL CHECK (kind IN (0, 1)),
    name       TEXT COLLATE "C" NOT NULL,
    member_id  BIGINT NOT NULL,
    role       BIGINT NOT NULL CHECK (role IN (1, 2, 3, 4)),
    since_at   BIGINT NOT NULL,
    PRIMARY KEY (project_id, kind, name)
);
CREATE UNIQUE INDEX project_members_by_member ON project_members (kind, member_id, project_id);

-- permissions: names divided by commas. repositories: patterns divided by spaces; empty means the whole project.
CREATE TABLE robots (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id   BIGINT NOT NULL REFERENCES projects (id),
    name         TEXT COLLATE "C" NOT NULL,
    secret_hash  BYTEA NOT NULL,
    permissions  TEXT COLLATE "C" NOT NULL,
    repositories TEXT COLLATE "C" NOT NULL,
    expires_at   BIGINT,
    is_disabled  BIGINT NOT NULL DEFAULT 0,
    revision     BIGINT NOT NULL DEFAULT 1,
    created_at   BIGINT NOT NULL,
    UNIQUE (project_id, name)
);

-- private_key: PKCS#8; the key's id is the thumbprint of its public half. retired_at: another signs from then on, and
-- this one still verifies until the tokens that it signed have ended.
CREATE TABLE signing_keys (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key_id      TEXT COLLATE "C" NOT NULL UNIQUE,
    private_key BYTEA NOT NULL,
    created_at  BIGINT NOT NULL,
    retired_at  BIGINT
);

-- account_kind: 0 user, 1 robot. Void when revision is not the account's.
CREATE TABLE refresh_tokens (
    token_hash   BYTEA PRIMARY KEY,
    account_kind BIGINT NOT NULL CHECK (account_kind IN (0, 1)),
    account_id   BIGINT NOT NULL,
    revision     BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX refresh_tokens_by_account ON refresh_tokens (account_kind, account_id, created_at);
CREATE INDEX refresh_tokens_by_end ON refresh_tokens (expires_at);
