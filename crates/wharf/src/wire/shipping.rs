//! The syslog receiver that the configuration names.

use anyhow::Context as _;
use wharf_db::Db;

use crate::config::Config;
use crate::syslog::message::Sender;
use crate::syslog::receiver::{Choice, Receiver};
use crate::syslog::{Progress, Shipping};

/// What sends the audit log, where it is to be sent; and how far it is.
pub(super) fn open(config: &Config, db: &Db) -> anyhow::Result<(Option<Shipping>, Option<Progress>)> {
    let audit = &config.audit;
    let Some(url) = &audit.syslog else { return Ok((None, None)) };
    let choice = Choice {
        url: url.clone(),
        authorities: audit.syslog_authorities.clone(),
        identity: audit.syslog_certificate.clone().zip(audit.syslog_key.clone()),
    };
    let receiver = Receiver::open(&choice).with_context(|| format!("use the syslog receiver `{url}`"))?;
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let sender = Sender { facility: audit.syslog_facility, host };
    let progress = Progress::default();
    Ok((Some(Shipping { db: db.clone(), receiver, sender, progress: progress.clone() }), Some(progress)))
}
