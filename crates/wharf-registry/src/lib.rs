//! Repositories: uploads, manifests, tags, referrers.
