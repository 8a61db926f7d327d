//! The one place where parts meet: settings become parts, parts become routes.

mod archive;
mod background;
mod figures;
mod jobs;
mod keys;
pub(crate) mod operator;
mod ports;
mod replicas;
mod settings;
mod shipping;
pub(crate) mod standby;
pub(crate) mod store;
mod transfers;
mod webhooks;

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use wharf_api_distribution::Endpoint;
use wharf_archive::{Absences, Archives};
use wharf_blob::Store;
use wharf_context::SystemClock;
use wharf_db::Db;
use wharf_governance::{Governance, ProjectRules};
use wharf_identity::{Identity, Secret};
use wharf_registry::Registry;

use self::standby::Pair;
use background::Background;
use ports::{Accounts, Owners, Repositories};
use replicas::Elsewhere;
use transfers::{Courier, RegistryKey};

use crate::config::Config;
use crate::config::source::Environment;
use crate::data::Hold;
use crate::error::Error;
use crate::operator::{Operator, migrate};
use crate::server::Answers;
use crate::server::exchange::RouteLabel;
use crate::server::health::Health;
use crate::server::mode::{self, Mode};
use crate::standby::hub::Hub;
use tower::ServiceExt as _;

/// What stays in front of the server's eyes while a standby becomes a primary behind it. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Front {
    pub(crate) health: Health,
    pub(crate) figures: figures::Late,
    shown: Arc<ArcSwap<Router>>,
}

impl Front {
    /// From now on requests are answered by `router`.
    pub(crate) fn show(&self, router: Router) {
        self.shown.store(Arc::new(router));
    }

    /// What the server answers with: what is shown at the time.
    pub(crate) fn answers(&self) -> Answers {
        let shown = Arc::clone(&self.shown);
        let answer = tower::service_fn(move |request: Request| {
            let router = (**shown.load()).clone();
            router.oneshot(request)
        });
        self.answers_of(Router::new().fallback_service(answer))
    }

    /// What the server answers with: `router`, for good.
    pub(crate) fn answers_of(&self, router: Router) -> Answers {
        Answers { router, health: self.health.clone(), figures: figures::metrics(self.figures.clone()) }
    }
}

/// Every part, open and joined.
pub(crate) struct Assembled {
    /// All routes but `/metrics`.
    pub(crate) router: Router,
    /// What works on the registry as a whole.
    pub(crate) operator: Operator,
    /// What is known of the standby, where there may be one.
    pub(crate) hub: Option<Hub>,
    /// The administrator's password, where this was the first run and nobody chose one.
    pub(crate) first_password: Option<Secret>,
    /// What is to be written at the end.
    pub(crate) notes: Notes,
    /// Files outside of the data folder that nobody else may use as long as this lives.
    _holds: Vec<Hold>,
    _background: Vec<Background>,
}

/// What lies in memory and belongs into the audit log.
#[derive(Debug)]
pub(crate) struct Notes {
    identity: Identity,
    registry: Registry,
}

impl Notes {
    /// Writes it down. What cannot be written is lost with the process; the log says that it was.
    pub(crate) async fn write(&self) {
        let refusals = self.identity.write_notes().await.err().map(anyhow::Error::from);
        let pulls = self.registry.write_pulls().await.err().map(anyhow::Error::from);
        for error in [refusals, pulls].into_iter().flatten() {
            tracing::warn!(error = format!("{error:#}"), "the last refusals and pulls are not in the audit log");
        }
    }
}

