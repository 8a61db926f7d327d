//! Writing an archive that has the same bytes whenever it is made of the same content: names in order, one owner, one
//! mode, no times.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use tar::{EntryType, Header};

/// Something that an archive gets.
pub(super) enum Member {
    /// A folder.
    Folder,
    /// A document from memory.
    Document(Vec<u8>),
    /// A file's whole content.
    File(Arc<File>),
}

/// Writes an archive with these members, in their order.
pub(super) fn write(out: &mut File, members: impl IntoIterator<Item = (String, Member)>) -> io::Result<()> {
    for (name, member) in members {
        match member {
            Member::Folder => out.write_all(&header(&format!("{name}/"), EntryType::Directory, 0)?)?,
            Member::Document(bytes) => {
                out.write_all(&header(&name, EntryType::Regular, bytes.len() as u64)?)?;
                out.write_all(&bytes)?;
                pad(out, bytes.len() as u64)?;
            }
            Member::File(file) => {
                let size = file.metadata()?.len();
                out.write_all(&header(&name, EntryType::Regular, size)?)?;
                let copied = io::copy(&mut &*file, out)?;
                if copied != size {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                pad(out, size)?;
            }
        }
    }
    out.write_all(&[0; 1024])
}

fn header(name: &str, kind: EntryType, size: u64) -> io::Result<[u8; 512]> {
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

fn pad(out: &mut File, size: u64) -> io::Result<()> {
    let count = size.next_multiple_of(512) - size;
    out.write_all(&[0; 512][..usize::try_from(count).unwrap_or_default()])
}
