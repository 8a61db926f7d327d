//! Any text as a name, a reference and a digest: never a panic, and what is accepted reads back as it was written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_oci::{Digest, ProjectName, Reference, RepositoryName};

fuzz_target!(|text: &str| {
    if let Ok(reference) = text.parse::<Reference>() {
        assert_eq!(reference.to_string(), text);
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string(), text);
        assert_eq!(Digest::from_bytes(&digest.to_bytes()), Some(digest));
    }
    if let Ok(name) = text.parse::<RepositoryName>() {
        assert_eq!(name.as_str(), text);
        let project = name.project();
        assert_eq!(project.as_str().parse::<ProjectName>().as_ref(), Ok(&project));
    }
    if let Some(digest) = Digest::from_bytes(text.as_bytes()) {
        assert_eq!(digest.to_bytes(), text.as_bytes());
    }
});
