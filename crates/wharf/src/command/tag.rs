//! `wharf tag`: another tag for a manifest in a registry.

use clap::Args;
use serde_json::json;
use wharf_oci::Tag as TagName;

use super::registries::place::Remote;
use super::registries::{self, Error, Registries};

/// `wharf tag`.
#[derive(Debug, Args)]
pub(crate) struct Tag {
    /// What gets the tag: `registry.example.com/app:tag`, or `…@sha256:…`.
    #[arg(value_name = "IMAGE")]
    image: String,
    /// The new tag. If it is there already, it moves.
    #[arg(value_name = "TAG")]
    tag: TagName,
    #[command(flatten)]
    registries: Registries,
}

impl Tag {
    pub(crate) fn run(self) -> Result<(), Error> {
        let session = self.registries.open();
        let (remote, reference) = Remote::parse_named(&self.image)?;
        let repository = session.repository(&remote)?;
        let descriptor = registries::run(async { Ok(repository.tag(&reference, &self.tag).await?) })?;
        let name = format!("{}/{}:{}", remote.image.registry, remote.image.repository, self.tag);
        let digest = descriptor.digest.to_string();
        let document = json!({ "name": name, "digest": digest });
        Ok(session.output.told(&document, &format!("{name} is {digest}"))?)
    }
}
