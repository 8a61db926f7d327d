//! The keyring: what the catalog holds, who can open it, and how master keys take turns.

use tokio::task::JoinSet;
use uuid::Uuid;
use wharf_db::{Error, Keyring, MasterKey, MasterKeys, Purpose, params};
use wharf_testkit::Database;

/// The master key of that number.
fn master(number: u8) -> MasterKey {
    MasterKey::parse(&[number; 32]).unwrap()
}

fn masters(newest: u8, previous: &[u8]) -> MasterKeys {
    MasterKeys { newest: master(newest), previous: previous.iter().map(|number| master(*number)).collect() }
}

async fn open(database: &Database, newest: u8, previous: &[u8]) -> Result<Keyring, Error> {
    Keyring::open(database.db.clone(), masters(newest, previous)).await
}

async fn rotate(database: &Database, keyring: &Keyring, purpose: Purpose) -> Uuid {
    let id = database.db.transaction(async |tx| keyring.rotate(tx, purpose).await).await.unwrap();
    keyring.forget_newest();
    id
}

async fn rewrap(database: &Database, keyring: &Keyring) -> Result<u64, Error> {
    database.db.transaction(async |tx| keyring.rewrap(tx).await).await
}

#[tokio::test]
async fn what_one_node_sealed_another_opens() {
    let database = Database::open().await;
    assert!(!Keyring::is_begun(&database.db).await.unwrap());
    let first = open(&database, 1, &[]).await.unwrap();
    assert!(Keyring::is_begun(&database.db).await.unwrap(), "bound to its master key from the beginning");
    let second = open(&database, 1, &[]).await.unwrap();
    let sealed = first.newest(Purpose::Catalog).await.unwrap().seal("place", b"secret").unwrap();
    assert_eq!(second.unseal("place", &sealed).await.unwrap()[..], *b"secret");
    assert!(matches!(second.unseal("elsewhere", &sealed).await, Err(Error::Unseal { .. })));
    assert!(matches!(second.unseal("place", b"plain").await, Err(Error::Unseal { .. })));
    // A key that the other node makes later is met by its id.
    let key = first.newest(Purpose::Blobs).await.unwrap();
    assert_eq!(second.find(key.id).await.unwrap().unwrap().secret(), key.secret());
    assert!(second.find(Uuid::now_v7()).await.unwrap().is_none());
}

#[tokio::test]
async fn the_catalog_does_not_hold_the_keys_themselves() {
    let database = Database::open().await;
    let keyring = open(&database, 1, &[]).await.unwrap();
    let key = keyring.newest(Purpose::Blobs).await.unwrap();
    let rows = database.db.list("SELECT wrapped FROM data_keys", &[]).await.unwrap();
    assert_eq!(rows.len(), 2, "one for each purpose");
    for row in &rows {
        assert!(!row.bytes(0).unwrap().windows(32).any(|window| window == &key.secret()[..]));
    }
}

#[tokio::test]
async fn a_node_with_another_master_key_is_refused_by_name() {
    let database = Database::open().await;
    open(&database, 1, &[]).await.unwrap();
    let refused = open(&database, 2, &[3]).await.unwrap_err();
    let Error::MasterKey { needed, held } = &refused else { panic!("{refused}") };
    assert_eq!(needed, master(1).id());
    assert!(held.contains(master(2).id()) && held.contains(master(3).id()), "{held}");
}

#[tokio::test]
async fn nodes_that_start_at_once_agree_on_one_key() {
    let database = Database::open().await;
    let mut nodes = JoinSet::new();
    for _ in 0..8 {
        let db = database.db.clone();
        nodes.spawn(async move {
            let keyring = Keyring::open(db, masters(1, &[])).await.unwrap();
            keyring.newest(Purpose::Blobs).await.unwrap().id
        });
    }
    let ids = nodes.join_all().await;
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn a_new_data_key_leaves_the_old_one_readable_and_is_noticed_elsewhere_within_a_minute() {
    let database = Database::open().await;
    let (first, second) = (open(&database, 1, &[]).await.unwrap(), open(&database, 1, &[]).await.unwrap());
    let old = second.newest(Purpose::Blobs).await.unwrap().id;
    let new = rotate(&database, &first, Purpose::Blobs).await;
    assert_ne!(old, new);
    assert_eq!(first.newest(Purpose::Blobs).await.unwrap().id, new);
    assert_eq!(second.newest(Purpose::Blobs).await.unwrap().id, old, "not noticed yet");
    database.clock.advance(std::time::Duration::from_secs(61));
    assert_eq!(second.newest(Purpose::Blobs).await.unwrap().id, new);
    assert!(open(&database, 1, &[]).await.unwrap().find(old).await.unwrap().is_some());
    let listed = first.list().await.unwrap();
    let blobs: Vec<_> = listed.iter().filter(|key| key.purpose == Purpose::Blobs).collect();
    assert_eq!(blobs.iter().map(|key| key.id).collect::<Vec<_>>(), [new, old]);
    assert!(blobs[0].retired_at.is_none() && blobs[1].retired_at.is_some());
}

#[tokio::test]
async fn a_master_key_is_replaced_node_by_node() {
    let database = Database::open().await;
    let old_node = open(&database, 1, &[]).await.unwrap();
    let sealed = old_node.newest(Purpose::Catalog).await.unwrap().seal("place", b"secret").unwrap();
    // A node that has both keys: nothing changes yet, and what it makes the old node can read.
    let new_node = open(&database, 2, &[1]).await.unwrap();
    let made = new_node.newest(Purpose::Blobs).await.unwrap();
    assert_eq!(old_node.find(made.id).await.unwrap().unwrap().secret(), made.secret());
    assert!(open(&database, 1, &[]).await.is_ok(), "the old node may start again");
    // All nodes have both: the keys are wrapped anew, and the old one is no longer needed.
    assert_eq!(rewrap(&database, &new_node).await.unwrap(), 2);
    assert_eq!(rewrap(&database, &new_node).await.unwrap(), 0, "may be repeated");
    let last = open(&database, 2, &[]).await.unwrap();
    assert_eq!(last.unseal("place", &sealed).await.unwrap()[..], *b"secret");
    assert_eq!(last.find(made.id).await.unwrap().unwrap().secret(), made.secret());
    assert!(last.list().await.unwrap().iter().all(|key| key.master == master(2).id()));
    assert!(matches!(open(&database, 1, &[]).await, Err(Error::MasterKey { .. })));
    assert_eq!(old_node.unseal("place", &sealed).await.unwrap()[..], *b"secret", "a node that still runs goes on");
}

#[tokio::test]
async fn a_failed_rewrap_changes_nothing() {
    let database = Database::open().await;
    let keyring = open(&database, 1, &[]).await.unwrap();
    keyring.newest(Purpose::Blobs).await.unwrap();
    let both = open(&database, 2, &[1]).await.unwrap();
    let spoil = "UPDATE data_keys SET wrapped = ?1 WHERE purpose = 'catalog'";
    let spoilt = database.db.transaction(async |tx| tx.execute(spoil, &params![[1_u8; 61]]).await).await;
    assert_eq!(spoilt.unwrap(), 1);
    assert!(matches!(rewrap(&database, &both).await, Err(Error::DataKey { .. })));
    assert!(both.list().await.unwrap().iter().all(|key| key.master == master(1).id()));
    assert!(matches!(open(&database, 1, &[]).await, Err(Error::DataKey { .. })), "and a spoilt row is told of");
}
