//! What an operator may choose about the bucket.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Settings of a store on S3.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The bucket.
    pub bucket: String,
    /// What all names begin with, without slashes at its ends; empty for the whole bucket.
    pub prefix: String,
    /// The endpoint's URL; without it, AWS in `region`.
    pub endpoint: Option<String>,
    /// The endpoint's URL as clients of presigned URLs reach it, where that is another one.
    pub public_endpoint: Option<String>,
    /// The region; AWS and some others refuse signatures for another one.
    pub region: String,
    /// Where the bucket's name stands in URLs.
    pub style: Style,
    /// Who we are.
    pub credentials: Credentials,
    /// How the endpoint is to encrypt what it stores.
    pub encryption: Encryption,
    /// The storage class of blobs, as the endpoint names it; without it, the bucket's default.
    pub storage_class: Option<String>,
    /// What is sent along so that the endpoint notices bytes that broke on their way.
    pub checksum: Checksum,
    /// PEM files of certificate authorities that are believed besides those of the system.
    pub authorities: Vec<PathBuf>,
    /// How long the endpoint may take to connect.
    pub connect_timeout: Duration,
    /// How long the endpoint may be silent: before it answers, and in the middle of an answer.
    pub idle_timeout: Duration,
    /// How often a request that failed for a passing reason is made again.
    pub retries: usize,
}

impl Settings {
    /// A bucket on AWS with the defaults.
    pub fn new(bucket: impl Into<String>, credentials: Credentials) -> Self {
        Self {
            bucket: bucket.into(),
            prefix: String::new(),
            endpoint: None,
            public_endpoint: None,
            region: "us-east-1".to_owned(),
            style: Style::Auto,
            credentials,
            encryption: Encryption::Bucket,
            storage_class: None,
            checksum: Checksum::Auto,
            authorities: Vec::new(),
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(30),
            retries: 5,
        }
    }
}

/// Where the bucket's name stands in URLs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Style {
    /// In the host's name at AWS and OSS, which want it there; in the path elsewhere.
    #[default]
    Auto,
    /// `https://endpoint/bucket/name`.
    Path,
    /// `https://bucket.endpoint/name`.
    Host,
}

/// Who we are at the endpoint.
#[derive(Clone)]
pub enum Credentials {
    /// A key that does not change.
    Key {
        /// Its public half.
        id: String,
        /// Its secret half.
        secret: String,
        /// The token of a temporary key.
        token: Option<String>,
    },
    /// A role that a token in a file gives us (Kubernetes on AWS).
    WebIdentity {
        /// The file; it is read again when the credentials end.
        token_file: PathBuf,
        /// The role's ARN.
        role: String,
        /// The name that the session gets.
        session: String,
        /// The token service's URL, where it is not AWS's.
        sts_endpoint: Option<String>,
    },
    /// What the container's host gives (ECS): the path on its address.
    Container {
        /// The path.
        path: String,
    },
    /// What an agent beside us gives (EKS Pod Identity).
    Agent {
        /// The agent's URL.
        url: String,
        /// The file with the token for it.
        token_file: PathBuf,
    },
    /// What the machine gives (EC2's metadata service).
    Machine {
        /// The service's URL, where it is not AWS's.
        endpoint: Option<String>,
    },
}

// A secret must not come into a log with whatever holds it.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key { .. } => "Key",
            Self::WebIdentity { .. } => "WebIdentity",
            Self::Container { .. } => "Container",
            Self::Agent { .. } => "Agent",
            Self::Machine { .. } => "Machine",
        })
    }
}

/// How the endpoint encrypts what it stores.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Encryption {
    /// As the bucket says.
    #[default]
    Bucket,
    /// By the endpoint's own keys (SSE-S3).
    Endpoint,
    /// By a key of its key service (SSE-KMS): one that is named, or its default.
    Kms {
        /// The key's id.
        key: Option<String>,
    },
    /// By a key that we send with each request (SSE-C), in base64. Nothing can be presigned then.
    Ours {
        /// The key.
        key: String,
    },
}

impl fmt::Debug for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bucket => "Bucket",
            Self::Endpoint => "Endpoint",
            Self::Kms { .. } => "Kms",
            Self::Ours { .. } => "Ours",
        })
    }
}

/// What is sent along so that the endpoint notices bytes that broke on their way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Checksum {
    /// Over TLS nothing more than TLS's own; else the signature covers the bytes.
    #[default]
    Auto,
    /// The signature covers the bytes (SHA-256), over TLS as well.
    Signature,
    /// CRC-64/NVME, which the endpoint also stores.
    Crc64,
    /// SHA-256, which the endpoint also stores.
    Sha256,
}
