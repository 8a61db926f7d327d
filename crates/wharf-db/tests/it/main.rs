//! The database at its door, on SQLite and (where `WHARF_TEST_POSTGRES` names a server) on PostgreSQL.

mod transaction;
