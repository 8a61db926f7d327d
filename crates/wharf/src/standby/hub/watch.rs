//! Looking after the standby: whether it is there, and what is said and done about it when it is not.

use std::time::Duration;

use super::{AWAY, Hub};
use crate::config::standby::{StandbyMode, WhenAway};

/// How often it is looked after the standby.
const LOOK: Duration = Duration::from_millis(500);

impl Hub {
    /// Looks after the standby for as long as the server lives.
    pub(crate) async fn watch(self) {
        let mut was_away = false;
        loop {
            tokio::time::sleep(LOOK).await;
            let settings = &self.inner.settings;
            let is_away = self.change(|state| {
                let limit = settings.away_after.0;
                if state.session.as_ref().is_some_and(|session| session.heard.elapsed() > limit.max(LOOK * 4)) {
                    state.end_session();
                }
                let has_standby = state.role.primary().is_some_and(|primary| primary.has_standby);
                has_standby && state.away_since.is_some_and(|since| since.elapsed() > limit)
            });
            if is_away != was_away {
                was_away = is_away;
                self.tell(is_away);
            }
        }
    }

    fn tell(&self, is_away: bool) {
        let settings = &self.inner.settings;
        let refuses = settings.mode == StandbyMode::Synchronous && settings.when_away == WhenAway::Refuse;
        if is_away {
            tracing::error!(refuses_writes = refuses, "the standby is away");
        } else {
            tracing::info!("the standby is back");
        }
        if is_away && refuses && !self.is_fenced() {
            self.inner.mode.set_read_only(AWAY);
        } else {
            self.inner.mode.clear(AWAY);
        }
    }
}
