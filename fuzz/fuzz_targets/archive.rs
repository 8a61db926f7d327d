//! Any bytes as an archive of images, OCI's and docker's: never a panic, and nothing is found outside of it.

#![no_main]

use std::io::Write as _;

use libfuzzer_sys::fuzz_target;
use wharf_layer::Layout;
use wharf_oci::Source as _;

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(bytes).expect("is written");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        for opened in [Layout::open_archive(file.path()).await, Layout::open_docker_archive(file.path()).await] {
            let Ok(layout) = opened else { continue };
            let Ok(root) = layout.resolve(None).await else { continue };
            if let Ok(manifest) = layout.manifest(&root).await {
                assert!(manifest.len() <= bytes.len() + 4096 * 1024);
            }
        }
    });
});
