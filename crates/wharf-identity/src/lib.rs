//! Projects and members, users, robots, groups, tokens, roles: a credential becomes a Caller with its grants.
