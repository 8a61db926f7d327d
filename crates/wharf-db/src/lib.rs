//! SQLite and PostgreSQL behind one transaction type: pools, migrations, outbox, job queue, leases, audit log.
//!
//! A use case is one [`Db::transaction`]; a read that decides nothing is [`Db::get`] or [`Db::list`]. This crate knows
//! no table but its own (jobs, leases, audit, data keys), no rule, and no folder: who may open a file, and that only one process
//! does, is for `wharf` to see to.
//!
//! ```
//! use std::sync::Arc;
//! use wharf_db::{Db, Error, Settings, params};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Error> {
//! let db = Db::open(&Settings::new("sqlite::memory:"), Arc::new(wharf_context::SystemClock), Vec::new()).await?;
//! let names = ["a", "b"]; // A transaction borrows what it needs.
//! db.transaction(async |tx| {
//!     for name in names {
//!         let put = "INSERT INTO leases (name, token, expires_at) VALUES (?1, ?2, ?3)";
//!         tx.execute(put, &params![name, [0_u8; 16], tx.now()]).await?;
//!     }
//!     Ok::<_, Error>(())
//! })
//! .await?;
//! let row = db.get("SELECT count(*) FROM leases", &[]).await?;
//! assert_eq!(row.map(|row| row.integer(0)).transpose()?, Some(2));
//! # Ok(())
//! # }
//! ```
//!
//! Reading order: [`settings`], [`value`], [`row`], [`statement`], [`db`], [`transaction`], `reading`, then `sqlite` (queue,
//! writer, turn, commit, reader) and `postgres` behind them; [`migrations`]; then what is built on transactions:
//! [`job`], [`outbox`], [`lease`], [`audit`], [`keyring`]; [`copy`], [`freeze`] and [`log`] for the whole; [`pace`], [`figures`] and [`error`] for all.

pub mod audit;
mod backoff;
mod clock;
pub mod copy;
pub mod db;
pub mod error;
pub mod figures;
pub mod freeze;
pub mod job;
pub mod keyring;
pub mod lease;
pub mod log;
pub mod migrations;
pub mod outbox;
pub mod pace;
mod postgres;
mod reading;
pub mod row;
pub mod settings;
mod sqlite;
pub mod statement;
pub mod transaction;
pub mod value;

pub use audit::{
    AuditEntry, AuditFilter, AuditKey, AuditPage, AuditRecord, ChainHash, Checkpoint, Link, ObjectFilter, Outcome,
    Position,
};
pub use copy::{CopiedTable, CopyStep};
pub use db::Db;
pub use error::Error;
pub use figures::Figures;
pub use freeze::Move;
pub use job::{DeadJob, Job, NewJob, Worker, WorkerSettings};
pub use keyring::{DataKey, DataKeyRecord, Keyring, MasterKey, MasterKeys, Purpose};
pub use lease::Lease;
pub use log::{LogBatch, LogFollower};
pub use outbox::Subscription;
pub use pace::Pace;
pub use reading::Reading;
pub use row::Row;
pub use settings::{Settings, Tables, Time};
pub use statement::Statement;
pub use transaction::Tx;
pub use value::Value;
