//! `wharf lineage`: what an image stands on, what stands on it, and what must be rebuilt.

use std::fmt::Write as _;

use clap::Args;
use indicatif::HumanBytes;
use serde_json::Value;

use super::client::image::Image;
use super::client::output::Column;
use super::client::{Client, Connection, Error};

const STANDING: [Column; 5] = [
    ("IMAGE", "name", "-"),
    ("PLATFORM", "platform", "-"),
    ("DISTANCE", "distance", "-"),
    ("KIND", "kind", "-"),
    ("DIGEST", "digest", "-"),
];

const OUTDATED: [Column; 4] =
    [("IMAGE", "name", "-"), ("PLATFORM", "platform", "-"), ("OUTDATED BASE", "base", "-"), ("NEWER", "newer", "-")];

/// `wharf lineage`.
#[derive(Debug, Args)]
#[command(
    after_help = "Bases are found by the layers' bytes. An image is told what it stands on a moment after its push."
)]
pub(crate) struct Lineage {
    #[command(flatten)]
    connection: Connection,
    /// `PROJECT/REPOSITORY[:TAG]` or `…@DIGEST`; with --outdated also a project.
    #[arg(value_name = "IMAGE")]
    image: String,
    /// What it stands on, the nearest first. Without any of these options.
    #[arg(long, conflicts_with_all = ["down", "outdated"])]
    up: bool,
    /// What stands on it.
    #[arg(long, conflicts_with = "outdated")]
    down: bool,
    /// Only what stands on it in this environment, such as `p`; implies --down.
    #[arg(long, value_name = "NAME", conflicts_with = "outdated")]
    environment: Option<String>,
    /// Only bases that are outdated; of a project: what must be rebuilt. Exit code 10 if there are any.
    #[arg(long)]
    outdated: bool,
}

impl Lineage {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        if self.outdated && !self.image.contains('/') {
            return outdated_of_project(&client, &self.image);
        }
        let image = Image::parse(&client, &self.image)?;
        if self.down || self.environment.is_some() {
            return standing(&client, &image, self.environment.as_deref());
        }
        let lineage = client.page(&["projects", &image.project, "lineage"], &image.query(), None)?;
        let sentences = sentences(&image, &lineage, self.outdated);
        client.output.told(&lineage, &sentences)?;
        let count = images(&lineage).flat_map(|image| outdated(&image["bases"])).count();
        if self.outdated && count > 0 { Err(Error::Outdated { count }) } else { Ok(()) }
    }
}

fn images(lineage: &Value) -> impl Iterator<Item = &Value> {
    lineage["images"].as_array().into_iter().flatten()
}

fn outdated(bases: &Value) -> impl Iterator<Item = &Value> {
    bases.as_array().into_iter().flatten().filter(|base| base["is_outdated"] == true)
}

fn sentences(image: &Image, lineage: &Value, only_outdated: bool) -> String {
    let mut text = String::new();
    if images(lineage).next().is_none() {
        return format!("{}: its layers have not been read yet, or it is no image", image.name);
    }
    for one in images(lineage) {
        let head = &one["image"];
        let size = HumanBytes(head["size_bytes"].as_u64().unwrap_or(0));
        let (platform, layers, depth) = (word(&head["platform"]), &head["layers"], &one["depth"]);
        line(&mut text, &format!("{}  {platform}  {layers} layers  {size}  depth {depth}", image.name));
        warn(&mut text, head);
        for base in one["bases"].as_array().into_iter().flatten() {
            if !only_outdated || base["is_outdated"] == true {
                line(&mut text, &format!("  {}", describe(base)));
            }
        }
        if let Some(name) = one["named_base"]["name"].as_str().or(one["named_base"]["digest"].as_str()) {
            line(&mut text, &format!("  it names the base {name}, which is not here"));
        }
        for (environment, reasons) in one["refused"].as_object().into_iter().flatten() {
            let reasons = reasons.as_array().into_iter().flatten().map(word).collect::<Vec<_>>().join("; ");
            line(&mut text, &format!("  not for {environment}: {reasons}"));
        }
        if !only_outdated {
            line(&mut text, &format!("  on it: {}", counts(one)));
        }
    }
    text
}

fn warn(text: &mut String, image: &Value) {
    if let Some(problem) = image["problem"].as_str() {
        line(text, &format!("  problem: {problem}"));
    }
    if image["claim"] == "wrong" {
        line(text, "  its config does not say the truth about its layers");
    }
}

/// One base in a line: how far down, what it is called, how that is known, what took its place.
fn describe(base: &Value) -> String {
    let (distance, by) = (&base["distance"], word(&base["by"]));
    let mut text = format!("{distance}  {}  by {by}", name_of(base));
    if let Some(kind) = kind_of(base) {
        let _ignored = write!(text, "  {kind}");
    }
    if base["is_outdated"] == true {
        let newer = newer_of(base);
        let newer = if newer.is_empty() { "something that you may not see".to_owned() } else { newer };
        let _ignored = write!(text, "  OUTDATED by {newer}");
    }
    text
}

