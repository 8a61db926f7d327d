//! Writing an archive that has the same bytes whenever it is made of the same content: names in order, one owner, one
//! mode, no times.

use std::fs::File;
use std::io::{self, Write};

use tar::{EntryType, Header};
use wharf_oci::Digest;

use super::folder::Folder;
use super::place::Place;
use crate::archive::{BLOCK_BYTES, Block};
use crate::error::Error;

/// Something that an archive gets.
pub(super) enum Member {
    /// A folder.
    Folder,
    /// A document from memory.
    Document(Vec<u8>),
    /// A blob that lies in the folder.
    Blob(Digest),
}

/// Writes an archive with these members, in their order.
pub(super) fn write(
    out: &mut File,
    folder: &Folder,
    members: impl IntoIterator<Item = (String, Member)>,
) -> Result<(), Error> {
    let failed = |source| Error::file("write in", folder.path(), source);
    for (name, member) in members {
        match member {
            Member::Folder => {
                header(&format!("{name}/"), EntryType::Directory, 0).and_then(|block| out.write_all(&block))
            }
            Member::Document(bytes) => put(out, &name, bytes.len() as u64, &mut bytes.as_slice()),
            Member::Blob(digest) => match folder.blob(&digest)? {
                // From file to file: the kernel copies.
                Some(Place::File { file, size, .. }) => put(out, &name, size, &mut &*file),
                Some(Place::Memory(_)) | None => return Err(Error::NoContent { digest }),
            },
        }
        .map_err(failed)?;
    }
    out.write_all(&[0; 2 * BLOCK_BYTES]).map_err(failed)
}

/// A file: its header, its content, and the zeros that fill its last block.
fn put(out: &mut File, name: &str, size: u64, content: &mut impl io::Read) -> io::Result<()> {
    out.write_all(&header(name, EntryType::Regular, size)?)?;
    if io::copy(content, out)? != size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let padding = size.next_multiple_of(BLOCK_BYTES as u64) - size;
    out.write_all(&[0; BLOCK_BYTES][..usize::try_from(padding).unwrap_or_default()])
}

fn header(name: &str, kind: EntryType, size: u64) -> io::Result<Block> {
    // GNU's format: it has sizes beyond 8 GiB without extensions.
    let mut header = Header::new_gnu();
    header.set_path(name)?;
    header.set_entry_type(kind);
    header.set_mode(if kind.is_dir() { 0o755 } else { 0o644 });
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
    Ok(*header.as_bytes())
}
