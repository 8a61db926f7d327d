//! What one operation costs inside, as a table.

use crate::durability::Counts;
use crate::figure::digits;

/// What one operation costs inside: Wharf, then Docker's registry.
#[derive(Debug)]
pub(crate) struct Count {
    pub(crate) name: String,
    pub(crate) sides: [Counts; 2],
}

pub(super) fn render(counts: &[Count]) -> String {
    let head = "\n### Inside: for one operation\n\n| | Wharf: syncs | distribution: syncs | Wharf: system calls | distribution: system calls | \
        Wharf: point reads, transactions, commits |\n|---|---|---|---|---|---|";
    let lines = counts.iter().map(|Count { name, sides: [wharf, peer] }| {
        let catalog = wharf.catalog.map(|counts| counts.map(digits).join(", ")).unwrap_or_default();
        let [wharf_syncs, peer_syncs, wharf_calls, peer_calls] =
            [wharf.syncs, peer.syncs, wharf.calls, peer.calls].map(digits);
        format!("| {name} | {wharf_syncs} | {peer_syncs} | {wharf_calls} | {peer_calls} | {catalog} |")
    });
    std::iter::once(head.to_owned()).chain(lines).collect::<Vec<_>>().join("\n")
}
