//! The tables: made and changed by numbered files, forward only, built into the program.
//!
//! A database that a newer program has migrated is refused, and so is one whose migrations had other texts. Each
//! file's header names the owning crate of each table; this crate only knows the files' names. A server's catalog and a
//! node's database have different tables, and each its own list.

mod store;

use crate::error::Error;
use crate::settings::Tables;

pub(crate) use self::store::{on_postgres, on_sqlite};

/// One step forward.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    /// The file's name without its ending; begins with the number.
    pub(crate) name: &'static str,
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

macro_rules! migrations {
    ($($name:literal),+ $(,)?) => {
        &[$(Migration {
            name: $name,
            sqlite: include_str!(concat!("../../../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../../../migrations/postgres/", $name, ".sql")),
        }),+]
    };
}

/// All steps, in order. The number in a name is its position, from 1.
pub(crate) const MIGRATIONS: &[Migration] = migrations![
    "0001_db",
    "0002_identity",
    "0003_registry",
    "0004_collection",
    "0005_quota",
    "0006_fsck",
    "0007_keyring",
    "0008_moving",
    "0009_tag_list",
    "0010_policy",
    "0011_audit",
    "0012_access",
    "0013_versions",
    "0014_lineage",
    "0015_keeping",
    "0016_events",
    "0017_pulls",
    "0018_attestations",
    "0019_beyond",
    "0020_archive",
    "0021_search_archived",
];

/// The tables of a node: its images and what it builds. Several processes open them, and only SQLite holds them.
pub(crate) const NODE_MIGRATIONS: &[Migration] = &[
    Migration { name: "0001_images", sqlite: include_str!("../../../migrations/node/0001_images.sql"), postgres: "" },
    Migration { name: "0002_build", sqlite: include_str!("../../../migrations/node/0002_build.sql"), postgres: "" },
];

/// The list of a database's tables.
pub(crate) fn of(tables: Tables) -> &'static [Migration] {
    match tables {
        Tables::Server => MIGRATIONS,
        Tables::Node => NODE_MIGRATIONS,
    }
}

/// A step that a database has taken.
#[derive(Debug)]
struct Applied {
    number: i64,
    name: String,
    checksum: i64,
}

/// Decides which steps are left, or why the database cannot be used.
fn pending<'m>(
    known: &'m [Migration],
    applied: &[Applied],
    text: fn(&Migration) -> &'static str,
) -> Result<&'m [Migration], Error> {
    for step in applied {
        let position = usize::try_from(step.number - 1).ok();
        match position.and_then(|position| known.get(position)) {
            None => return Err(Error::Newer { found: step.number, known: count(known) }),
            Some(migration) if checksum(text(migration)) != step.checksum => {
                return Err(Error::MigrationChanged { name: step.name.clone() });
            }
            Some(_) => {}
        }
    }
    Ok(&known[applied.len().min(known.len())..])
}

fn count(migrations: &[Migration]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

/// FNV-1a, 64 bits: against accidents, not against people who can write into the database anyway.
fn checksum(text: &str) -> i64 {
    let hash = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    text.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, hash).cast_signed()
}

/// A digest of all migrations: two programs with the same one make the same tables.
pub fn fingerprint() -> String {
    let texts: String = MIGRATIONS.iter().map(|migration| [migration.sqlite, migration.postgres].concat()).collect();
    format!("{:016x}", checksum(&texts))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Migration] = &[
        Migration { name: "0001_a", sqlite: "a", postgres: "A" },
        Migration { name: "0002_b", sqlite: "b", postgres: "B" },
    ];

    fn applied(texts: &[&str]) -> Vec<Applied> {
        let steps = texts.iter().zip(1..);
        steps.map(|(text, number)| Applied { number, name: "x".to_owned(), checksum: checksum(text) }).collect()
    }

    #[test]
    fn what_is_left_is_what_follows_the_last_step() {
        let left = |texts: &[&str]| pending(KNOWN, &applied(texts), |m| m.sqlite).map(|left| left.len());
        assert_eq!(left(&[]).unwrap(), 2);
        assert_eq!(left(&["a"]).unwrap(), 1);
        assert_eq!(left(&["a", "b"]).unwrap(), 0);
        assert!(matches!(left(&["a", "b", "c"]), Err(Error::Newer { found: 3, known: 2 })));
        assert!(matches!(left(&["changed"]), Err(Error::MigrationChanged { .. })));
    }

    #[test]
    fn no_constraint_is_left_to_the_commit() {
        // A commit on SQLite is shared: what fails there fails for all its members.
        for migration in MIGRATIONS {
            for text in [migration.sqlite, migration.postgres] {
                assert!(!text.to_uppercase().contains("DEFER"), "`{}` defers a constraint", migration.name);
            }
        }
    }

    #[test]
    fn names_begin_with_their_position() {
        for (migration, number) in MIGRATIONS.iter().zip(1..) {
            assert!(migration.name.starts_with(&format!("{number:04}_")));
        }
    }
}
