//! How long placing takes: an image of 100 layers, then an index of 5,000 images. `cargo run --release --example place_rate`.
//!
//! On SQLite in a folder of its own, or on PostgreSQL where `WHARF_TEST_POSTGRES` names a server.

use std::sync::Arc;
use std::time::Instant;

use wharf_blob::{Memory, body};
use wharf_context::{Caller, CallerId, Context, Govern, Grant, Grants, Permissions, ProjectId, RequestId};
use wharf_oci::{Algorithm, Digest, RepositoryName, Tag};
use wharf_registry::upload::Chunk;
use wharf_registry::{NewManifest, Placing, Precondition, Registry, Settings};
use wharf_testkit::Database;

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const PROJECT: ProjectId = ProjectId(1);

struct Bench {
    registry: Registry,
    database: Database,
    ctx: Context,
    from: RepositoryName,
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "that is what it is for")]
async fn main() {
    let database = Database::open().await;
    let store = Arc::new(Memory::new());
    let registry = Registry::new(Settings::default(), database.db.clone(), store, Arc::clone(&database.clock) as _);
    let from: RepositoryName = "pay/app".parse().expect("valid");
    let grant = Grant {
        repository: from.clone(),
        project: Some(PROJECT),
        granted: Permissions::ALL,
        refused: Permissions::NONE,
    };
    let caller = Caller { id: CallerId::User(1), name: "alice".to_owned() };
    let ctx = Context::new(caller, RequestId::generate(), None, Grants(vec![grant]));
    let bench = Bench { registry, database, ctx, from };
    let image = bench.image(0, 100).await;
    let mut children = Vec::new();
    for number in 0..5_000 {
        children.push(bench.image(number + 1, 2).await);
    }
    let index = bench.index(&children).await;
    for (what, digest) in [("an image of 100 layers", image), ("an index of 5,000 images", index)] {
        for round in ["the first time", "again"] {
            println!("{what}, {round}: {:?}", bench.place(&digest).await);
        }
    }
}

impl Bench {
    async fn blob(&self, content: String) -> String {
        let digest = Digest::of(Algorithm::Sha256, content.as_bytes());
        let size = content.len();
        let chunk = Chunk { range: None, length_bytes: None, body: body::whole(content.into_bytes()) };
        self.registry.push_blob(&self.ctx, &self.from, &digest, chunk).await.expect("pushed");
        format!(r#""digest":"{digest}","size":{size}"#)
    }

    async fn put(&self, media_type: &str, text: String) -> (Digest, usize) {
        let digest = Digest::of(Algorithm::Sha256, text.as_bytes());
        let size = text.len();
        let new = NewManifest {
            reference: wharf_oci::Reference::Digest(digest),
            tags: Vec::new(),
            content_type: Some(media_type.to_owned()),
            precondition: Precondition::None,
            bytes: text.into(),
        };
        self.registry.put_manifest(&self.ctx, &self.from, &new).await.expect("pushed");
        (digest, size)
    }

    async fn image(&self, number: usize, layers: usize) -> (Digest, usize) {
        let config = self.blob(format!("config {number}")).await;
        let mut list = Vec::new();
        for layer in 0..layers {
            let layer = self.blob(format!("layer {layer} of {number}")).await;
            list.push(format!(r#"{{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip",{layer}}}"#));
        }
        let config = format!(r#"{{"mediaType":"application/vnd.oci.image.config.v1+json",{config}}}"#);
        let layers = list.join(",");
        let text = format!(r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{config},"layers":[{layers}]}}"#);
        self.put(IMAGE, text).await
    }

    async fn index(&self, children: &[(Digest, usize)]) -> (Digest, usize) {
        let child = |(digest, size): &(Digest, usize)| {
            format!(r#"{{"mediaType":"{IMAGE}","digest":"{digest}","size":{size}}}"#)
        };
        let children = children.iter().map(child).collect::<Vec<_>>().join(",");
        let text = format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{children}]}}"#);
        self.put(INDEX, text).await
    }

    async fn place(&self, (digest, _): &(Digest, usize)) -> std::time::Duration {
        let to: RepositoryName = "t/pay/app".parse().expect("valid");
        let tags: [Tag; 1] = ["20261130_01".parse().expect("valid")];
        let govern = Govern::decided(PROJECT);
        let placing = Placing { govern, from: &self.from, digest, to: &to, tags: &tags };
        let began = Instant::now();
        let placed = self.database.db.transaction(async |tx| self.registry.place(tx, &self.ctx, &placing).await).await;
        placed.expect("placed");
        began.elapsed()
    }
}
