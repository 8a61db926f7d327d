//! What contradicts itself although each value is fine.

use std::time::Duration;

use url::Url;

use super::Config;
use super::audit::Audit;
use super::source::Problem;
use super::storage::{Encryption, Place};

/// Every contradiction, as a sentence.
pub(crate) fn contradictions(config: &Config) -> Vec<Problem> {
    let rules: [(bool, &str); 16] = [
        (config.server.listen.is_empty(), "`server.listen` is empty: name at least one address"),
        (
            config.tls.certificate.is_some() != config.tls.key.is_some(),
            "`tls.certificate` and `tls.key` belong together: set both or neither",
        ),
        (
            config.tls.also_plain && config.tls.certificate.is_none(),
            "`tls.also_plain` needs `tls.certificate`: without one, everything is plain",
        ),
        (config.auth.force_open && !config.auth.open, "`auth.force_open` needs `auth.open`"),
        (
            config.collection.grace.0 < Duration::from_secs(1),
            "`collection.grace` must be at least `1s`: a push relies on it",
        ),
        (config.database.pool_size == 0, "`database.pool_size` must be at least 1"),
        (
            !(60..=3600).contains(&config.auth.token_lifetime.0.as_secs()),
            "`auth.token_lifetime` must be between `1m` and `1h`",
        ),
        (config.limits.connections == 0, "`limits.connections` must be at least 1"),
        (config.limits.connections_per_address == 0, "`limits.connections_per_address` must be at least 1"),
        (
            config.limits.header_timeout.0 < Duration::from_secs(1)
                || config.limits.idle_timeout.0 < Duration::from_secs(1),
            "`limits.header_timeout` and `limits.idle_timeout` must be at least `1s`",
        ),
        (config.limits.body_window.0 < Duration::from_secs(1), "`limits.body_window` must be at least `1s`"),
        (
            !(8 << 10..=16 << 20).contains(&config.limits.header_size.0),
            "`limits.header_size` must be between `8KiB` and `16MiB`",
        ),
        (
            !(1..=50).contains(&config.webhooks.timeout.0.as_secs()),
            "`webhooks.timeout` must be between `1s` and `50s`: what a node was sending when it died waits that long",
        ),
        (
            config.webhooks.keep.0 < Duration::from_secs(4 * 86_400),
            "`webhooks.keep` must be at least `4d`: a delivery is tried for three",
        ),
        (config.telemetry.sample_percent > 100, "`telemetry.sample_percent` is more than 100"),
        (
            is_above(config.quota.warn_bytes.map(|size| size.0), config.quota.bytes.map(|size| size.0))
                || is_above(config.quota.warn_manifests, config.quota.manifests),
            "`quota.warn_bytes` and `quota.warn_manifests` must not be above `quota.bytes` and `quota.manifests`",
        ),
    ];
    let mut problems: Vec<Problem> =
        rules.into_iter().filter(|(broken, _)| *broken).map(|(_, sentence)| sentence.to_owned()).collect();
    problems.extend(public_url(config.server.public_url.as_ref()));
    problems.extend(telemetry(config));
    problems.extend(places(config));
    problems.extend(bucket(config));
    problems.extend(sources(config));
    problems.extend(environments(config));
    problems.extend(audit(&config.audit));
    problems.extend(standby(config));
    problems.extend(crate::telemetry::check_level(&config.log.level).err());
    problems
}

fn is_above(warn: Option<u64>, hard: Option<u64>) -> bool {
    matches!((warn, hard), (Some(warn), Some(hard)) if warn > hard)
}

/// The public URL is a scheme, a host and perhaps a port: image names have no room for a path.
fn public_url(url: Option<&Url>) -> Option<Problem> {
    let url = url?;
    let fits = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    (!fits).then(|| "`server.public_url` must look like `https://registry.example.com`, without a path".to_owned())
}

/// Environments have names of their own, and hosts stand for one of them.
fn environments(config: &Config) -> Vec<Problem> {
    let environments = &config.environments;
    if let Err(error) = wharf_oci::Environments::new(environments.names.clone()) {
        return vec![format!("`environments.names`: {error}")];
    }
    let is_host = |host: &str| {
        !host.is_empty() && !host.contains(|letter: char| letter.is_uppercase() || "/ @\"".contains(letter))
    };
    let wrong = environments.hosts.iter().filter_map(|(host, name)| match environments.names.contains(name) {
        _ if !is_host(host) => Some(format!("`environments.hosts`: `{host}` is not a host name in lower case")),
        false => {
            Some(format!("`environments.hosts`: `{host}` stands for `{name}`, which is not in `environments.names`"))
        }
        true => None,
    });
    wrong.collect()
}

/// Other registries are reached by HTTP; a log-in does not stand in the open.
fn sources(config: &Config) -> Option<Problem> {
    let fits = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    };
    (!config.fsck.sources.iter().all(fits)).then(|| {
        "`fsck.sources` must look like `https://registry.example.com/prefix`; log-ins belong into \
         `fsck.credentials_file`"
            .to_owned()
    })
}

