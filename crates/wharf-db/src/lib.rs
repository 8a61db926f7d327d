//! SQLite and PostgreSQL behind one transaction type: pools, migrations, outbox, job queue, leases, audit log.
