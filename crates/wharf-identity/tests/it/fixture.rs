//! An identity on a database of its own, and the people of the tests.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use wharf_context::{Caller, Context, Grants, Kind, Permission, Permissions, ProjectId, RequestId};
use wharf_db::Tx;
use wharf_identity::{
    BoxFuture, Credentials, Error, Hashing, Identity, IssuedToken, MemberName, NewRobot, NewUser, Openness, ProjectUse,
    Role, Secret, Settings, SystemRole, TokenRequest, Wanted,
};
use wharf_oci::scope::Scope;
use wharf_testkit::Database;

/// Hashing that takes no time.
pub(crate) const CHEAP: Hashing = Hashing { memory_kib: 64, passes: 1, at_once: 4, waiting: 64 };

pub(crate) struct Fixture {
    pub(crate) identity: Identity,
    pub(crate) database: Database,
    pub(crate) project_use: Arc<Used>,
}

/// Whether projects are in use, as the test says.
#[derive(Debug, Default)]
pub(crate) struct Used(pub(crate) AtomicBool);

impl ProjectUse for Used {
    fn is_used<'a>(&'a self, _: &'a mut Tx<'_>, _: ProjectId) -> BoxFuture<'a, Result<bool, wharf_db::Error>> {
        Box::pin(async { Ok(self.0.load(Ordering::SeqCst)) })
    }
}

pub(crate) fn settings() -> Settings {
    Settings { hashing: CHEAP, refusal_after: Duration::ZERO, ..Settings::default() }
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with(settings()).await
    }

    pub(crate) async fn open_mode() -> Self {
        Self::with(Settings { is_open: true, ..settings() }).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let database = Database::open().await;
        let project_use = Arc::new(Used::default());
        let identity = Identity::new(settings, database.db.clone(), Arc::clone(&database.clock) as _)
            .expect("the settings fit")
            .with_project_use(Arc::clone(&project_use) as _);
        let identity = identity.with_keyring(database.keyring().await).await.expect("opens its keys");
        Self { identity, database, project_use }
    }

    /// Another process on the same catalog.
    pub(crate) async fn another_node(&self) -> Identity {
        let identity = Identity::new(settings(), self.database.db.clone(), Arc::clone(&self.database.clock) as _);
        let identity = identity.expect("the settings fit").with_keyring(self.database.keyring().await);
        identity.await.expect("opens its keys")
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.database.clock.advance(by);
    }

    pub(crate) async fn user(&self, name: &str, system_role: Option<SystemRole>) {
        let user = NewUser { name: parse(name), password: Some(password(name)), system_role };
        self.identity.create_user(&system(), &user).await.expect("made");
    }

    pub(crate) async fn project(&self, name: &str, openness: Openness) -> ProjectId {
        self.identity.create_project(&system(), &parse(name), openness).await.expect("made").id
    }

    /// A user with a role in a project.
    pub(crate) async fn member(&self, project: &str, name: &str, role: Role) {
        self.user(name, None).await;
        let member = MemberName::User(parse(name));
        self.identity.put_member(&system(), &parse(project), &member, role).await.expect("put");
    }

    pub(crate) async fn robot(&self, project: &str, name: &str, permissions: &[Permission]) -> Secret {
        let robot = NewRobot {
            name: parse(name),
            permissions: Permissions::of(permissions),
            repositories: Vec::new(),
            expires_at: None,
        };
        self.identity.create_robot(&system(), &parse(project), &robot).await.expect("made").1
    }

    pub(crate) async fn context(&self, credentials: &Credentials, wanted: &[Wanted]) -> Result<Context, Error> {
        self.identity.context(credentials, RequestId::generate(), address(1), wanted).await
    }

    /// The context of a user who manages, or looks at nothing in particular.
    pub(crate) async fn as_user(&self, name: &str) -> Context {
        self.context(&basic(name), &[]).await.expect("logs in")
    }

    pub(crate) async fn anonymous(&self) -> Context {
        self.context(&Credentials::Anonymous, &[]).await.expect("nobody is refused")
    }

    /// What `credentials` may do with a repository.
    pub(crate) async fn permissions(&self, credentials: &Credentials, repository: &str) -> Vec<Permission> {
        let ctx = self.context(credentials, &[wanted(repository, &[Permission::Pull])]).await.expect("a context");
        granted(&ctx, repository)
    }

    pub(crate) async fn token(&self, credentials: Credentials, scopes: &str) -> Result<IssuedToken, Error> {
        self.identity.issue_token(request(credentials, scopes)).await
    }

    pub(crate) async fn bearer(&self, credentials: Credentials, scopes: &str) -> Credentials {
        Credentials::Bearer(self.token(credentials, scopes).await.expect("issued").token)
    }
}

pub(crate) fn request(credentials: Credentials, scopes: &str) -> TokenRequest {
    TokenRequest {
        credentials,
        remote: address(1),
        service: Some("wharf".to_owned()),
        scopes: Scope::parse_list(scopes).expect("valid"),
        offline: false,
    }
}

/// Which permissions a context grants on a repository.
pub(crate) fn granted(ctx: &Context, repository: &str) -> Vec<Permission> {
    use wharf_context::{Attach, Delete, Overwrite, Pull, Push};
    let name = parse(repository);
    let checks = [
        (Permission::Pull, ctx.authorize::<Pull>(&name).is_ok()),
        (Permission::Push, ctx.authorize::<Push>(&name).is_ok()),
        (Permission::Overwrite, ctx.authorize::<Overwrite>(&name).is_ok()),
        (Permission::Delete, ctx.authorize::<Delete>(&name).is_ok()),
        (Permission::Attach, ctx.authorize::<Attach>(&name).is_ok()),
    ];
    checks.into_iter().filter(|(_, is_granted)| *is_granted).map(|(permission, _)| permission).collect()
}

pub(crate) fn wanted(repository: &str, permissions: &[Permission]) -> Wanted {
    Wanted { repository: parse(repository), permissions: Permissions::of(permissions) }
}

/// Wharf itself, or its command line on the server's own data.
pub(crate) fn system() -> Context {
    Context::new(Caller::system(), RequestId::generate(), None, Grants::default())
}

pub(crate) fn password(name: &str) -> Secret {
    Secret::new(format!("the password of {name}"))
}

pub(crate) fn basic(name: &str) -> Credentials {
    with_password(name, &password(name))
}

pub(crate) fn with_password(name: &str, password: &Secret) -> Credentials {
    Credentials::Basic { username: name.to_owned(), password: password.clone() }
}

pub(crate) fn address(last: u8) -> Option<IpAddr> {
    Some(IpAddr::from([192, 0, 2, last]))
}

pub(crate) fn parse<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("valid")
}

pub(crate) fn kind<T: std::fmt::Debug>(result: Result<T, Error>) -> Kind {
    result.expect_err("refused").kind()
}
