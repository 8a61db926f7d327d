//! The part's one handle.

use std::sync::Arc;

use tokio::sync::Notify;
use wharf_blob::Store;
use wharf_context::Clock;
use wharf_db::Db;

use crate::collection::pass::Collecting;
use crate::figures::Counters;
use crate::ports::{Absent, Admission, Projects, Replicas};
use crate::pull::Pulls;
use crate::quota::Desk;
use crate::settings::Settings;

/// The registry: every use case is a method, found in the file of its noun. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Registry {
    pub(crate) db: Db,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) collecting: Arc<Collecting>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) projects: Option<Arc<dyn Projects>>,
    pub(crate) replicas: Option<Arc<dyn Replicas>>,
    pub(crate) admission: Option<Arc<dyn Admission>>,
    pub(crate) absent: Option<Arc<dyn Absent>>,
    pub(crate) fsck_wanted: Arc<Notify>,
    pub(crate) pulls: Arc<Pulls>,
}

impl Registry {
    /// A registry over a catalog and a blob store.
    pub fn new(settings: Settings, db: Db, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            db,
            store,
            clock,
            pulls: Arc::new(Pulls::new(&settings)),
            settings: Arc::new(settings),
            counters: Arc::default(),
            collecting: Arc::default(),
            desk: Arc::default(),
            projects: None,
            replicas: None,
            admission: None,
            absent: None,
            fsck_wanted: Arc::default(),
        }
    }

    /// The same registry, which makes repositories only in projects that `projects` knows.
    #[must_use]
    pub fn with_projects(self, projects: Arc<dyn Projects>) -> Self {
        Self { projects: Some(projects), ..self }
    }

    /// The same registry, which changes nothing that `admission` refuses.
    #[must_use]
    pub fn with_admission(self, admission: Arc<dyn Admission>) -> Self {
        Self { admission: Some(admission), ..self }
    }

    /// The same registry, which says of what is not here what `absent` knows.
    #[must_use]
    pub fn with_absent(self, absent: Arc<dyn Absent>) -> Self {
        Self { absent: Some(absent), ..self }
    }

    /// The same registry, which repairs damaged blobs from registries that `replicas` knows.
    #[must_use]
    pub fn with_replicas(self, replicas: Arc<dyn Replicas>) -> Self {
        Self { replicas: Some(replicas), ..self }
    }
}
