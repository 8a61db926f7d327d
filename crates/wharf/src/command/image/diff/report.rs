//! The report: a document for scripts, sentences for people.

use indicatif::HumanBytes;
use serde_json::{Value, json};
use wharf_layer::{Difference, File, FileKind};
use wharf_oci::Descriptor;

use super::Picked;
use super::config::{self, Setting};

/// What was found.
pub(super) struct Report<'r> {
    pub(super) before: &'r Picked,
    pub(super) after: &'r Picked,
    pub(super) files: &'r [Difference],
}

/// What a line begins with.
const ADDED: char = '+';
const REMOVED: char = '-';
const CHANGED: char = '~';
const SHARED: char = '=';

impl Report<'_> {
    pub(super) fn document(&self) -> Value {
        let image = |picked: &Picked| {
            json!({
                "name": picked.from.source.describe(),
                "digest": picked.manifest.digest.to_string(),
                "os": picked.config["os"],
                "architecture": picked.config["architecture"],
            })
        };
        let settings = config::differences(&self.before.config, &self.after.config);
        json!({
            "before": image(self.before),
            "after": image(self.after),
            "config": settings.iter().map(|setting| {
                json!({ "name": setting.name, "before": setting.before, "after": setting.after })
            }).collect::<Vec<_>>(),
            "layers": self.layers().map(|(sign, layer)| {
                json!({ "in": place(sign), "digest": layer.digest.to_string(), "size_bytes": layer.size })
            }).collect::<Vec<_>>(),
            "files": self.files.iter().map(entry).collect::<Vec<_>>(),
        })
    }

    pub(super) fn sentences(&self) -> String {
        let settings = config::differences(&self.before.config, &self.after.config);
        let mut text = String::new();
        section(&mut text, "config", settings.iter().map(setting_line));
        let layer = |(sign, layer): (char, &Descriptor)| {
            format!("{sign} {}  {:>10}", layer.digest, HumanBytes(layer.size).to_string())
        };
        section(&mut text, "layers", self.layers().map(layer));
        section(&mut text, "files", self.files.iter().map(file_line));
        text + &self.totals()
    }

    /// Layers that both have, that only the first, and that only the second has; each in its own order.
    fn layers(&self) -> impl Iterator<Item = (char, &Descriptor)> {
        let (before, after) = (&self.before.layers, &self.after.layers);
        let has = |layers: &[Descriptor], layer: &Descriptor| layers.iter().any(|other| other.digest == layer.digest);
        let sign = move |layer| if has(after, layer) { (SHARED, layer) } else { (REMOVED, layer) };
        let added = after.iter().filter(move |layer| !has(before, layer));
        before.iter().map(sign).chain(added.map(|layer| (ADDED, layer)))
    }

    fn totals(&self) -> String {
        let total = |wanted: char, count: &str| {
            let of_sign = self.files.iter().filter(|difference| sign(difference) == wanted);
            let files = of_sign.map(|difference| difference.after.as_deref().or(difference.before.as_deref()));
            let sizes: Vec<u64> = files.flatten().map(size).collect();
            format!("{} {count} ({})", sizes.len(), HumanBytes(sizes.iter().sum()))
        };
        let parts = [total(ADDED, "added"), total(REMOVED, "removed"), total(CHANGED, "changed")];
        format!("files: {}\n", parts.join(", "))
    }
}

fn section(text: &mut String, head: &str, lines: impl Iterator<Item = String>) {
    let lines: String = lines.map(|line| format!("  {line}\n")).collect();
    if !lines.is_empty() {
        *text += &format!("{head}\n{lines}");
    }
}

fn place(sign: char) -> &'static str {
    match sign {
        SHARED => "both",
        REMOVED => "before",
        _ => "after",
    }
}

fn setting_line(setting: &Setting) -> String {
    match (&setting.before, &setting.after) {
        (Some(before), Some(after)) => format!("{CHANGED} {}: {before} → {after}", setting.name),
        (Some(before), None) => format!("{REMOVED} {}: {before}", setting.name),
        (None, after) => format!("{ADDED} {}: {}", setting.name, after.as_ref().unwrap_or(&Value::Null)),
    }
}

fn sign(difference: &Difference) -> char {
    match (&difference.before, &difference.after) {
        (Some(_), Some(_)) => CHANGED,
        (Some(_), None) => REMOVED,
        (None, _) => ADDED,
    }
}

