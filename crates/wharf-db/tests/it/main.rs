//! The database at its door, on SQLite and (where `WHARF_TEST_POSTGRES` names a server) on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test ends by panicking")]

mod transaction;
