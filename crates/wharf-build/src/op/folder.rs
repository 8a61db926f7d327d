//! WORKDIR: a folder, with all on the way, that belongs to the user of the moment.

use std::io::Read as _;

use serde_json::{Value, json};
use wharf_images::{Clamp, Metadata, Root, Snapshot, root};
use wharf_oci::Digest;
use wharf_oci::ports::BoxFuture;

use super::{Inputs, Op, blocking};
use crate::error::Error;

/// How much of `/etc/passwd` and `/etc/group` is read.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// WORKDIR.
#[derive(Debug)]
pub(crate) struct Folder {
    /// Absolute.
    pub(crate) path: String,
    /// `user[:group]`; root where it is empty.
    pub(crate) user: String,
}

impl Op for Folder {
    fn definition(&self) -> Value {
        json!({ "folder": self.path, "user": self.user })
    }

    fn content<'a>(&'a self, _: &'a Inputs) -> BoxFuture<'a, Result<Vec<(String, Digest)>, Error>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn execute<'a>(&'a self, input: &'a Inputs) -> BoxFuture<'a, Result<Snapshot, Error>> {
        Box::pin(async move {
            let (draft, mtime) = (input.images.draft(&input.parent)?, input.instant.mtime());
            let (path, user) = (self.path.clone(), self.user.clone());
            let draft = blocking(move || {
                let target = draft.root()?;
                let (uid, gid) = if user.is_empty() { (0, 0) } else { owner(&user, &target)? };
                let metadata = Metadata { mode: 0o755, uid, gid, mtime, xattrs: Default::default() };
                target
                    .make_folder(path.as_bytes(), &mut |parent, name| root::describe(parent, name, &metadata))
                    .map_err(|source| Error::file("make the folder", path.clone(), source))?;
                drop(target);
                Ok(draft)
            })
            .await?;
            Ok(input.images.commit(draft, Some(Clamp(mtime))).await?)
        })
    }
}

/// Who `user[:group]` is in this file system. A user's number alone is its group's number, too.
pub(crate) fn owner(text: &str, tree: &Root) -> Result<(u32, u32), Error> {
    let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
    let unknown = |what: &str, name: &str, file: &str| {
        Error::Invalid(format!("unable to find {what} `{name}` in the image's {file}"))
    };
    let (uid, own_group) = match user.parse::<u32>() {
        Ok(uid) => (uid, uid),
        Err(_) => {
            let numbers = lookup(tree, "etc/passwd", user).map(|fields| {
                let number = |at: usize| fields.get(at).and_then(|field| field.parse().ok());
                number(2).zip(number(3))
            });
            numbers.flatten().ok_or_else(|| unknown("user", user, "/etc/passwd"))?
        }
    };
    let gid = match group {
        None => own_group,
        Some(group) => match group.parse::<u32>() {
            Ok(gid) => gid,
            Err(_) => lookup(tree, "etc/group", group)
                .and_then(|fields| fields.get(2).and_then(|field| field.parse().ok()))
                .ok_or_else(|| unknown("group", group, "/etc/group"))?,
        },
    };
    Ok((uid, gid))
}

/// The fields of the line that begins with `name`.
fn lookup(tree: &Root, path: &str, name: &str) -> Option<Vec<String>> {
    let mut text = String::new();
    tree.file(path.as_bytes()).ok()?.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    let fields = |line: &str| line.split(':').map(str::to_owned).collect::<Vec<_>>();
    text.lines().map(fields).find(|fields| fields.first().is_some_and(|first| first == name))
}
