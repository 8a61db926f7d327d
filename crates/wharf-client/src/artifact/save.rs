//! An artifact's layers as files.
//!
//! A layer's title was chosen by whoever pushed it: it becomes a name in the one folder that was asked for, whatever it
//! looks like, and never a path.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use futures_util::TryStreamExt as _;
use wharf_oci::ports::Verifier;
use wharf_oci::{ContentError, ContentErrorKind, Descriptor, Source};

use super::TITLE;

/// The longest file name that file systems take.
const MAX_NAME_BYTES: usize = 255;

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Where.
    pub path: PathBuf,
    /// What it holds.
    pub descriptor: Descriptor,
}

/// Writes the layers into `folder`, each under the name that its title gives. A file that is there is only replaced when
/// it may be (`replaces`); a file appears when all its bytes were compared.
pub async fn save(
    source: &dyn Source,
    layers: &[Descriptor],
    folder: &Path,
    replaces: bool,
) -> Result<Vec<Saved>, ContentError> {
    let mut names: BTreeMap<String, &Descriptor> = BTreeMap::new();
    for layer in layers {
        let name = name(layer);
        if names.insert(name.clone(), layer).is_some_and(|other| other.digest != layer.digest) {
            return Err(ContentError::new(ContentErrorKind::Invalid, format!("two files would be called `{name}`")));
        }
        let path = folder.join(&name);
        if !replaces && path.symlink_metadata().is_ok() {
            let message = format!("`{}` is there already", path.display());
            return Err(ContentError::new(ContentErrorKind::Conflict, message));
        }
    }
    let mut saved = Vec::new();
    for (name, layer) in names {
        let path = folder.join(name);
        write(source, layer, &path).await?;
        saved.push(Saved { path, descriptor: layer.clone() });
    }
    Ok(saved)
}

async fn write(source: &dyn Source, layer: &Descriptor, path: &Path) -> Result<(), ContentError> {
    let failed = |error: io::Error| {
        ContentError::caused(ContentErrorKind::Internal, format!("cannot write `{}`", path.display()), error)
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    // Who may read it is for the umask to say, as with every file that a program makes.
    let mode = std::fs::Permissions::from_mode(0o666);
    let mut file = tempfile::Builder::new().permissions(mode).tempfile_in(folder).map_err(failed)?;
    let mut verifier = Verifier::new(layer);
    let mut stream = source.blob(layer, 0).await?;
    while let Some(piece) = stream.try_next().await? {
        verifier.update(verifier.position(), &piece)?;
        file = tokio::task::spawn_blocking(move || file.write_all(&piece).map(|()| file))
            .await
            .expect("writing a file does not panic, and nobody stops it")
            .map_err(failed)?;
    }
    verifier.finish()?;
    file.persist(path).map(drop).map_err(|error| failed(error.error))
}

/// A name in a folder: the title, without what a path is made of.
fn name(layer: &Descriptor) -> String {
    let title = layer.annotations.get(TITLE).map(String::as_str).unwrap_or_default();
    let letters = title.trim_start_matches("./").chars();
    let name: String = letters
        .map(|letter| if letter.is_control() || matches!(letter, '/' | '\\' | ':') { '_' } else { letter })
        .collect();
    let is_name = !name.is_empty() && !name.starts_with(['.', '-']) && name.len() <= MAX_NAME_BYTES;
    if is_name { name } else { format!("{}-{}", layer.digest.algorithm(), layer.digest.hex()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wharf_oci::{Algorithm, Digest};

    use super::*;

    fn layer(title: &str) -> Descriptor {
        let mut layer = Descriptor::new("text/plain", Digest::of(Algorithm::Sha256, b"x"), 1);
        layer.annotations.insert(TITLE.to_owned(), title.to_owned());
        layer
    }

    #[test]
    fn a_title_is_a_name_and_never_a_path() {
        let digest = format!("sha256-{}", Digest::of(Algorithm::Sha256, b"x").hex());
        for (title, expected) in [
            ("report.json", "report.json"),
            ("./report.json", "report.json"),
            ("a b", "a b"),
            ("dir/report.json", "dir_report.json"),
            ("/etc/passwd", "_etc_passwd"),
            (r"C:\x", "C__x"),
            ("a\nb", "a_b"),
            ("../../x", &digest),
            ("..", &digest),
            (".bashrc", &digest),
            ("-rf", &digest),
            ("", &digest),
            (&"a".repeat(300), &digest),
        ] {
            assert_eq!(name(&layer(title)), expected, "{title}");
        }
    }

    proptest! {
        #[test]
        fn no_title_leaves_the_folder(title in ".{0,40}") {
            let path = Path::new("/folder").join(name(&layer(&title)));
            prop_assert_eq!(path.parent(), Some(Path::new("/folder")));
            prop_assert!(path.components().count() == 3, "{}", path.display());
        }
    }
}
