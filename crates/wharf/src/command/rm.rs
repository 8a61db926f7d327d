//! `wharf rm`: delete a tag, or a manifest with all its tags, in a registry.

use clap::Args;
use serde_json::json;
use wharf_oci::Reference;

use super::registries::place::Remote;
use super::registries::{self, Error, Registries};

/// `wharf rm`.
#[derive(Debug, Args)]
pub(crate) struct Rm {
    /// `registry.example.com/app:tag` deletes the tag only; `registry.example.com/app@sha256:…` the manifest and all its
    /// tags.
    #[arg(value_name = "IMAGE")]
    image: String,
    #[command(flatten)]
    registries: Registries,
}

impl Rm {
    pub(crate) fn run(self) -> Result<(), Error> {
        let session = self.registries.open();
        let (remote, reference) = Remote::parse_named(&self.image)?;
        let repository = session.repository(&remote)?;
        registries::run(async {
            let deleted = repository.delete(&reference).await;
            deleted.map_err(|error| match &reference {
                Reference::Tag(_) => Error::DeleteTag(error),
                Reference::Digest(_) => Error::Client(error),
            })
        })?;
        let (kind, sentence) = match &reference {
            Reference::Tag(_) => ("tag", "the tag is deleted; its manifest stays"),
            Reference::Digest(_) => ("manifest", "the manifest and all its tags are deleted"),
        };
        let name = remote.image.to_string();
        let document = json!({ "name": name, "deleted": kind });
        Ok(session.output.told(&document, &format!("{sentence}: {name}"))?)
    }
}
