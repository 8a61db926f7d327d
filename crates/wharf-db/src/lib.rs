//! SQLite and PostgreSQL behind one transaction type: pools, migrations, outbox, job queue, leases, audit log.
//!
//! A use case is one [`Db::transaction`]; a read that decides nothing is [`Db::get`] or [`Db::list`]. This crate knows
//! no table but its own (jobs, leases, audit), no rule, and no folder: who may open a file, and that only one process
//! does, is for `wharf` to see to.
//!
//! Reading order: [`settings`], [`value`], [`row`], [`statement`], [`db`], [`transaction`], then `sqlite` (queue,
//! writer, commit, reader) and `postgres` behind them; [`migrations`]; then what is built on transactions:
//! [`job`], [`outbox`], [`lease`], [`audit`]; [`figures`] and [`error`] for all.

pub mod audit;
mod backoff;
pub mod db;
pub mod error;
pub mod figures;
pub mod job;
pub mod lease;
pub mod migrations;
pub mod outbox;
mod postgres;
pub mod row;
pub mod settings;
mod sqlite;
pub mod statement;
pub mod transaction;
pub mod value;

pub use audit::{AuditEntry, AuditFilter, AuditRecord, Outcome};
pub use db::Db;
pub use error::Error;
pub use figures::Figures;
pub use job::{DeadJob, Job, NewJob, Worker, WorkerSettings};
pub use lease::Lease;
pub use outbox::Subscription;
pub use row::Row;
pub use settings::{Settings, Time};
pub use statement::Statement;
pub use transaction::Tx;
pub use value::Value;