/// Opens every part and joins their routes. `/metrics` is the server's own.
pub(crate) async fn assemble(
    config: &Config,
    environment: &Environment,
    pair: Option<Pair>,
    front: &Front,
) -> anyhow::Result<Assembled> {
    let holds = holds(config)?;
    let db = Db::open(&settings::database(config), Arc::new(SystemClock), jobs::subscriptions())
        .await
        .context("open the catalog")?;
    migrate::refuse_moved(config, &db).await?;
    // All nodes go by one clock: tokens and expiries of one count on the others.
    let clock = db.clock();
    let keyring = keys::open(config, &db).await?;
    let (files, mode) = (store::open(config, environment).await?, Mode::default());
    let hub = pair.as_ref().map(|pair| pair.hub(config, &files, &mode));
    let store = keys::seal(config, standby::followed(files, hub.as_ref()), &keyring);
    let operator = operator::operator(config, environment, (db.clone(), keyring.clone()), Arc::clone(&store));
    let operator = Operator { mode: mode.clone(), ..operator };
    let registry = open_registry(config, &db, store)?;
    let identity = Identity::new(settings::identity(config), db.clone(), clock).context("start identity")?;
    let identity = identity.with_project_use(Arc::new(Repositories));
    let identity = identity.with_keyring(keyring.clone()).await.context("seal the catalog's secrets")?;
    identity.check_environments().await.context("start with these environments")?;
    let first_password =
        identity.bootstrap(settings::first_password(config)?).await.context("make the administrator")?;
    let governance = Governance::new(db.clone(), registry.clone(), config.environments.all(), Arc::new(Accounts))
        .with_webhooks(webhooks::ports(config, &db, keyring)?)
        .with_transfers(Arc::new(Courier(config.transfers.clone())))
        .with_signer(Arc::new(RegistryKey(identity.clone())));
    let (governance, archives) = archive::open(config, environment, (&db, &registry, governance))?;
    governance.begin_catch_up().await.context("begin to look at images from before")?;
    let (shipping, shipped) = shipping::open(config, &db)?;
    let notes = Notes { identity: identity.clone(), registry: registry.clone() };
    let mut background = Vec::new();
    let mut beside = Router::new();
    if let Some((pair, hub)) = pair.zip(hub.as_ref()) {
        beside = pair.router(hub, &operator.keyring);
        background.extend(pair.begin(config, hub, &db).await?);
    }
    background.extend(works(&identity, &registry, (&governance, &archives), &db));
    background.extend(shipping.map(|shipping| Background::start(shipping.run())));

    let mut health = front.health.clone().require("catalog", settings::catalog_check(&db)).tell(mode.clone());
    if let Some(hub) = &hub {
        health = health.require("primary", standby::primary_check(hub));
    }
    front.figures.set(figures::Parts {
        db,
        registry: registry.clone(),
        identity: identity.clone(),
        governance: governance.clone(),
        shipped,
        mode: mode.clone(),
        hub: hub.clone(),
    });
    let router = Router::new()
        .merge(health.router())
        .merge(management(config, (&identity, &registry), (governance, archives)))
        .merge(wharf_api_distribution::router(registry, identity, settings::distribution(config)))
        .layer(from_fn_with_state(mode, mode::refuse_writes))
        .layer(from_fn(label))
        .merge(beside);
    Ok(Assembled { router, operator, hub, first_password, notes, _holds: holds, _background: background })
}

/// The registry, with what it asks of others.
fn open_registry(config: &Config, db: &Db, store: Arc<dyn Store>) -> anyhow::Result<Registry> {
    let registry = Registry::new(settings::registry(config), db.clone(), store, db.clock());
    Ok(registry
        .with_projects(Arc::new(Owners(config.environments.all())))
        .with_admission(Arc::new(ProjectRules))
        .with_absent(Arc::new(Absences))
        .with_replicas(Arc::new(Elsewhere::open(&config.fsck)?)))
}

fn management(config: &Config, (identity, registry): (&Identity, &Registry), parts: (Governance, Archives)) -> Router {
    wharf_api_management::router(identity.clone(), registry.clone(), parts, settings::management(config))
}

/// What goes on beside the requests.
fn works(
    identity: &Identity,
    registry: &Registry,
    (governance, archives): (&Governance, &Archives),
    db: &Db,
) -> [Background; 8] {
    let (collecting, checking, counting) = (registry.clone(), registry.clone(), registry.clone());
    let (auditing, noting) = (identity.clone(), registry.clone());
    let (sending, searching) = (governance.clone(), governance.clone());
    let worker = jobs::worker(db.clone(), governance, archives);
    [
        Background::start(async move { collecting.run_collection().await }),
        Background::start(async move { checking.run_fsck().await }),
        Background::start(async move { counting.run_quotas().await }),
        Background::start(worker.run(std::future::pending())),
        Background::start(async move { auditing.run_audit().await }),
        Background::start(async move { noting.run_pulls().await }),
        Background::start(async move { sending.run_webhooks().await }),
        Background::start(async move { searching.run_search().await }),
    ]
}

/// Takes the files outside of the data folder.
fn holds(config: &Config) -> Result<Vec<Hold>, Error> {
    let holds = [settings::database_hold(config), settings::storage_hold(config)];
    holds.into_iter().flatten().map(|path| Hold::take(&path)).collect()
}

/// Tells the server which route answered.
async fn label(path: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let endpoint = response.extensions().get::<&'static Endpoint>().map(|endpoint| Cow::Borrowed(endpoint.path));
    let route = endpoint.or_else(|| path.map(|path| Cow::Owned(path.as_str().to_owned())));
    if let Some(route) = route {
        response.extensions_mut().insert(RouteLabel(route));
    }
    response
}
