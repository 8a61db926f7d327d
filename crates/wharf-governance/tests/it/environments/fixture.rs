//! Governance over a fresh catalog and a registry with bytes in memory, callers with warrants, and a cast of people.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wharf_blob::{Memory, body};
use wharf_context::{
    Act, Caller, CallerId, Context, FakeClock, Grant, Grants, Permissions, ProjectId, RequestId, Warrant,
};
use wharf_db::{Db, Job, Tx, Worker, WorkerSettings};
use wharf_governance::promotion::job::ADVANCE;
use wharf_governance::promotion::transfer::TRANSFER;
use wharf_governance::promotion::{Asked, NewDecision, NewPromotion, State, TagChoice};
use wharf_governance::{BoxFuture, Error, Governance, People, Person, Policy, Promotion, Standing};
use wharf_oci::{Algorithm, Digest, Environments, Reference, RepositoryName};
use wharf_registry::manifest::Accept;
use wharf_registry::upload::Chunk;
use wharf_registry::{NewManifest, Precondition, Registry, Settings};
use wharf_testkit::{Database, eventually};

pub(crate) const PROJECT: ProjectId = ProjectId(1);
const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

pub(crate) struct Fixture {
    pub(crate) governance: Governance,
    pub(crate) registry: Registry,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) cast: Arc<Cast>,
    pub(crate) database: Database,
}

/// Who is who, by their accounts.
#[derive(Debug, Default)]
pub(crate) struct Cast(Mutex<BTreeMap<String, Standing>>);

impl People for Cast {
    fn standing<'a>(
        &'a self,
        _: &'a mut Tx<'_>,
        _: ProjectId,
        account: &'a str,
    ) -> BoxFuture<'a, Result<Standing, Error>> {
        let found = self.0.lock().expect("not poisoned").get(account).cloned();
        let nobody = Standing {
            person: Person { key: format!("account:{account}"), is_verified: false },
            accounts: vec![account.to_owned()],
            roles: Vec::new(),
            groups: Vec::new(),
        };
        Box::pin(async move { Ok(found.unwrap_or(nobody)) })
    }
}

impl Cast {
    /// A verified person with one account of the same name.
    pub(crate) fn verified(&self, account: &str, roles: &[&str], groups: &[&str]) {
        self.add((account, account), true, (roles, groups));
    }

    /// An account of a person.
    pub(crate) fn add(&self, (account, person): (&str, &str), is_verified: bool, (roles, groups): (&[&str], &[&str])) {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let standing = Standing {
            person: Person { key: format!("person:{person}"), is_verified },
            accounts: vec![account.to_owned(), person.to_owned()],
            roles: texts(roles),
            groups: texts(groups),
        };
        self.0.lock().expect("not poisoned").insert(account.to_owned(), standing);
    }

    pub(crate) fn remove(&self, account: &str) {
        self.0.lock().expect("not poisoned").remove(account);
    }
}

impl Fixture {
    /// With a pusher, a developer who asks, and the maintainers `ada`, `bob` and `eve`, all of them verified people.
    pub(crate) async fn open() -> Self {
        let database = Database::open().await;
        let (clock, cast) = (Arc::clone(&database.clock), Arc::new(Cast::default()));
        let settings = Settings { environments: Environments::default(), ..Settings::default() };
        let store = Arc::new(Memory::new());
        let registry = Registry::new(settings, database.db.clone(), store, Arc::clone(&clock) as _);
        let people = Arc::clone(&cast) as Arc<dyn People>;
        let governance = Governance::new(database.db.clone(), registry.clone(), Environments::default(), people);
        let maintainer = ["guest", "developer", "maintainer"];
        for developer in ["pusher", "asker"] {
            cast.verified(developer, &maintainer[..2], &[]);
        }
        for account in ["ada", "bob", "eve"] {
            cast.verified(account, &maintainer, &[]);
        }
        cast.verified("olga", &["guest", "developer", "maintainer", "owner"], &[]);
        Self { governance, registry, clock, cast, database }
    }

    pub(crate) fn db(&self) -> &Db {
        &self.database.db
    }

    /// Puts a policy of project `pay` in force, long enough ago that its editor may approve.
    pub(crate) async fn policy(&self, document: &str) {
        let policy: Policy = serde_json::from_str(document).expect("a policy");
        let editor = user("editor");
        self.governance.put_policy(&editor, &warrant(), &policy, None).await.expect("the policy is put");
    }

