//! Any bytes as strict JSON: never a panic, never looser than the plain parser, and strict when written again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use wharf_oci::json::parse_strict;

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = parse_strict(bytes) else { return };
    let plain: Value = serde_json::from_slice(bytes).expect("what the strict parser takes, every parser takes");
    assert_eq!(plain, value);
    let again = parse_strict(value.to_string().as_bytes()).expect("what was written is strict");
    assert!(again == value || has_float(&value), "only floats may lose digits");
});

fn has_float(value: &Value) -> bool {
    match value {
        Value::Array(elements) => elements.iter().any(has_float),
        Value::Object(members) => members.values().any(has_float),
        Value::Number(number) => number.is_f64(),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}
