//! The part's one handle.

use std::sync::Arc;

use wharf_db::Db;
use wharf_oci::Environments;
use wharf_registry::Registry;

use crate::error::Error;
use crate::gate::{self, Gate};
use crate::ports::{DocumentSigner, Leave, People, Transfer, WebhookPorts};

/// Governance: every use case is a method, found in the file of its noun. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Governance {
    pub(crate) db: Db,
    pub(crate) registry: Registry,
    pub(crate) environments: Environments,
    pub(crate) people: Arc<dyn People>,
    pub(crate) gates: Arc<[Arc<dyn Gate>]>,
    webhooks: Option<Arc<WebhookPorts>>,
    transfers: Option<Arc<dyn Transfer>>,
    pub(crate) signer: Option<Arc<dyn DocumentSigner>>,
    pub(crate) archive: Option<Arc<dyn Leave>>,
}

/// What this node did since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Webhook deliveries that a receiver took.
    pub webhooks_succeeded: u64,
    /// Attempts at webhook deliveries that failed.
    pub webhooks_failed: u64,
}

impl Governance {
    /// Governance over a catalog and the content that `registry` keeps, in the server's environments.
    pub fn new(db: Db, registry: Registry, environments: Environments, people: Arc<dyn People>) -> Self {
        let gates = gate::own().into();
        let (webhooks, transfers, signer, archive) = (None, None, None, None);
        Self { db, registry, environments, people, gates, webhooks, transfers, signer, archive }
    }

    /// The same governance with further gates.
    #[must_use]
    pub fn with_gates(self, gates: Vec<Arc<dyn Gate>>) -> Self {
        let gates: Vec<_> = self.gates.iter().cloned().chain(gates).collect();
        Self { gates: gates.into(), ..self }
    }

    /// The same, with webhooks.
    #[must_use]
    pub fn with_webhooks(self, ports: WebhookPorts) -> Self {
        Self { webhooks: Some(Arc::new(ports)), ..self }
    }

    /// The same, with a way to other registries.
    #[must_use]
    pub fn with_transfers(self, transfers: Arc<dyn Transfer>) -> Self {
        Self { transfers: Some(transfers), ..self }
    }

    /// The same, with a key that signs documents.
    #[must_use]
    pub fn with_signer(self, signer: Arc<dyn DocumentSigner>) -> Self {
        Self { signer: Some(signer), ..self }
    }

    /// The same, where images can leave for an archive.
    #[must_use]
    pub fn with_archive(self, archive: Arc<dyn Leave>) -> Self {
        Self { archive: Some(archive), ..self }
    }

    /// What this node did since it started.
    pub fn figures(&self) -> Figures {
        let (webhooks_succeeded, webhooks_failed) = self.webhooks.as_ref().map_or((0, 0), |ports| ports.figures.read());
        Figures { webhooks_succeeded, webhooks_failed }
    }

    pub(crate) fn transfers(&self) -> Result<&dyn Transfer, Error> {
        self.transfers.as_deref().ok_or(Error::NotWired { what: "a way to other registries" })
    }

    pub(crate) fn webhook_ports(&self) -> Result<&WebhookPorts, Error> {
        self.webhooks.as_deref().ok_or(Error::NotWired { what: "webhooks" })
    }
}
