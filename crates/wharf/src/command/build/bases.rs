//! Base images out of registries, with the log-ins that are stored.

use std::sync::Arc;

use wharf_build::Bases;
use wharf_oci::ports::BoxFuture;
use wharf_oci::{ContentError, ContentErrorKind, ImageName, Source};

use crate::command::registries::Session;
use crate::command::registries::place::Remote;

/// Registries as the command line reaches them.
#[derive(Debug)]
pub(crate) struct Registered {
    session: Arc<Session>,
}

impl Registered {
    pub(crate) fn new(session: Arc<Session>) -> Self {
        Self { session }
    }
}

impl Bases for Registered {
    fn open<'a>(&'a self, name: &'a ImageName) -> BoxFuture<'a, Result<Box<dyn Source>, ContentError>> {
        Box::pin(async move {
            let remote = Remote { image: name.clone(), is_plain: false };
            let mirrored = self.session.mirrored(&remote).map_err(|error| {
                ContentError::caused(ContentErrorKind::Unavailable, format!("cannot reach `{name}`"), error)
            })?;
            Ok(Box::new(mirrored) as Box<dyn Source>)
        })
    }
}
