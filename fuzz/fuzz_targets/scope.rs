//! Any text as token scopes: never a panic, bounded, and what is accepted reads back as it was written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_oci::Scope;
use wharf_oci::scope::{MAX_ACTIONS, MAX_SCOPES};

fuzz_target!(|text: &str| {
    let Ok(scopes) = Scope::parse_list(text) else { return };
    assert!(scopes.len() <= MAX_SCOPES && scopes.iter().all(|scope| scope.actions.len() <= MAX_ACTIONS));
    let written = scopes.iter().map(Scope::to_string).collect::<Vec<_>>().join(" ");
    assert_eq!(Scope::parse_list(&written).as_ref(), Ok(&scopes));
});
