//! What the operations of one build share.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use wharf_images::{Image, Images, Snapshot};
use wharf_network::{Power, Settings, Uplink};
use wharf_oci::{Algorithm, Digest};
use wharf_runtime::process::{Contents, Mount, Source};

use super::Builder;
use crate::cache::Cache;
use crate::error::Error;
use crate::graph::{Graph, Work, told};
use crate::ports::Secrets;
use crate::request::{NoCache, Request};
use crate::select::memo::Memo;

const MEMOS: &str = "contexts";

/// What the operations of one build share.
#[derive(Debug)]
pub(crate) struct Kit {
    pub(crate) request: Arc<Request>,
    pub(crate) cache: Cache,
    pub(crate) memo: Memo,
    pub(crate) secrets: Arc<dyn Secrets>,
    pub(crate) http: wharf_http::Client,
    images: Images,
    /// The images whose layers may have to be unpacked, by their chains.
    bases: HashMap<Digest, Arc<Image>>,
    entry: OnceLock<wharf_runtime::Entry>,
    uplink: OnceLock<Result<Uplink, Error>>,
    cold: Mutex<Option<PathBuf>>,
    /// What ends the containers of this build; none once it has ended.
    running: Mutex<Option<Vec<wharf_runtime::Stop>>>,
}

/// Ends the containers of a build when it is dropped, so that nobody waits for them.
pub(super) struct Ending(pub(super) Arc<Kit>);

impl Drop for Ending {
    fn drop(&mut self) {
        let running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        running.iter().flatten().for_each(wharf_runtime::Stop::stop);
    }
}

impl Kit {
    pub(super) async fn new(builder: &Builder, request: &Arc<Request>, graph: &Graph) -> Result<Self, Error> {
        let images = builder.images.clone();
        let based = graph.nodes.iter().filter_map(|node| match &node.work {
            Work::Base(image) => Some((told(image).chain()?, Arc::clone(image))),
            Work::Op(_) | Work::Empty => None,
        });
        let bases = based.collect();
        let now = images.db().clock().now().0 / 1_000_000;
        let (folder, request_of_memo) = (images.session().folder().join(MEMOS), Arc::clone(request));
        let memo = crate::op::blocking(move || {
            let Some(context) = &request_of_memo.context.folder else { return Ok(Memo::default()) };
            std::fs::create_dir_all(&folder)
                .map_err(|source| Error::file("make", folder.display().to_string(), source))?;
            let context = std::fs::canonicalize(context).unwrap_or_else(|_| context.clone());
            let name = Digest::of(Algorithm::Sha256, context.as_os_str().as_encoded_bytes()).hex();
            Ok(Memo::open(&folder.join(name), now))
        })
        .await?;
        Ok(Self {
            request: Arc::clone(request),
            cache: Cache::new(images.db().clone()),
            memo,
            secrets: Arc::clone(&builder.secrets),
            http: builder.http.clone(),
            images,
            bases,
            entry: OnceLock::new(),
            uplink: OnceLock::new(),
            cold: Mutex::default(),
            running: Mutex::new(Some(Vec::new())),
        })
    }

    /// Unpacks what of a file system is not unpacked yet.
    pub(crate) async fn ready(&self, snapshot: &Snapshot) -> Result<(), Error> {
        let base = snapshot.layers.iter().rev().find_map(|layer| self.bases.get(&layer.chain));
        if let Some(image) = base {
            self.images.unpacked(image).await?;
        }
        Ok(())
    }

    /// How this program is started again to hold a container.
    pub(crate) fn entry(&self) -> Result<&wharf_runtime::Entry, Error> {
        if let Some(entry) = self.entry.get() {
            return Ok(entry);
        }
        let entry = wharf_runtime::Entry::this()?;
        Ok(self.entry.get_or_init(|| entry))
    }

    /// Notes a container that has started; one that comes too late is ended at once.
    pub(crate) fn started(&self, stop: wharf_runtime::Stop) {
        match &mut *self.running.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(running) => running.push(stop),
            None => stop.stop(),
        }
    }

    /// What tells the caches of RUN apart that have one name: `BUILDKIT_CACHE_MOUNT_NS`.
    pub(crate) fn cache_namespace(&self) -> &str {
        self.request.arguments.get("BUILDKIT_CACHE_MOUNT_NS").map_or("", String::as_str)
    }

    /// Whether caches of RUN begin empty.
    pub(crate) fn is_cold(&self) -> bool {
        self.request.no_cache == NoCache::Everything
    }

    /// A folder for the caches of this build alone.
    pub(crate) fn cold_cache(&self) -> PathBuf {
        let mut cold = self.cold.lock().unwrap_or_else(PoisonError::into_inner);
        cold.get_or_insert_with(|| self.images.session().scratch()).clone()
    }

    /// The way out of containers; opened for the first that takes it. Blocks.
    pub(crate) fn uplink(&self) -> Result<&Uplink, Error> {
        let opened = self.uplink.get_or_init(|| {
            let folder = self.images.session().scratch();
            std::fs::create_dir(&folder).map_err(|source| Error::file("make", folder.display().to_string(), source))?;
            Ok(Uplink::open(&Settings::new(Power::Machine, folder))?)
        });
        opened.as_ref().map_err(|error| Error::Invalid(error.to_string()))
    }

    /// The files that each container has whatever is in its image: who it is, and who answers for names.
    pub(crate) fn files(&self, hostname: &str, resolvers: String) -> Vec<Mount> {
        let file = |target: &str, text: String| {
            let source = Source::File { contents: Contents(text.into_bytes()), uid: 0, gid: 0, mode: 0o644 };
            Mount { target: target.to_owned(), source }
        };
        let hosts = wharf_network::hosts(hostname, &self.request.hosts);
        vec![file("/etc/hosts", hosts), file("/etc/resolv.conf", resolvers)]
    }
}
