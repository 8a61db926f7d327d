//! `wharf project quota`: what a project may use, and what it uses.

use std::str::FromStr;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::command::client::output::Column;
use crate::command::client::{Client, Error};
use crate::config::size::Size;

const LINES: [Column; 7] = [
    ("bytes", "bytes", "-"),
    ("  refused above", "hard_bytes", "no limit"),
    ("  warned above", "warn_bytes", "no limit"),
    ("manifests", "manifests", "-"),
    ("  refused above", "hard_manifests", "no limit"),
    ("  warned above", "warn_manifests", "no limit"),
    ("counted", "is_counted", "-"),
];

#[derive(Debug, Subcommand)]
pub(super) enum Quota {
    /// Show what a project may use and what it uses.
    Get { project: String },
    /// Set limits; those that are not named stay as they are. Administrators only.
    Set {
        project: String,
        #[command(flatten)]
        limits: Limits,
    },
    /// Count anew what a project uses, and repair the figures. Administrators only.
    Recount { project: String },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(super) struct Limits {
    /// How many bytes the project may hold: `10GB`, or `none`.
    #[arg(long, value_name = "SIZE")]
    bytes: Option<Bound<Size>>,
    /// Above how many bytes people are told: `8GB`, or `none`.
    #[arg(long, value_name = "SIZE")]
    warn_bytes: Option<Bound<Size>>,
    /// How many manifests the project may hold: a number, or `none`.
    #[arg(long, value_name = "NUMBER")]
    manifests: Option<Bound<u64>>,
    /// Above how many manifests people are told: a number, or `none`.
    #[arg(long, value_name = "NUMBER")]
    warn_manifests: Option<Bound<u64>>,
}

/// A limit as it is typed.
#[derive(Debug, Clone, Copy)]
enum Bound<T> {
    None,
    At(T),
}

impl<T: FromStr> FromStr for Bound<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        if text == "none" { Ok(Self::None) } else { text.parse().map(Self::At) }
    }
}

impl<T> Bound<T> {
    fn document(self, number: impl FnOnce(T) -> u64) -> Value {
        match self {
            Self::None => Value::Null,
            Self::At(limit) => number(limit).into(),
        }
    }
}

impl Quota {
    pub(super) fn run(self, client: &Client) -> Result<(), Error> {
        match self {
            Self::Get { project } => show(client, &client.get(&["projects", &project, "quota"])?),
            Self::Set { project, limits } => {
                let place = ["projects", &project, "quota"];
                let quota = client.put(&place, &limits.over(&client.get(&place)?))?;
                show(client, &quota)
            }
            Self::Recount { project } => {
                let count = client.post(&["projects", &project, "quota", "recount"], &Value::Null)?;
                if client.output.is_json() {
                    return client.output.one(&count, &[]);
                }
                let off = |what: &str| count[what].as_i64().unwrap_or_default();
                client.output.remark(&format!(
                    "the figures were off by {} bytes and {} manifests",
                    off("bytes_off"),
                    off("manifests_off")
                ));
                show(client, &count["quota"])
            }
        }
    }
}

impl Limits {
    /// The limits as they are, with those that were named instead.
    fn over(self, quota: &Value) -> Value {
        let now = |resource: &str, limit: &str| quota[resource][limit].clone();
        let size = |bound: Option<Bound<Size>>, now: Value| bound.map_or(now, |bound| bound.document(|size| size.0));
        let number = |bound: Option<Bound<u64>>, now: Value| bound.map_or(now, |bound| bound.document(|number| number));
        json!({
            "bytes": {
                "hard": size(self.bytes, now("bytes", "hard")),
                "warn": size(self.warn_bytes, now("bytes", "warn")),
            },
            "manifests": {
                "hard": number(self.manifests, now("manifests", "hard")),
                "warn": number(self.warn_manifests, now("manifests", "warn")),
            },
        })
    }
}

fn show(client: &Client, quota: &Value) -> Result<(), Error> {
    if client.output.is_json() {
        return client.output.one(quota, &[]);
    }
    let size = |limit: &str| quota["bytes"][limit].as_u64().map(|bytes| Size(bytes).to_string());
    let flat = json!({
        "bytes": brief(quota["bytes"]["used"].as_u64()),
        "hard_bytes": size("hard"),
        "warn_bytes": size("warn"),
        "manifests": quota["manifests"]["used"],
        "hard_manifests": quota["manifests"]["hard"],
        "warn_manifests": quota["manifests"]["warn"],
        "is_counted": quota["is_counted"],
    });
    client.output.one(&flat, &LINES)
}

/// A number of bytes in a few characters.
pub(super) fn brief(bytes: Option<u64>) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let Some(bytes) = bytes else { return String::new() };
    let power = (1..=4u32).rev().find(|power| bytes >= 1_000u64.pow(*power));
    power.map_or_else(
        || format!("{bytes} B"),
        |power| {
            let tenths = u128::from(bytes) * 10 / u128::from(1_000u64.pow(power));
            format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[power as usize - 1])
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_stays() {
        let quota = json!({ "bytes": { "used": 1, "hard": 5, "warn": 4 }, "manifests": { "used": 1, "hard": null, "warn": null } });
        let limits = Limits {
            bytes: "1GB".parse().ok(),
            warn_bytes: "none".parse().ok(),
            manifests: None,
            warn_manifests: "7".parse().ok(),
        };
        let wanted = json!({
            "bytes": { "hard": 1_000_000_000, "warn": null },
            "manifests": { "hard": null, "warn": 7 },
        });
        assert_eq!(limits.over(&quota), wanted);
        assert!("1.5GB".parse::<Bound<Size>>().is_err());
    }

    #[test]
    fn sizes_are_brief() {
        for (bytes, text) in [(0, "0 B"), (999, "999 B"), (1_250, "1.2 kB"), (10_000_000_000, "10.0 GB")] {
            assert_eq!(brief(Some(bytes)), text);
        }
    }
}
