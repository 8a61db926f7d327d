//! The built binary, driven by real clients.
//!
//! The crate is its tests: `tests/it` starts `wharf serve` on a port and in a folder of its own and talks to it as
//! strangers do, by HTTP and with skopeo, podman, buildah, docker, crane, oras and helm. It links none of Wharf's crates, so that it
//! sees what a user sees. How to run it, and what each variable does: `docs/dev/testing.md`.
