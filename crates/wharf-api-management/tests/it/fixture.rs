//! A router over a fresh catalog, with people in every role and projects to order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, Response, StatusCode};
use data_encoding::BASE64;
use serde_json::Value;
use tower::ServiceExt as _;
use url::Url;
use wharf_api_management::Settings;
use wharf_archive::Archives;
use wharf_context::{Caller, Context, Grants, Permissions, ProjectId, RequestId};
use wharf_governance::{DocumentSigner, Failure, Governance, Parcel, Person, Standing, Transfer, Way, WebhookPorts};
use wharf_identity::{
    BoxFuture, Hashing, Identity, MemberName, NewRobot, NewUser, Openness, ProjectUse, Role, Secret, SystemRole,
};
use wharf_oci::dsse::Envelope;
use wharf_oci::{ContentError, ContentErrorKind, Environments, ProjectName};
use wharf_registry::Registry;
use wharf_testkit::{Database, DbError, Tx};

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Everybody who may knock, as the columns of the access table name them.
pub(crate) const CALLERS: [&str; 9] =
    ["anonymous", "stranger", "guest", "developer", "maintainer", "owner", "robot", "auditor", "administrator"];

/// Those of them who have a role in every project.
const MEMBERS: [(&str, Role); 4] =
    [("guest", Role::Guest), ("developer", Role::Developer), ("maintainer", Role::Maintainer), ("owner", Role::Owner)];

pub(crate) struct Fixture {
    router: Router,
    pub(crate) identity: Identity,
    pub(crate) governance: Governance,
    pub(crate) projects_are_used: Arc<Used>,
    /// The secrets of each project's robot.
    robots: Mutex<BTreeMap<String, String>>,
    _database: Database,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Whether projects have repositories.
#[derive(Debug, Default)]
pub(crate) struct Used(pub(crate) AtomicBool);

impl ProjectUse for Used {
    fn is_used<'a>(&'a self, _: &'a mut Tx<'_>, _: ProjectId) -> BoxFuture<'a, Result<bool, DbError>> {
        Box::pin(async { Ok(self.0.load(Ordering::Relaxed)) })
    }
}

/// Who people are: each account stands for itself.
#[derive(Debug)]
struct Accounts;

impl wharf_governance::People for Accounts {
    fn standing<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        project: ProjectId,
        account: &'a str,
    ) -> wharf_governance::BoxFuture<'a, Result<Standing, wharf_governance::Error>> {
        Box::pin(async move {
            let found = Identity::project_standing(tx, project, account).await.expect("found");
            let roles = Role::ALL.into_iter().filter(|role| found.role.is_some_and(|held| *role <= held));
            Ok(Standing {
                person: Person { key: account.to_owned(), is_verified: false },
                accounts: vec![account.to_owned()],
                roles: roles.map(|role| role.name().to_owned()).collect(),
                groups: found.groups,
            })
        })
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the answer is JSON")
    }

    /// The document of an answer that did what was asked.
    pub(crate) fn done(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.body));
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// The sentence of an answer that did not.
    pub(crate) fn refused(&self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"].as_str().map(str::len), Some(32), "{problem}");
        problem["detail"].as_str().expect("a sentence").to_owned()
    }
}

impl Fixture {
    pub(crate) async fn open() -> Self {
        Self::with(wharf_identity::Settings::default()).await
    }

    pub(crate) async fn with(settings: wharf_identity::Settings) -> Self {
        let database = Database::open().await;
        let hashing = Hashing { memory_kib: 64, passes: 1, ..Hashing::default() };
        let settings = wharf_identity::Settings { hashing, ..settings };
        let identity = Identity::new(settings, database.db.clone(), Arc::clone(&database.clock) as _);
        let projects_are_used = Arc::new(Used::default());
        let identity = identity.expect("settings work").with_project_use(Arc::clone(&projects_are_used) as _);
        let identity = identity.with_keyring(database.keyring().await).await.expect("opens its keys");
        let settings = Settings { version: "1.2.3".to_owned(), ..Settings::default() };
        let store = Arc::new(wharf_testkit::Memory::new());
        let registry = Registry::new(
            wharf_registry::Settings::default(),
            database.db.clone(),
            store,
            Arc::clone(&database.clock) as _,
        );
        let people = Arc::new(Accounts);
        let governance = Governance::new(database.db.clone(), registry.clone(), Environments::default(), people)
            .with_webhooks(webhooks(&database).await)
            .with_transfers(Arc::new(NoRoad))
            .with_signer(Arc::new(Key(identity.clone())));
        let archives =
            Archives::new(database.db.clone(), registry.clone(), governance.clone(), Environments::default());
        let router = wharf_api_management::router(identity.clone(), registry, (governance.clone(), archives), settings);
        let this =
            Self { router, identity, governance, projects_are_used, robots: Mutex::default(), _database: database };
        for name in ["stranger", "guest", "developer", "maintainer", "owner"] {
            this.user(name, None).await;
        }
        this.user("auditor", Some(SystemRole::Auditor)).await;
        this.user("administrator", Some(SystemRole::Administrator)).await;
        this
    }