/// What an image is called: its first name that may be seen, and how many more there are.
fn name_of(entry: &Value) -> String {
    let places = entry["places"].as_array().map_or(&[][..], Vec::as_slice);
    let hidden = entry["hidden_places"].as_u64().unwrap_or(0);
    let Some(first) = places.first() else { return "something that you may not see".to_owned() };
    let name = match first["tags"][0].as_str() {
        Some(tag) => format!("{}:{tag}", word(&first["repository"])),
        None => format!("{}@{}", word(&first["repository"]), word(&entry["image"]["digest"])),
    };
    let more = places.len() as u64 - 1 + hidden;
    if more > 0 { format!("{name} (and {more} more)") } else { name }
}

fn kind_of(entry: &Value) -> Option<&str> {
    entry["places"].as_array()?.iter().find_map(|place| place["kind"].as_str())
}

fn newer_of(base: &Value) -> String {
    let newer = base["newer"].as_array().into_iter().flatten();
    let names = newer.map(|newer| format!("{}:{}", word(&newer["repository"]), word(&newer["tag"])));
    names.collect::<Vec<_>>().join(", ")
}

fn counts(image: &Value) -> String {
    let counts = image["standing"].as_object().into_iter().flatten();
    let mut named: Vec<String> = counts
        .map(|(environment, count)| {
            let environment = if environment.is_empty() { "development" } else { environment };
            format!("{count} in {environment}")
        })
        .collect();
    if image["standing_is_cut"] == true {
        named.push("and more".to_owned());
    }
    if named.is_empty() { "nothing".to_owned() } else { named.join(", ") }
}

fn word(value: &Value) -> &str {
    value.as_str().filter(|text| !text.is_empty()).unwrap_or("-")
}

fn line(text: &mut String, sentence: &str) {
    text.push_str(sentence);
    text.push('\n');
}

fn standing(client: &Client, image: &Image, environment: Option<&str>) -> Result<(), Error> {
    let mut query = image.query();
    query.extend(environment.map(|environment| ("environment", environment)));
    client.stream_as(&["projects", &image.project, "lineage", "standing"], &query, &STANDING, |entry| {
        let (name, kind) = (Value::from(name_of(&entry)), kind_of(&entry).map(str::to_owned).into());
        let image = entry["image"].clone();
        with(
            entry,
            [
                ("name", name),
                ("kind", kind),
                ("platform", image["platform"].clone()),
                ("digest", image["digest"].clone()),
            ],
        )
    })
}

fn outdated_of_project(client: &Client, project: &str) -> Result<(), Error> {
    let mut count = 0;
    client.stream_as(&["projects", project, "lineage", "outdated"], &[], &OUTDATED, |entry| {
        count += 1;
        let bases = || entry["bases"].as_array().into_iter().flatten();
        let base = bases().map(name_of).collect::<Vec<_>>().join(", ");
        let newer = bases().map(newer_of).filter(|newer| !newer.is_empty()).collect::<Vec<_>>().join(", ");
        let name = format!("{}:{}", word(&entry["repository"]), word(&entry["tag"]));
        let platform = entry["image"]["platform"].clone();
        with(entry, [("name", name.into()), ("base", base.into()), ("newer", newer.into()), ("platform", platform)])
    })?;
    if count > 0 { Err(Error::Outdated { count }) } else { Ok(()) }
}

/// An entry with what its line shows beside it.
fn with<const N: usize>(mut entry: Value, shown: [(&str, Value); N]) -> Value {
    for (name, value) in shown {
        entry[name] = value;
    }
    entry
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_base_is_told_in_a_line() {
        let base = json!({ "distance": 1, "by": "layers", "is_outdated": true, "hidden_places": 1,
            "image": { "digest": "sha256:a" },
            "places": [{ "repository": "base/java", "tags": ["21"], "kind": "runtime" }],
            "newer": [{ "repository": "base/java", "tag": "22", "digest": "sha256:b" }] });
        assert_eq!(describe(&base), "1  base/java:21 (and 1 more)  by layers  runtime  OUTDATED by base/java:22");
        let hidden =
            json!({ "distance": 2, "by": "both", "places": [], "hidden_places": 3, "is_outdated": true, "newer": [] });
        let told = describe(&hidden);
        assert_eq!(told, "2  something that you may not see  by both  OUTDATED by something that you may not see");
    }

    #[test]
    fn what_stands_on_it_is_counted_by_environment() {
        let image = json!({ "standing": { "": 3, "p": 1 }, "standing_is_cut": false });
        assert_eq!(counts(&image), "3 in development, 1 in p");
        assert_eq!(counts(&json!({ "standing": {}, "standing_is_cut": false })), "nothing");
    }
}
