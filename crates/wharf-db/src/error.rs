//! What can go wrong with the database.

use std::sync::Arc;

use uuid::Uuid;
use wharf_context::Kind;

/// The driver's own error.
pub(crate) type Source = Box<dyn std::error::Error + Send + Sync>;

/// A failure of the database, or of the way it is used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The URL names no database that we speak to.
    #[error("`{url}` is no database URL: {reason}")]
    Url {
        /// The URL, without its password.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The database cannot be opened.
    #[error("cannot open database `{url}`")]
    Open {
        /// The URL, without its password.
        url: String,
        /// Why.
        #[source]
        source: Source,
    },
    /// The database was written by a newer version of Wharf.
    #[error(
        "the database is at migration {found}, and this version of wharf knows {known}: run the newer version that migrated it"
    )]
    Newer {
        /// The last migration that the database has.
        found: i64,
        /// The last migration that this program has.
        known: i64,
    },
    /// A migration that ran on this database had another text than the one in this program.
    #[error("migration `{name}` ran on this database with another text than this version of wharf has")]
    MigrationChanged {
        /// The migration's file name without its ending.
        name: String,
    },
    /// The database has tables and was not made by Wharf.
    #[error("the database has tables already and no list of wharf's migrations: give wharf a database of its own")]
    Foreign,
    /// A migration failed; nothing of it remains.
    #[error("cannot apply migration `{name}`")]
    Migrate {
        /// The migration's file name without its ending.
        name: &'static str,
        /// Why.
        #[source]
        source: Source,
    },
    /// A statement failed.
    #[error("statement failed: `{sql}`")]
    Statement {
        /// Its text.
        sql: &'static str,
        /// Why.
        #[source]
        source: Source,
    },
    /// A statement would have broken a constraint: unique, foreign key, check, not null.
    #[error("statement breaks a constraint: `{sql}`")]
    Constraint {
        /// Its text.
        sql: &'static str,
        /// Which.
        #[source]
        source: Source,
    },
    /// The database has no space left.
    #[error("the database has no space left")]
    Full {
        /// The driver's words.
        #[source]
        source: Source,
    },
    /// A statement ran for too long and was ended.
    #[error("statement took too long and was ended: `{sql}`")]
    TooLong {
        /// Its text.
        sql: &'static str,
    },
    /// The database does not answer.
    #[error("the database does not answer ({doing})")]
    Unavailable {
        /// What was being done.
        doing: &'static str,
        /// Why.
        #[source]
        source: Source,
    },
    /// No turn at the writer, or no connection, within the time allowed.
    #[error("the database is too busy: no connection within the time allowed")]
    Busy,
    /// The transactions that were to be committed together were not.
    #[error("the transaction was lost with all that were to be committed with it")]
    BatchLost {
        /// Why.
        #[source]
        source: Arc<Lost>,
    },
    /// The transaction held the writer for too long and was rolled back.
    #[error("the transaction took too long and was rolled back")]
    Revoked,
    /// The connection was lost while committing: it may be committed or not.
    #[error("the connection was lost during commit: the transaction may be committed or not")]
    CommitUnknown {
        /// Why.
        #[source]
        source: Source,
    },
    /// Other transactions got in the way each time.
    #[error("the transaction lost against others {attempts} times")]
    Contended {
        /// How often it was tried.
        attempts: u32,
    },
    /// A transaction, or a statement outside of it, was begun inside a transaction.
    #[error("the database was used inside a transaction and not through it")]
    Nested,
    /// A statement was given to a transaction in which one had failed.
    #[error("an earlier statement of this transaction failed: `{sql}` was not run")]
    AfterFailure {
        /// The text of the one not run.
        sql: &'static str,
    },
    /// The transaction was to be committed although one of its statements had failed.
    #[error("the transaction cannot be committed: one of its statements failed")]
    Ignored,
    /// Text holds a NUL, which PostgreSQL cannot store.
    #[error("text for the database contains a NUL character")]
    Nul,
    /// A column is not what the caller takes it for.
    #[error("column {column} should be {wanted} and is {found}")]
    Column {
        /// Its position, from 0.
        column: usize,
        /// What was asked for.
        wanted: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// Another holds the lease by now.
    #[error("lease `{name}` is held by another by now")]
    LeaseLost {
        /// The lease's name.
        name: String,
    },
    /// The chain of the audit log is not where it was when rows were about to be sealed.
    #[error("the audit log's chain was moved by another while rows were sealed; nothing of it was kept")]
    ChainMoved,
    /// The database refuses writes because it is being moved, or has been.
    #[error("the database is being moved and takes no writes")]
    Frozen,
    /// A database in memory has no second connection to copy it by.
    #[error("a database in memory cannot be copied")]
    InMemory,
    /// The database that is to be filled has something in it.
    #[error("the target has rows in table `{table}` already: give an empty database")]
    TargetNotEmpty {
        /// The first such table.
        table: String,
    },
    /// The two databases were made by different migrations.
    #[error("table `{table}` is not the same in both databases: both must be at the same migration")]
    SchemaDiffers {
        /// The first such table.
        table: String,
    },
    /// Tables refer to each other in a circle.
    #[error("table `{table}` refers to others in a circle and cannot be copied before them")]
    CircularTables {
        /// One of them.
        table: String,
    },
    /// What was written does not read back as it was.
    #[error("table `{table}` reads back from the target with other content; nothing was kept")]
    CopyDiffers {
        /// Which.
        table: String,
    },
    /// There is no log that another machine could follow.
    #[error("only a SQLite database in a file can be followed")]
    NoLog,
    /// What is said to be of a database's log is not.
    #[error("a batch of the log cannot be used: {reason}")]
    ForeignLog {
        /// Why not.
        reason: &'static str,
    },
    /// The copy of a database cannot be kept.
    #[error("cannot {doing} the copy of the database `{}`", path.display())]
    Replica {
        /// What was being done.
        doing: &'static str,
        /// The database's file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The transaction is committed here, and the standby has not confirmed it.
    #[error("committed, but not confirmed by the standby")]
    NotFollowed {
        /// Why not.
        #[source]
        source: crate::log::NotFollowed,
    },
    /// Whoever wanted it has gone.
    #[error("the copy was stopped; nothing was kept")]
    Stopped,
    /// A data key is wrapped by a master key that this node was not given.
    #[error("the catalog's keys are wrapped by master key `{needed}`, and this node has `{held}`")]
    MasterKey {
        /// The fingerprint of the one that is needed.
        needed: String,
        /// The fingerprints of those that were given.
        held: String,
    },
    /// A data key does not open under the master key that is said to wrap it.
    #[error("data key `{id}` does not open: its row in the catalog was changed")]
    DataKey {
        /// The key's id.
        id: Uuid,
    },
    /// There is no data key although one was just made.
    #[error("the catalog has no data key")]
    NoDataKey,
    /// Something that was sealed does not open.
    #[error("what is sealed as `{place}` does not open: it was changed, or stood in another place")]
    Unseal {
        /// What it is.
        place: String,
    },
    /// The machine gives no random bytes.
    #[error("the machine gives no random bytes")]
    Random,
    /// Something cannot be written as JSON, or read back from it.
    #[error("cannot encode or decode {what} as JSON")]
    Json {
        /// What.
        what: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// Why a shared transaction was lost.
#[derive(Debug, thiserror::Error)]
#[error("{doing}")]
pub struct Lost {
    pub(crate) doing: &'static str,
    pub(crate) is_full: bool,
    #[source]
    pub(crate) source: Source,
}

impl Error {
    /// What sort of failure it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Url { .. } | Self::Nul | Self::InMemory | Self::NoLog => Kind::Invalid,
            Self::Constraint { .. } | Self::LeaseLost { .. } | Self::TargetNotEmpty { .. } | Self::ChainMoved => {
                Kind::Conflict
            }
            Self::Full { .. } => Kind::Exhausted,
            Self::BatchLost { source } if source.is_full => Kind::Exhausted,
            Self::Open { .. }
            | Self::TooLong { .. }
            | Self::Unavailable { .. }
            | Self::Busy
            | Self::BatchLost { .. }
            | Self::Revoked
            | Self::CommitUnknown { .. }
            | Self::Contended { .. }
            | Self::Frozen
            | Self::NotFollowed { .. }
            | Self::Replica { .. }
            | Self::Stopped
            | Self::Random => Kind::Unavailable,
            Self::Newer { .. }
            | Self::MigrationChanged { .. }
            | Self::Foreign
            | Self::Migrate { .. }
            | Self::SchemaDiffers { .. }
            | Self::CircularTables { .. }
            | Self::CopyDiffers { .. }
            | Self::ForeignLog { .. }
            | Self::Statement { .. }
            | Self::Nested
            | Self::AfterFailure { .. }
            | Self::Ignored
            | Self::Column { .. }
            | Self::MasterKey { .. }
            | Self::DataKey { .. }
            | Self::NoDataKey
            | Self::Unseal { .. }
            | Self::Json { .. } => Kind::Internal,
        }
    }
}
