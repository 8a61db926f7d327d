//! Whole logs pass; one changed, missing, added or moved line is found.

use proptest::prelude::*;
use wharf_db::audit::ChainHash;

use super::*;
use crate::audit::checkpoint;
use crate::key::jws::SigningKey;

/// What stands in an export behind its head.
#[derive(Debug, Clone, PartialEq)]
enum Line {
    Row(Box<AuditRecord>),
    Checkpoint(String),
}

fn key() -> SigningKey {
    SigningKey::from_pkcs8(&SigningKey::generate().expect("random")).expect("reads")
}

fn record(number: i64) -> AuditRecord {
    AuditRecord {
        id: 1000 - number,
        at: Timestamp(1_700_000_000_000_000 + number),
        request_id: format!("{number:032x}"),
        caller_kind: "user".to_owned(),
        caller_id: Some(number % 3),
        caller_name: "alice".to_owned(),
        remote: (number % 2 == 0).then(|| "192.0.2.1".to_owned()),
        action: "tag.delete".to_owned(),
        resource: "pay/app:1".to_owned(),
        outcome: "succeeded".to_owned(),
        details: "{}".to_owned(),
        link: None,
    }
}

/// An export of `rows` rows with a checkpoint behind every fourth and the last.
fn export(key: &SigningKey, rows: i64) -> Vec<Line> {
    let (mut lines, mut end) = (Vec::new(), Link::ORIGIN);
    for number in 1..=rows {
        let row = record(number);
        end = end.next(&row);
        lines.push(Line::Row(Box::new(AuditRecord { link: Some(end), ..row })));
        if number % 4 == 0 || number == rows {
            let (checkpoint, _) = checkpoint::sign(key, end, Timestamp(number)).expect("signed");
            lines.push(Line::Checkpoint(checkpoint.document));
        }
    }
    lines
}

fn verify(key: &SigningKey, lines: &[Line], last: i64) -> Result<Proof, Fault> {
    let keys = CheckpointKeys::new([key.public_key().to_vec()]);
    let mut verifier = ChainVerifier::new(Link::ORIGIN, keys, Others::Refused);
    for line in lines {
        match line {
            Line::Row(row) => verifier.row(row)?,
            Line::Checkpoint(document) => verifier.checkpoint(document)?,
        }
    }
    let (proof, end) = verifier.finish(last);
    end.map(|()| proof)
}

/// Another row in its place, with all hashes behind it computed anew, as someone would who can write into the table.
fn forge(lines: &mut [Line], at: usize) {
    let mut end = Link::ORIGIN;
    for (index, line) in lines.iter_mut().enumerate() {
        let Line::Row(row) = line else { continue };
        if index == at {
            row.caller_name = "mallory".to_owned();
        }
        end = end.next(row);
        row.link = Some(end);
    }
}

#[test]
fn what_was_left_as_it_was_is_proven_to_its_end() {
    let key = key();
    let proof = verify(&key, &export(&key, 10), 10).expect("whole");
    assert_eq!((proof.rows, proof.checkpoints, proof.proven_to), (10, 3, Some(10)));
    assert_eq!(proof.signed_at, Some(Timestamp(10)));
    assert_eq!(verify(&key, &[], 0).expect("empty").proven_to, None);
}

#[test]
fn an_end_that_is_missing_is_told_with_what_is_proven() {
    let key = key();
    let lines = export(&key, 10);
    // Rows 1 to 8 with their checkpoints, and one row that nobody has signed.
    assert_eq!(verify(&key, &lines[..11], 10), Err(Fault::Truncated { wanted: 10, found: 9 }));
    assert_eq!(verify(&key, &lines[..11], 9), Err(Fault::NoEnd { rows: 1 }));
    assert_eq!(verify(&key, &lines[..10], 10), Err(Fault::Truncated { wanted: 10, found: 8 }));
}

#[test]
fn a_chain_that_was_computed_anew_contradicts_its_checkpoint() {
    let key = key();
    let mut lines = export(&key, 10);
    forge(&mut lines, 0);
    assert_eq!(verify(&key, &lines, 10), Err(Fault::Contradicted { sequence: 4 }));
}

#[test]
fn a_checkpoint_of_another_key_is_no_proof() {
    let (ours, theirs) = (key(), key());
    let lines = export(&theirs, 4);
    assert_eq!(verify(&ours, &lines, 4), Err(Fault::Unsigned { after: 4 }));
    let keys = CheckpointKeys::new([ours.public_key().to_vec()]);
    let mut verifier = ChainVerifier::new(Link::ORIGIN, keys, Others::PassedOver);
    for line in &lines {
        match line {
            Line::Row(row) => verifier.row(row).expect("in the chain"),
            Line::Checkpoint(document) => verifier.checkpoint(document).expect("passed over"),
        }
    }
    assert_eq!(verifier.finish(4).1, Err(Fault::NoEnd { rows: 4 }));
}

fn change(row: &mut AuditRecord, field: usize) {
    match field {
        0 => row.at.0 += 1,
        1 => row.request_id.push('0'),
        2 => row.caller_kind = "robot".to_owned(),
        3 => row.caller_id = None,
        4 => row.caller_name = "bob".to_owned(),
        5 => row.remote = Some("192.0.2.9".to_owned()),
        6 => row.action = "tag.put".to_owned(),
        7 => row.resource.push('1'),
        8 => row.outcome = "denied".to_owned(),
        9 => row.details = r#"{"a":1}"#.to_owned(),
        _ => {
            let link = row.link.expect("sealed");
            let mut bytes = link.hash.0;
            bytes[field] ^= 1;
            row.link = Some(Link { hash: ChainHash(bytes), ..link });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_single_change_deletion_swap_or_addition_is_found(
        rows in 2..24_i64,
        at in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        field in 0..20_usize,
    ) {
        let key = key();
        let whole = export(&key, rows);
        prop_assert!(verify(&key, &whole, rows).is_ok());
        let at = at.index(whole.len());

        let mut removed = whole.clone();
        removed.remove(at);
        let is_row = matches!(whole[at], Line::Row(_));
        // A checkpoint in the middle proves nothing that the last one does not prove as well.
        prop_assert_eq!(verify(&key, &removed, rows).is_err(), is_row || at == whole.len() - 1);

        let mut swapped = whole.clone();
        swapped.swap(at, other.index(whole.len()));
        prop_assert_eq!(verify(&key, &swapped, rows).is_err(), swapped != whole);

        let mut added = whole.clone();
        added.insert(at, Line::Row(Box::new(record(99))));
        prop_assert!(verify(&key, &added, rows).is_err());
        let mut twice = whole.clone();
        twice.insert(at, whole[at].clone());
        prop_assert_eq!(verify(&key, &twice, rows).is_err(), is_row);

        let mut changed = whole.clone();
        if let Line::Row(row) = &mut changed[at] {
            change(row, field);
            prop_assert!(verify(&key, &changed, rows).is_err());
        }

        let mut forged = whole.clone();
        forge(&mut forged, at);
        prop_assert_eq!(verify(&key, &forged, rows).is_err(), is_row);
    }
}
