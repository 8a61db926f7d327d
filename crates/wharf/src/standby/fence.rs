//! Two that call themselves primary: the one with the lower epoch learns of it at the first contact.
//!
//! Whoever has taken over tells the old primary until it knows; and who starts as a primary asks the standby that it had.

use std::time::Duration;

use url::Url;

use super::client::Peer;
use super::hub::Hub;
use super::message::{Epoch, Fence, Fenced};
use super::role::Role;
use super::secret::Token;
use crate::config::Config;
use crate::config::standby::Standby as Settings;

/// How often the old primary is tried.
const PAUSE: Duration = Duration::from_secs(2);
/// How long a start waits for the standby's word.
const PATIENCE: Duration = Duration::from_secs(3);

/// Tells the server that `hub`'s has taken over from, until it knows.
pub(crate) async fn tell_old_primary(config: Config, hub: Hub, token: Token) {
    let role = hub.role();
    let Some(of) =
        role.primary().filter(|primary| !primary.is_known_there).and_then(|primary| primary.taken_from.clone())
    else {
        return;
    };
    let peer = match Peer::open(&config.standby, &of, token) {
        Ok(peer) => peer,
        Err(error) => return tracing::error!(error = format!("{error:#}"), "cannot tell the old primary"),
    };
    let by = config.server.public_url.as_ref().map_or_else(|| "its standby".to_owned(), ToString::to_string);
    let fence = Fence { history: role.history, epoch: role.epoch, by };
    loop {
        let told = match peer.post::<Fenced>("fence", &fence).await {
            Ok(_) => true,
            // One that was fenced before it was restarted follows somebody by now, or is another registry's.
            Err(_) => {
                peer.get::<Epoch>("epoch").await.is_ok_and(|epoch| !epoch.is_primary || epoch.history != role.history)
            }
        };
        if told {
            tracing::info!(old_primary = %of, "the old primary knows that this server has taken over");
            if let Err(error) = hub.remember(|primary| primary.is_known_there = true) {
                tracing::error!(error = format!("{error:#}"), "cannot note that the old primary knows");
            }
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether the server at `of` is a primary above `role`: then one that has once taken over from it is its standby again.
pub(crate) async fn is_above(settings: &Settings, of: &Url, role: &Role, token: Token) -> anyhow::Result<bool> {
    let peer = Peer::open(settings, of, token)?;
    let asked = tokio::time::timeout(PATIENCE, peer.get::<Epoch>("epoch")).await;
    let epoch = asked.ok().and_then(Result::ok);
    Ok(epoch.is_some_and(|epoch| epoch.history == role.history && epoch.is_primary && epoch.epoch > role.epoch))
}

/// Who has taken over from a primary that starts, if one says so that it was a pair with. One that does not answer says
/// nothing.
pub(crate) async fn taken_over_by(settings: &Settings, hub: &Hub, token: Token) -> Option<Fence> {
    let role = hub.role();
    let primary = role.primary()?.clone();
    for url in primary.standby_url.into_iter().chain(primary.taken_from) {
        let Ok(peer) = Peer::open(settings, &url, token.clone()) else { continue };
        let Ok(Ok(epoch)) = tokio::time::timeout(PATIENCE, peer.get::<Epoch>("epoch")).await else { continue };
        if epoch.history == role.history && epoch.is_primary && epoch.epoch > role.epoch {
            return Some(Fence { history: epoch.history, epoch: epoch.epoch, by: url.to_string() });
        }
    }
    None
}
