//! The endpoint: settings become an open bucket.

use std::path::PathBuf;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, Checksum as Sum, S3ConditionalPut};
use object_store::{BackoffConfig, RetryConfig};

use super::abilities::Abilities;
use super::bucket::{self, Bucket};
use super::settings::{Checksum, Credentials, Encryption, Settings, Style};
use super::transport::Transport;
use crate::error::Error;

/// A download that breaks off goes on where it was, so often and for so long.
const RESUMPTIONS: RetryConfig = RetryConfig {
    backoff: BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(5), base: 2.0 },
    max_retries: 10,
    retry_timeout: Duration::from_secs(12 * 3600),
};

/// Opens the bucket, without asking it anything.
pub(super) fn open(settings: &Settings) -> Result<Bucket, Error> {
    let failed = |source| Error::OpenBucket { bucket: settings.bucket.clone(), source };
    let client = wharf_http::client(&wharf_http::Settings {
        authorities: settings.authorities.clone(),
        connect_timeout: settings.connect_timeout,
        // Waiting is limited by the transport, which knows how much a request sends.
        read_timeout: Duration::from_secs(24 * 3600),
        ..wharf_http::Settings::default()
    });
    let transport =
        Transport::new(client.map_err(|error| failed(error.into()))?, settings.idle_timeout, settings.retries);
    let build = |endpoint| connect(settings, endpoint, &transport).map_err(|error| failed(error.into()));
    let store = build(settings.endpoint.as_deref())?;
    let signer = match (&settings.encryption, &settings.public_endpoint) {
        // Whoever follows such a URL would need our key.
        (Encryption::Ours { .. }, _) => None,
        (_, Some(public)) => Some(build(Some(public))?),
        (_, None) => Some(store.clone()),
    };
    let attributes = bucket::attributes(settings.storage_class.as_deref());
    Ok(Bucket { store, signer, transport, attributes, abilities: Abilities::default() })
}

fn connect(settings: &Settings, endpoint: Option<&str>, transport: &Transport) -> object_store::Result<AmazonS3> {
    let is_host = is_host_style(settings.style, endpoint);
    let is_tls = endpoint.is_none_or(|endpoint| !endpoint.starts_with("http://"));
    let mut builder = AmazonS3Builder::new()
        .with_http_connector(transport.clone())
        .with_retry(RESUMPTIONS)
        .with_allow_http(!is_tls)
        .with_bucket_name(&settings.bucket)
        .with_region(&settings.region)
        .with_virtual_hosted_style_request(is_host)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_unsigned_payload(is_tls && settings.checksum == Checksum::Auto);
    if let Some(endpoint) = endpoint {
        let endpoint = endpoint.trim_end_matches('/');
        builder = builder.with_endpoint(if is_host {
            endpoint.replacen("://", &format!("://{}.", settings.bucket), 1)
        } else {
            endpoint.to_owned()
        });
    }
    builder = match settings.checksum {
        Checksum::Auto | Checksum::Signature => builder,
        Checksum::Crc64 => builder.with_checksum_algorithm(Sum::CRC64NVME),
        Checksum::Sha256 => builder.with_checksum_algorithm(Sum::SHA256),
    };
    with_credentials(with_encryption(builder, &settings.encryption), &settings.credentials).build()
}

/// AWS stops serving paths, and OSS never did.
fn is_host_style(style: Style, endpoint: Option<&str>) -> bool {
    let wants_hosts = |endpoint: &str| {
        let host = endpoint.split("://").last().unwrap_or_default().split(['/', ':']).next().unwrap_or_default();
        [".amazonaws.com", ".amazonaws.com.cn", ".aliyuncs.com"].iter().any(|suffix| host.ends_with(suffix))
    };
    match style {
        Style::Path => false,
        Style::Host => true,
        Style::Auto => endpoint.is_none_or(wants_hosts),
    }
}

fn with_encryption(builder: AmazonS3Builder, encryption: &Encryption) -> AmazonS3Builder {
    let config = |builder: AmazonS3Builder, key: &str, value: &str| {
        builder.with_config(
            key.parse::<AmazonS3ConfigKey>().expect("it is one of the names that the builder lists"),
            value,
        )
    };
    match encryption {
        Encryption::Bucket => builder,
        Encryption::Endpoint => config(builder, "aws_server_side_encryption", "AES256"),
        Encryption::Kms { key: Some(key) } => builder.with_sse_kms_encryption(key),
        Encryption::Kms { key: None } => config(builder, "aws_server_side_encryption", "aws:kms"),
        Encryption::Ours { key } => builder.with_ssec_encryption(key),
    }
}

fn with_credentials(builder: AmazonS3Builder, credentials: &Credentials) -> AmazonS3Builder {
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    match credentials {
        Credentials::Key { id, secret, token } => {
            let builder = builder.with_access_key_id(id).with_secret_access_key(secret);
            token.iter().fold(builder, AmazonS3Builder::with_token)
        }
        Credentials::WebIdentity { token_file, role, session, sts_endpoint } => {
            let builder = builder
                .with_config(AmazonS3ConfigKey::WebIdentityTokenFile, text(token_file))
                .with_config(AmazonS3ConfigKey::RoleArn, role)
                .with_config(AmazonS3ConfigKey::RoleSessionName, session);
            let sts = |builder: AmazonS3Builder, url| builder.with_config(AmazonS3ConfigKey::StsEndpoint, url);
            sts_endpoint.iter().fold(builder, sts)
        }
        Credentials::Container { path } => {
            builder.with_config(AmazonS3ConfigKey::ContainerCredentialsRelativeUri, path)
        }
        Credentials::Agent { url, token_file } => builder
            .with_config(AmazonS3ConfigKey::ContainerCredentialsFullUri, url)
            .with_config(AmazonS3ConfigKey::ContainerAuthorizationTokenFile, text(token_file)),
        Credentials::Machine { endpoint } => endpoint.iter().fold(builder, AmazonS3Builder::with_metadata_endpoint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_stands_where_the_endpoint_wants_it() {
        for (style, endpoint, is_host) in [
            (Style::Auto, None, true),
            (Style::Auto, Some("https://s3.eu-central-1.amazonaws.com"), true),
            (Style::Auto, Some("https://oss-cn-hangzhou.aliyuncs.com"), true),
            (Style::Auto, Some("https://minio.example.com:9000/"), false),
            (Style::Auto, Some("https://aliyuncs.com.example.com"), false),
            (Style::Path, None, false),
            (Style::Host, Some("http://127.0.0.1:9000"), true),
        ] {
            assert_eq!(is_host_style(style, endpoint), is_host, "{endpoint:?}");
        }
    }
}