fn file_line(difference: &Difference) -> String {
    let what = match (&difference.before, &difference.after) {
        (Some(before), Some(after)) => changes(before, after).join(", "),
        (Some(file), None) | (None, Some(file)) => facts(file),
        (None, None) => String::new(),
    };
    // The root has no name.
    format!("{} /{}  {what}", sign(difference), difference.path)
}

/// A file in a few words.
fn facts(file: &File) -> String {
    match &file.kind {
        FileKind::Regular { size_bytes, .. } => HumanBytes(*size_bytes).to_string(),
        FileKind::Symlink { target } => format!("→ {}", String::from_utf8_lossy(target)),
        FileKind::CharacterDevice { device } | FileKind::BlockDevice { device } => {
            format!("{} {},{}", kind(file), device.major, device.minor)
        }
        FileKind::Directory | FileKind::Fifo => kind(file).to_owned(),
    }
}

/// What has changed, each with before and after.
fn changes(before: &File, after: &File) -> Vec<String> {
    let mut changes = Vec::new();
    let mut note = |name: &str, before: String, after: String| {
        if before != after {
            changes.push(format!("{name} {before} → {after}"));
        }
    };
    note("type", kind(before).to_owned(), kind(after).to_owned());
    note("mode", mode(before), mode(after));
    note("owner", owner(before), owner(after));
    if kind(before) == kind(after) {
        note("content", facts(before), facts(after));
    }
    let is_hidden = before.kind != after.kind && facts(before) == facts(after);
    changes.extend(is_hidden.then(|| "content, of the same size".to_owned()));
    changes.extend((before.xattrs != after.xattrs).then(|| "extended attributes".to_owned()));
    changes
}

fn entry(difference: &Difference) -> Value {
    json!({
        "path": format!("/{}", difference.path),
        "change": match sign(difference) { ADDED => "added", REMOVED => "removed", _ => "changed" },
        "before": difference.before.as_deref().map(document),
        "after": difference.after.as_deref().map(document),
    })
}

fn document(file: &File) -> Value {
    let (target, device) = match &file.kind {
        FileKind::Symlink { target } => (Some(String::from_utf8_lossy(target).into_owned()), None),
        FileKind::CharacterDevice { device } | FileKind::BlockDevice { device } => {
            (None, Some(format!("{},{}", device.major, device.minor)))
        }
        FileKind::Regular { .. } | FileKind::Directory | FileKind::Fifo => (None, None),
    };
    let xattrs = file.xattrs.keys().map(|name| String::from_utf8_lossy(name).into_owned());
    let mut document = json!({
        "type": kind(file), "mode": mode(file), "uid": file.uid, "gid": file.gid,
        "xattrs": xattrs.collect::<Vec<_>>(), "target": target, "device": device,
        "size_bytes": content(file).map(|_| size(file)), "content": content(file),
    });
    if let Some(members) = document.as_object_mut() {
        members.retain(|_, value| !value.is_null() && !value.as_array().is_some_and(Vec::is_empty));
    }
    document
}

fn kind(file: &File) -> &'static str {
    match file.kind {
        FileKind::Regular { .. } => "file",
        FileKind::Symlink { .. } => "symlink",
        FileKind::Directory => "folder",
        FileKind::CharacterDevice { .. } => "character device",
        FileKind::BlockDevice { .. } => "block device",
        FileKind::Fifo => "fifo",
    }
}

fn mode(file: &File) -> String {
    format!("{:04o}", file.mode)
}

fn owner(file: &File) -> String {
    format!("{}:{}", file.uid, file.gid)
}

fn size(file: &File) -> u64 {
    match file.kind {
        FileKind::Regular { size_bytes, .. } => size_bytes,
        FileKind::Symlink { .. }
        | FileKind::Directory
        | FileKind::CharacterDevice { .. }
        | FileKind::BlockDevice { .. }
        | FileKind::Fifo => 0,
    }
}

fn content(file: &File) -> Option<String> {
    match file.kind {
        FileKind::Regular { content, .. } => Some(content.to_string()),
        FileKind::Symlink { .. }
        | FileKind::Directory
        | FileKind::CharacterDevice { .. }
        | FileKind::BlockDevice { .. }
        | FileKind::Fifo => None,
    }
}
