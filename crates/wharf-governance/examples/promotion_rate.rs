//! How long the last approval of a promotion takes, execution included: an image of 120 layers, whose bytes no promotion
//! reads, so that 5 GB take as long as 5 KB. `cargo run --release -p wharf-governance --example promotion_rate`.
//!
//! On SQLite in a folder of its own, or on PostgreSQL where `WHARF_TEST_POSTGRES` names a server.

use std::sync::Arc;
use std::time::Instant;

use wharf_blob::{Memory, body};
use wharf_context::{Act, Caller, CallerId, Context, Grant, Grants, Permissions, ProjectId, RequestId, Warrant};
use wharf_db::Tx;
use wharf_governance::promotion::{Asked, NewDecision, NewPromotion, TagChoice};
use wharf_governance::{BoxFuture, Error, Governance, People, Person, Standing};
use wharf_oci::{Algorithm, Digest, Environments, RepositoryName};
use wharf_registry::upload::Chunk;
use wharf_registry::{NewManifest, Precondition, Registry, Settings};
use wharf_testkit::Database;

const PROJECT: ProjectId = ProjectId(1);
const LAYERS: usize = 120;
const ROUNDS: usize = 50;

/// Everybody is a maintainer and a person of their own.
#[derive(Debug)]
struct Everybody;

impl People for Everybody {
    fn standing<'a>(
        &'a self,
        _: &'a mut Tx<'_>,
        _: ProjectId,
        account: &'a str,
    ) -> BoxFuture<'a, Result<Standing, Error>> {
        let person = Person { key: account.to_owned(), is_verified: true };
        let (accounts, roles) = (vec![account.to_owned()], vec!["maintainer".to_owned()]);
        Box::pin(async move { Ok(Standing { person, accounts, roles, groups: Vec::new() }) })
    }
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "that is what it is for")]
async fn main() {
    let database = Database::open().await;
    let clock = Arc::clone(&database.clock);
    let registry = Registry::new(Settings::default(), database.db.clone(), Arc::new(Memory::new()), clock);
    let governance =
        Governance::new(database.db.clone(), registry.clone(), Environments::default(), Arc::new(Everybody));
    let mut took = Vec::new();
    for round in 0..ROUNDS {
        let repository: RepositoryName = format!("pay/app{round}").parse().expect("valid");
        let reference = push(&registry, &repository).await.to_string().parse().expect("valid");
        let what = Asked::Image { repository, reference, tags: TagChoice::Named };
        let new = NewPromotion { what, to: "t".parse().expect("valid"), reason: String::new() };
        let asked = governance.request_promotion(&user("asker"), &warrant(), &new).await.expect("asked for");
        let decision = NewDecision { digest: asked.digest, comment: String::new(), expected: None };
        let began = Instant::now();
        let done =
            governance.approve_promotion(&user("ada"), &warrant(), &asked.id, &decision).await.expect("approved");
        took.push(began.elapsed());
        assert_eq!(done.state.name(), "done");
    }
    took.sort();
    println!("{LAYERS} layers, {ROUNDS} times: half within {:?}, all within {:?}", took[ROUNDS / 2], took[ROUNDS - 1]);
}

fn user(name: &str) -> Context {
    let caller = Caller { id: CallerId::User(1), name: name.to_owned() };
    Context::new(caller, RequestId::generate(), None, Grants::default())
}

fn warrant<A: Act>() -> Warrant<A> {
    Warrant::granted(PROJECT, "pay".parse().expect("valid"))
}

async fn push(registry: &Registry, repository: &RepositoryName) -> Digest {
    let (granted, refused) = (Permissions::ALL, Permissions::NONE);
    let grant = Grant { repository: repository.clone(), project: Some(PROJECT), granted, refused };
    let ctx = user("pusher").with_grants(Grants(vec![grant]));
    let mut blobs = Vec::new();
    for number in 0..=LAYERS {
        let content = if number == 0 { "{}".to_owned() } else { format!("{repository} {number}") };
        let digest = Digest::of(Algorithm::Sha256, content.as_bytes());
        let kind = if number == 0 { "config.v1+json" } else { "layer.v1.tar" };
        let size = content.len();
        let chunk = Chunk { range: None, length_bytes: None, body: body::whole(content.into_bytes()) };
        registry.push_blob(&ctx, repository, &digest, chunk).await.expect("pushed");
        blobs.push(format!(r#"{{"mediaType":"application/vnd.oci.image.{kind}","digest":"{digest}","size":{size}}}"#));
    }
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let (config, layers) = (blobs.remove(0), blobs.join(","));
    let text = format!(r#"{{"schemaVersion":2,"mediaType":"{media_type}","config":{config},"layers":[{layers}]}}"#);
    let new = NewManifest {
        reference: "v1".parse().expect("valid"),
        tags: Vec::new(),
        content_type: Some(media_type.to_owned()),
        precondition: Precondition::None,
        bytes: text.into(),
    };
    registry.put_manifest(&ctx, repository, &new).await.expect("pushed").digest
}
