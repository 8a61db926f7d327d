//! What an image is like: read out of its layers and its config.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use wharf_layer::tree::{File, FileKind};
use wharf_layer::{EntryPath, Limits, Rootfs};
use wharf_oci::descriptor::Descriptor;
use wharf_oci::{ContentErrorKind, Source};

use super::content;
use super::rule::Likeness;
use crate::error::Error;
use crate::lineage::config::ImageConfig;

/// Where programs are looked for when the config names no `PATH`: what runtimes set.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const PASSWD: &str = "etc/passwd";
const DPKG: &str = "var/lib/dpkg/status";
/// Images without dpkg itself list each package in a file of its own here.
const DPKG_EACH: &str = "var/lib/dpkg/status.d";
const APK: [&str; 2] = ["lib/apk/db/installed", "usr/lib/apk/db/installed"];

/// Reads an image. The sentence says why it cannot be read, whoever tries.
pub(super) async fn likeness(
    source: &dyn Source,
    config: &ImageConfig,
    layers: &[Descriptor],
) -> Result<Result<Likeness, String>, Error> {
    let wanted: wharf_layer::rootfs::Wanted = Arc::new(is_wanted);
    let rootfs = match Rootfs::read(source, layers, Limits::default(), &wanted).await {
        Ok(rootfs) => rootfs,
        Err(error) if matches!(error.kind(), ContentErrorKind::Invalid | ContentErrorKind::NotFound) => {
            return Ok(Err(sentence(&error)));
        }
        Err(source) => return Err(Error::Image { source }),
    };
    let size = layers.iter().fold(0_u64, |size, layer| size.saturating_add(layer.size));
    Ok(Ok(of(&rootfs, config, size)))
}

fn is_wanted(path: &EntryPath) -> bool {
    let path = path.as_bytes();
    let is_one = [PASSWD, DPKG].iter().chain(&APK).any(|wanted| wanted.as_bytes() == path);
    is_one || path.strip_prefix(DPKG_EACH.as_bytes()).is_some_and(|rest| rest.starts_with(b"/"))
}

/// An error with its causes, short and without what is no text.
fn sentence(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let text = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    text.chars().take(500).map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn of(rootfs: &Rootfs, config: &ImageConfig, size_bytes: u64) -> Likeness {
    let variables: BTreeMap<String, String> = config
        .environment
        .iter()
        .filter_map(|variable| variable.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut paths = BTreeSet::new();
    rootfs.visit(&mut |path, _| {
        paths.insert(path.to_string());
    });
    let passwd = content_of(rootfs, PASSWD).unwrap_or_default();
    Likeness {
        paths,
        programs: programs(rootfs, variables.get("PATH").map_or(PATH, String::as_str)),
        packages: packages(rootfs),
        users: content::users(passwd),
        runs_as_root: runs_as_root(&config.run_as, passwd),
        volumes: config.volumes.iter().map(|volume| volume.trim_matches('/').to_owned()).collect(),
        variables,
        size_bytes,
        labels: config.labels.clone(),
    }
}

fn content_of<'r>(rootfs: &'r Rootfs, path: &str) -> Option<&'r [u8]> {
    rootfs.content(&path.parse().ok()?)
}

/// The names of what can be run in the folders of `PATH`.
fn programs(rootfs: &Rootfs, path: &str) -> BTreeSet<String> {
    let is_program = |path: &EntryPath| rootfs.find(path).is_some_and(is_executable);
    let folders = path.split(':').filter_map(|folder| folder.trim_matches('/').parse::<EntryPath>().ok());
    let files = folders.flat_map(|folder| rootfs.list(&folder));
    let programs = files.filter(is_program);
    let name = |path: EntryPath| path.components().next_back().map(|name| String::from_utf8_lossy(name).into_owned());
    programs.filter_map(name).collect()
}

fn is_executable(file: &File) -> bool {
    matches!(file.kind, FileKind::Regular { .. }) && file.mode & 0o111 != 0
}

/// The packages that are installed; `None` where no list can be read.
fn packages(rootfs: &Rootfs) -> Option<BTreeSet<String>> {
    let each = DPKG_EACH.parse().map(|folder| rootfs.list(&folder)).unwrap_or_default();
    let is_there = |path: &&str| path.parse().is_ok_and(|path: EntryPath| rootfs.find(&path).is_some());
    let lists: Vec<&str> = [DPKG].into_iter().chain(APK).filter(is_there).collect();
    if lists.is_empty() && each.is_empty() {
        return None;
    }
    let mut names = BTreeSet::new();
    for list in lists {
        // One that is there and was not kept is too large to be believed.
        let bytes = content_of(rootfs, list)?;
        if list == DPKG { content::dpkg(bytes, &mut names) } else { content::apk(bytes, &mut names) }
    }
    for file in each {
        content::dpkg(rootfs.content(&file).unwrap_or_default(), &mut names);
    }
    Some(names)
}

/// Whether a config's user is root. One that nobody knows is taken for it.
fn runs_as_root(run_as: &str, passwd: &[u8]) -> bool {
    let user = run_as.split(':').next().unwrap_or_default();
    match user.parse::<u32>() {
        Ok(number) => number == 0,
        Err(_) if user.is_empty() => true,
        Err(_) => content::user_id(passwd, user).is_none_or(|number| number == 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_whoever_has_its_number_or_none_that_is_known() {
        let passwd = b"root:x:0:0::/:/bin/sh\napp:x:1000:0::/:/bin/sh\ntoor:x:0:0::/:/bin/sh\n";
        for (run_as, is_root) in [
            ("", true),
            ("0", true),
            ("0:1000", true),
            ("root", true),
            ("toor", true),
            ("nobody-knows", true),
            ("1000", false),
            ("app", false),
            ("app:root", false),
        ] {
            assert_eq!(runs_as_root(run_as, passwd), is_root, "{run_as}");
        }
    }
}