/// What the audit log has, and where it goes.
fn audit(audit: &Audit) -> Vec<Problem> {
    let is_receiver = |url: &Url| {
        matches!(url.scheme(), "tls" | "tcp" | "udp")
            && url.has_host()
            && matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.username().is_empty()
    };
    let rules = [
        (!(0.0..=1.0).contains(&audit.sample), "`audit.sample` must be between `0` and `1`"),
        (
            !(1..=86_400).contains(&audit.checkpoint_interval.0.as_secs()),
            "`audit.checkpoint_interval` must be between `1s` and `1d`",
        ),
        (
            !audit.syslog.as_ref().is_none_or(is_receiver),
            "`audit.syslog` must look like `tls://logs.example.com:6514`, `tcp://…` or `udp://…`",
        ),
        (
            audit.syslog_certificate.is_some() != audit.syslog_key.is_some(),
            "`audit.syslog_certificate` and `audit.syslog_key` belong together: set both or neither",
        ),
        (audit.syslog_facility > 23, "`audit.syslog_facility` must be between `0` and `23`"),
    ];
    rules.into_iter().filter(|(broken, _)| *broken).map(|(_, sentence)| sentence.to_owned()).collect()
}

/// A pair is two machines with everything in files.
fn standby(config: &Config) -> Vec<Problem> {
    let standby = &config.standby;
    let is_asked_for = standby.of.is_some() || standby.token_file.is_some();
    let database = config.database.url.as_deref().unwrap_or("sqlite:");
    let is_file = database.starts_with("sqlite:") && database != "sqlite::memory:";
    let is_folder = matches!(config.storage.url.as_deref().and_then(Place::parse), Some(Place::Files(_)));
    let fits = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    };
    let rules = [
        (
            is_asked_for && !is_file,
            "`standby.*` is for a catalog in a SQLite file: PostgreSQL has standbys of its own, and several nodes of wharf \
             on it need none",
        ),
        (
            is_asked_for && !is_folder,
            "`standby.*` is for blobs in files: a bucket keeps its objects by itself, and `memory:` keeps nothing",
        ),
        (is_asked_for && config.storage.shared, "`standby.*` does not go with `storage.shared`"),
        (
            standby.of.is_some() && standby.token_file.is_none(),
            "`standby.of` needs `standby.token_file`, the same token as on the primary",
        ),
        (
            !standby.of.as_ref().is_none_or(fits),
            "`standby.of` must look like `https://registry.example.com`, without a path",
        ),
        (standby.away_after.0 < Duration::from_secs(1), "`standby.away_after` must be at least `1s`"),
    ];
    rules.into_iter().filter(|(broken, _)| *broken).map(|(_, sentence)| sentence.to_owned()).collect()
}

/// A collector can only be reached by a program that was built for it.
fn telemetry(config: &Config) -> Option<Problem> {
    (config.telemetry.otlp_endpoint.is_some() && !cfg!(feature = "otel"))
        .then(|| "`telemetry.otlp_endpoint` needs a build with the feature `otel`".to_owned())
}

/// What only a bucket can do, and what belongs together there.
fn bucket(config: &Config) -> Vec<Problem> {
    let storage = &config.storage;
    let is_bucket = matches!(storage.url.as_deref().and_then(Place::parse), Some(Place::Bucket { .. }));
    let has_customer_key = storage.s3_customer_key_file.is_some();
    let rules = [
        (storage.redirect && !is_bucket, "`storage.redirect` needs a bucket: only S3 gives URLs to clients"),
        (
            storage.redirect && storage.s3_encryption == Encryption::Customer,
            "`storage.redirect` does not go with `storage.s3_encryption = \"customer\"`: clients would need the key",
        ),
        (
            has_customer_key != (storage.s3_encryption == Encryption::Customer),
            "`storage.s3_encryption = \"customer\"` and `storage.s3_customer_key_file` belong together",
        ),
        (
            !(60..=7 * 86_400).contains(&storage.redirect_valid.0.as_secs()),
            "`storage.redirect_valid` must be between `1m` and `7d`",
        ),
    ];
    rules.into_iter().filter(|(broken, _)| *broken).map(|(_, sentence)| sentence.to_owned()).collect()
}

/// Where facts and bytes lie. The values are not repeated: a database's URL may hold a password.
fn places(config: &Config) -> Vec<Problem> {
    let database = config.database.url.as_deref().unwrap_or("sqlite:");
    let is_database = ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| database.starts_with(scheme));
    let is_place = config.storage.url.as_deref().is_none_or(|url| Place::parse(url).is_some());
    let database =
        (!is_database).then_some("`database.url` must look like `sqlite:PATH` or `postgres://user@host/name`");
    let storage = (!is_place).then_some("`storage.url` must look like `file:PATH`, `s3://BUCKET/PREFIX` or `memory:`");
    let archive = config.archive.url.as_deref().map(Place::parse);
    let is_cold = archive.is_none_or(|place| matches!(place, Some(Place::Files(_) | Place::Bucket { .. })));
    let archive = (!is_cold).then_some("`archive.url` must look like `file:PATH` or `s3://BUCKET/PREFIX`");
    database.into_iter().chain(storage).chain(archive).map(str::to_owned).collect()
}
