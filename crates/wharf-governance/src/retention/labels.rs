//! Labels of what tags point to, read before anything is judged: they lie in configs, which are blobs.

use std::collections::BTreeMap;

use wharf_context::{Kind, ProjectId};
use wharf_oci::{Digest, RepositoryName};

use super::rule::Labels;
use crate::error::Error;
use crate::governance::Governance;
use crate::image::{self, Image};

impl Governance {
    /// The labels of a manifest. Nobody knows them where a config cannot be read as such; what may be there a moment later
    /// is an error.
    pub(super) async fn labels(
        &self,
        project: ProjectId,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Labels, Error> {
        match self.read_labels(project, repository, digest).await {
            Err(error) if !matches!(error.kind(), Kind::Unavailable | Kind::Internal) => {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, %repository, %digest, "cannot read the labels of an image");
                Ok(Labels::Unknown)
            }
            read => read,
        }
    }

    async fn read_labels(
        &self,
        project: ProjectId,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Labels, Error> {
        self.read_configs(project, repository, digest).await?;
        let image = self.db.transaction(async |tx| image::load(tx, project, repository, digest).await).await?;
        Ok(image.map_or(Labels::Unknown, of))
    }
}

/// Annotations of the manifest count like labels, as the gate `labels` counts them.
fn of(image: Image) -> Labels {
    let Image { annotations, configs, .. } = image;
    if configs.is_empty() {
        return Labels::Of(vec![annotations]);
    }
    let with = |labels: BTreeMap<String, String>| annotations.clone().into_iter().chain(labels).collect();
    Labels::Of(configs.into_iter().map(|config| with(config.labels)).collect())
}
