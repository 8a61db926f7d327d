//! Listing what is stored, folder after folder of the fan-out, so that a page costs what it shows. Everything here blocks.

use super::layout::{Folder, Layout};
use crate::error::Error;
use crate::key::StorageKey;
use crate::store::Stored;

/// Up to `limit` blobs after `after`, in the order of (folder, key).
pub(super) fn page(layout: &Layout, after: Option<StorageKey>, limit: usize) -> Result<Vec<Stored>, Error> {
    let [first_upper, first_lower] = after.map_or([0, 0], StorageKey::fan_out);
    let mut page = Vec::new();
    for upper in folders(layout, Folder::Blobs, first_upper)? {
        let from = if upper == first_upper { first_lower } else { 0 };
        for lower in folders(layout, Folder::Upper(upper), from)? {
            let is_begun = after.is_some_and(|after| after.fan_out() == [upper, lower]);
            add_folder(layout, [upper, lower], after.filter(|_| is_begun), &mut page)?;
            if page.len() >= limit {
                page.truncate(limit);
                return Ok(page);
            }
        }
    }
    Ok(page)
}

/// The numbers of a folder's own folders, from `from` on.
fn folders(layout: &Layout, folder: Folder, from: u8) -> Result<Vec<u8>, Error> {
    let names = layout.list_folder(folder)?;
    Ok((from..=u8::MAX).filter(|number| names.contains(&format!("{number:02x}"))).collect())
}

fn add_folder(
    layout: &Layout,
    fan_out: [u8; 2],
    after: Option<StorageKey>,
    page: &mut Vec<Stored>,
) -> Result<(), Error> {
    let names = layout.list_folder(Folder::Lower(fan_out))?;
    let mut keys: Vec<StorageKey> = names.iter().filter_map(|name| name.parse().ok()).collect();
    keys.retain(|key| key.fan_out() == fan_out && after.is_none_or(|after| *key > after));
    keys.sort_unstable();
    for key in keys {
        // One that was deleted since the folder was read is not there.
        if let Some((size_bytes, age)) = layout.blob_facts(key)? {
            page.push(Stored { key, size_bytes, age });
        }
    }
    Ok(())
}