    /// Pushes an image whose one layer holds `content` and whose labels are `labels`.
    pub(crate) async fn push(&self, repository: &str, tag: &str, content: &str) -> Digest {
        self.push_as("pusher", (repository, tag), (content, r#"{"team":"pay"}"#)).await
    }

    pub(crate) async fn push_as(
        &self,
        account: &str,
        (repository, tag): (&str, &str),
        (content, labels): (&str, &str),
    ) -> Digest {
        let ctx = may_all(account, repository);
        let config = format!(r#"{{"architecture":"amd64","os":"linux","config":{{"Labels":{labels}}}}}"#);
        let config_type = "application/vnd.oci.image.config.v1+json";
        let layer_type = "application/vnd.oci.image.layer.v1.tar";
        let config = self.blob(&ctx, repository, (config_type, &config)).await;
        let layer = self.blob(&ctx, repository, (layer_type, content)).await;
        let manifest = format!(r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{config},"layers":[{layer}]}}"#);
        self.put(&ctx, repository, (tag, IMAGE), manifest).await
    }

    pub(crate) async fn put(
        &self,
        ctx: &Context,
        repository: &str,
        (reference, media_type): (&str, &str),
        manifest: String,
    ) -> Digest {
        let new = NewManifest {
            reference: reference.parse().expect("valid"),
            tags: Vec::new(),
            content_type: Some(media_type.to_owned()),
            precondition: Precondition::None,
            bytes: manifest.into(),
        };
        self.registry.put_manifest(ctx, &name(repository), &new).await.expect("pushed").digest
    }

    pub(crate) async fn blob(&self, ctx: &Context, repository: &str, (media_type, content): (&str, &str)) -> String {
        let digest = Digest::of(Algorithm::Sha256, content.as_bytes());
        let chunk = Chunk { range: None, length_bytes: None, body: body::whole(content.as_bytes().to_vec()) };
        self.registry.push_blob(ctx, &name(repository), &digest, chunk).await.expect("blob is pushed");
        format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{}}}"#, content.len())
    }

    /// What a reference of a repository names, for whoever pulls.
    pub(crate) async fn pull(&self, repository: &str, reference: &str) -> Option<Digest> {
        let ctx = may_all("node", repository);
        let reference: Reference = reference.parse().expect("valid");
        let pulled = self.registry.get_manifest(&ctx, &name(repository), &reference, &Accept::Anything).await;
        pulled.ok().map(|manifest| manifest.digest)
    }

    pub(crate) async fn ask(
        &self,
        account: &str,
        (repository, reference): (&str, &str),
        to: &str,
    ) -> Result<Promotion, Error> {
        let new = wanted((repository, reference), to);
        self.governance.request_promotion(&user(account), &warrant(), &new).await
    }

    pub(crate) async fn approve(&self, account: &str, promotion: &Promotion) -> Result<Promotion, Error> {
        let decision = NewDecision { digest: promotion.digest, comment: String::new(), expected: None };
        self.governance.approve_promotion(&user(account), &warrant(), &promotion.id, &decision).await
    }

    pub(crate) async fn get(&self, promotion: &Promotion) -> Promotion {
        self.governance.get_promotion(&warrant(), &promotion.id).await.expect("it is there")
    }

    /// Asks for a promotion and has `people` approve it.
    pub(crate) async fn promote(&self, (repository, reference): (&str, &str), to: &str, people: &[&str]) -> Promotion {
        let mut promotion = self.ask("asker", (repository, reference), to).await.expect("asked for");
        for account in people {
            promotion = self.approve(account, &promotion).await.expect("approved");
        }
        assert_eq!(promotion.state.name(), "done", "{promotion:?}");
        promotion
    }

    /// Runs jobs until a promotion stands somewhere.
    pub(crate) async fn run_jobs_until(&self, promotion: &Promotion, state: State) -> Promotion {
        let by = |run: fn(Governance, Job) -> BoxFuture<'static, Result<(), Error>>| {
            let governance = self.governance.clone();
            move |job: Job| run(governance.clone(), job)
        };
        let advance = by(|governance, job| Box::pin(async move { governance.advance_promotion(&job).await }));
        let transfer = by(|governance, job| Box::pin(async move { governance.transfer(&job).await }));
        let settings = WorkerSettings { poll: Duration::from_millis(5), ..WorkerSettings::default() };
        let worker = Worker::new(self.db().clone(), settings).handle(ADVANCE, advance).handle(TRANSFER, transfer);
        let reached = async {
            eventually("the promotion stands there", async || {
                // What waits for its next attempt is due.
                self.clock.advance(Duration::from_secs(60));
                self.get(promotion).await.state == state
            })
            .await;
        };
        worker.run(reached).await;
        self.get(promotion).await
    }

    pub(crate) fn wait(&self, hours: u64) {
        self.clock.advance(Duration::from_secs(hours * 3_600));
    }
}

pub(crate) fn wanted((repository, reference): (&str, &str), to: &str) -> NewPromotion {
    NewPromotion {
        what: Asked::Image {
            repository: name(repository),
            reference: reference.parse().expect("valid"),
            tags: TagChoice::Named,
        },
        to: to.parse().expect("valid"),
        reason: "because".to_owned(),
    }
}

/// The user of an account.
pub(crate) fn user(account: &str) -> Context {
    let id = account.bytes().fold(7, |sum, byte| sum * 31 % 1_000_003 + i64::from(byte));
    let caller = Caller { id: CallerId::User(id), name: account.to_owned() };
    Context::new(caller, RequestId::generate(), None, Grants::default())
}

/// A robot of project `pay`.
pub(crate) fn robot() -> Context {
    let caller = Caller { id: CallerId::Robot(1), name: "pay+ci".to_owned() };
    Context::new(caller, RequestId::generate(), None, Grants::default())
}

pub(crate) fn may_all(account: &str, repository: &str) -> Context {
    let grant = Grant {
        repository: name(repository),
        project: Some(PROJECT),
        granted: Permissions::ALL,
        refused: Permissions::NONE,
    };
    user(account).with_grants(Grants(vec![grant]))
}

/// A warrant for project `pay`.
pub(crate) fn warrant<A: Act>() -> Warrant<A> {
    Warrant::granted(PROJECT, "pay".parse().expect("valid"))
}

pub(crate) fn name(text: &str) -> RepositoryName {
    text.parse().expect("valid")
}
