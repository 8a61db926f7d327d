//! Webhooks: the way out, and whose events they are.

use std::sync::Arc;

use anyhow::Context as _;
use wharf_context::ProjectId;
use wharf_db::{Db, Keyring, Tx};
use wharf_governance::{BoxFuture, Projects, WebhookPorts};
use wharf_http::outside::SystemNames;
use wharf_http::{Networks, Outside, Proxies};
use wharf_identity::Identity;
use wharf_oci::ProjectName;

use crate::config::Config;

/// What webhooks need to go out.
pub(super) fn ports(config: &Config, db: &Db, keyring: Keyring) -> anyhow::Result<WebhookPorts> {
    let webhooks = &config.webhooks;
    let proxy = webhooks.proxy.as_ref().map(|url| url.as_str().to_owned());
    let settings = wharf_http::Settings {
        authorities: webhooks.authorities.clone(),
        proxies: Proxies { http: proxy.clone(), https: proxy, except: None },
        connect_timeout: webhooks.timeout.0,
        read_timeout: webhooks.timeout.0,
        total_timeout: Some(webhooks.timeout.0),
        ..wharf_http::Settings::default()
    };
    let networks = Networks { allow: webhooks.allow_networks.clone(), deny: webhooks.deny_networks.clone() };
    let outside = Outside::new(&settings, networks, Arc::new(SystemNames)).context("make the client for webhooks")?;
    let mut ports = WebhookPorts::new(keyring, Arc::new(outside), Arc::new(Named), db.clock());
    if let Some(url) = &config.server.public_url {
        ports.source = url.as_str().trim_end_matches('/').to_owned();
    }
    (ports.patience, ports.keep) = (webhooks.timeout.0, webhooks.keep.0);
    Ok(ports)
}

/// Identity's projects, as governance asks for them.
#[derive(Debug)]
struct Named;

impl Projects for Named {
    fn find<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        name: &'a ProjectName,
    ) -> BoxFuture<'a, Result<Option<ProjectId>, wharf_db::Error>> {
        Box::pin(Identity::find_project(tx, name))
    }

    fn name<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        project: ProjectId,
    ) -> BoxFuture<'a, Result<Option<ProjectName>, wharf_db::Error>> {
        Box::pin(Identity::project_name(tx, project))
    }
}
