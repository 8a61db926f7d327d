//! Any text as a Dockerfile: never a panic, places lie in the text, a valid one prints to an equal tree, and its
//! variables expand or are refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_dockerfile::expand::{Globals, Inputs};

fuzz_target!(|bytes: &[u8]| {
    let dockerfile = wharf_dockerfile::parse_bytes(bytes);
    for instruction in &dockerfile.instructions {
        assert!(dockerfile.source().get(instruction.span.start..instruction.span.end).is_some());
    }
    assert_eq!(dockerfile.render("Dockerfile").is_empty(), dockerfile.diagnostics.is_empty());
    if dockerfile.is_valid() {
        let again = wharf_dockerfile::parse(&dockerfile.print());
        assert!(again.is_valid() && again == dockerfile, "printed differently");
    }
    let globals = Globals::of(&dockerfile, &Inputs::default());
    let mut scope = globals.stage(&["PATH=/bin".to_owned()]);
    for stage in dockerfile.stages() {
        drop(globals.base(stage.from));
        stage.instructions.iter().for_each(|instruction| drop(scope.step(instruction)));
    }
});
