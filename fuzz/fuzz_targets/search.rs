//! Any text as a search query: never a panic, and an error lies on the borders of the text's characters.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_governance::search::Query;

fuzz_target!(|text: &str| {
    if let Err(error) = Query::parse(text) {
        assert!(text.get(error.span).is_some());
    }
});