    pub(crate) async fn user(&self, name: &str, system_role: Option<SystemRole>) {
        let user = NewUser { name: name.parse().expect("valid"), password: Some(Secret::new(PASSWORD)), system_role };
        self.identity.create_user(&system(), &user).await.expect("user is made");
    }

    /// A project with a member in each role and a robot named `robot`.
    pub(crate) async fn project(&self, name: &str, openness: Openness) {
        let ctx = system();
        let project = name.parse().expect("valid");
        self.identity.create_project(&ctx, &project, openness).await.expect("project is made");
        for (name, role) in MEMBERS {
            let name = MemberName::User(name.parse().expect("valid"));
            self.identity.put_member(&ctx, &project, &name, role).await.expect("member is added");
        }
        let robot = NewRobot {
            name: "robot".parse().expect("valid"),
            permissions: Permissions::ALL,
            repositories: Vec::new(),
            expires_at: None,
        };
        let (robot, secret) = self.identity.create_robot(&ctx, &project, &robot).await.expect("robot is made");
        self.robots.lock().expect("no panic").insert(robot.login(), secret.expose().to_owned());
    }

    /// The Authorization header of a caller; `NAME+robot` is a project's robot.
    pub(crate) fn authorization(&self, caller: &str) -> Option<String> {
        let robots = self.robots.lock().expect("no panic");
        let password = robots.get(caller).map_or(PASSWORD, String::as_str);
        (caller != "anonymous").then(|| basic(caller, password))
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("a router always answers");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("the answer arrives whole").to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// A request; `null` stands for no body.
    pub(crate) async fn ask(&self, caller: &str, method: &str, path: &str, body: Value) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", "registry.example.org");
        if let Some(authorization) = self.authorization(caller) {
            request = request.header("authorization", authorization);
        }
        if !body.is_null() {
            request = request.header("content-type", "application/json");
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.send(request.body(body).expect("a request")).await
    }

    pub(crate) async fn get(&self, caller: &str, path: &str) -> Answer {
        self.ask(caller, "GET", path, Value::Null).await
    }
}

pub(crate) fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{name}:{password}").as_bytes()))
}

/// Events of no project go out.
#[derive(Debug)]
struct NoProjects;

impl wharf_governance::Projects for NoProjects {
    fn find<'a>(
        &'a self,
        _: &'a mut Tx<'_>,
        _: &'a ProjectName,
    ) -> wharf_governance::BoxFuture<'a, Result<Option<ProjectId>, DbError>> {
        Box::pin(async { Ok(None) })
    }

    fn name<'a>(
        &'a self,
        _: &'a mut Tx<'_>,
        _: ProjectId,
    ) -> wharf_governance::BoxFuture<'a, Result<Option<ProjectName>, DbError>> {
        Box::pin(async { Ok(None) })
    }
}

/// There is no way out of a test.
#[derive(Debug)]
struct NoWay;

impl Way for NoWay {
    fn check(&self, _: &Url) -> Result<(), Failure> {
        Ok(())
    }

    fn send(
        &self,
        _: Request<Vec<u8>>,
        _: usize,
    ) -> wharf_governance::BoxFuture<'_, Result<Response<Vec<u8>>, Failure>> {
        Box::pin(async { Err("there is no way out of a test".into()) })
    }
}

/// Every registry may be named, and none is there.
#[derive(Debug)]
struct NoRoad;

impl Transfer for NoRoad {
    fn check(&self, _: &Url) -> Result<(), Failure> {
        Ok(())
    }

    fn carry<'a>(&'a self, _: Parcel<'a>) -> wharf_governance::BoxFuture<'a, Result<(), ContentError>> {
        Box::pin(async { Err(ContentError::new(ContentErrorKind::Unavailable, "there is no way out of a test")) })
    }
}

/// Signs with identity's key.
#[derive(Debug)]
struct Key(Identity);

impl DocumentSigner for Key {
    fn sign<'a>(
        &'a self,
        payload_type: &'a str,
        payload: Vec<u8>,
    ) -> wharf_governance::BoxFuture<'a, Result<Envelope, Failure>> {
        Box::pin(async move { Ok(self.0.sign_document(payload_type, payload).await?) })
    }
}

async fn webhooks(database: &Database) -> WebhookPorts {
    let (keyring, clock) = (database.keyring().await, Arc::clone(&database.clock) as _);
    WebhookPorts::new(keyring, Arc::new(NoWay), Arc::new(NoProjects), clock)
}

/// Wharf itself, which may manage everything.
pub(crate) fn system() -> Context {
    Context::new(Caller::system(), RequestId::generate(), None, Grants::default())
}
