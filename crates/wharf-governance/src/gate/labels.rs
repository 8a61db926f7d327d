//! Gate `labels`: every image carries labels, with values of a form. Annotations of the manifest count like labels.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use wharf_db::Tx;

use super::{Case, Gate, Verdict, checked, read};
use crate::error::Error;
use crate::image::Image;
use crate::ports::BoxFuture;

#[derive(Debug)]
pub(super) struct Labels;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Labels that have to be there, with any value.
    #[serde(default)]
    required: Vec<String>,
    /// Labels that have to be there, with a value of this form, where `*` stands for anything.
    #[serde(default)]
    matching: BTreeMap<String, String>,
}

impl Gate for Labels {
    fn name(&self) -> &'static str {
        "labels"
    }

    fn check_parameters(&self, parameters: &Map<String, Value>) -> Result<(), String> {
        let parameters: Parameters = read(parameters)?;
        if parameters.required.is_empty() && parameters.matching.is_empty() {
            return Err("it names labels in `required`, or in `matching` with the form of their value".to_owned());
        }
        Ok(())
    }

    fn check<'a>(
        &'a self,
        _: &'a mut Tx<'_>,
        case: &'a Case<'_>,
        parameters: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<Verdict, Error>> {
        Box::pin(async move { Ok(judge(case.image, &checked(parameters)?)) })
    }
}

fn judge(image: &Image, parameters: &Parameters) -> Verdict {
    if image.configs.is_empty() {
        let wrong = wrong(&image.annotations, &BTreeMap::new(), parameters);
        return verdict(wrong.map(|wrong| format!("it is no image, and its annotations lack {wrong}")));
    }
    let found = image.configs.iter().find_map(|config| {
        let wrong = wrong(&config.labels, &image.annotations, parameters)?;
        Some(if image.configs.len() == 1 {
            format!("it lacks {wrong}")
        } else {
            format!("image `{}` of it lacks {wrong}", config.digest)
        })
    });
    verdict(found)
}

fn verdict(wrong: Option<String>) -> Verdict {
    match wrong {
        None => Verdict::pass("all labels are there"),
        Some(wrong) => Verdict::fail(
            wrong,
            "set them when building: `LABEL name=value` in the Dockerfile, or `--label name=value` (annotations of the manifest count, too)",
        ),
    }
}

/// The first label that is missing or has another form.
fn wrong(
    labels: &BTreeMap<String, String>,
    annotations: &BTreeMap<String, String>,
    parameters: &Parameters,
) -> Option<String> {
    let get = |name: &str| labels.get(name).or_else(|| annotations.get(name)).filter(|value| !value.is_empty());
    let missing: Vec<String> =
        parameters.required.iter().filter(|name| get(name).is_none()).map(|name| format!("label `{name}`")).collect();
    let misshapen =
        parameters.matching.iter().filter(|(name, form)| !get(name).is_some_and(|value| is_like(value, form)));
    let misshapen = misshapen.map(|(name, form)| format!("label `{name}` of the form `{form}`"));
    let all: Vec<String> = missing.into_iter().chain(misshapen).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// Whether a value has a form in which `*` stands for anything.
pub(crate) fn is_like(value: &str, form: &str) -> bool {
    let mut pieces = form.split('*');
    let Some(mut rest) = value.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use wharf_oci::{Algorithm, Digest};

    use super::*;
    use crate::gate::Outcome;
    use crate::image::ImageConfig;

    fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn image(labels: &[&[(&str, &str)]], annotations: &[(&str, &str)]) -> Image {
        let config = |labels: &&[(&str, &str)]| ImageConfig {
            digest: Digest::of(Algorithm::Sha256, b"image"),
            labels: pairs(labels),
            created_at: None,
        };
        Image { annotations: pairs(annotations), configs: labels.iter().map(config).collect(), ..Image::default() }
    }

    #[test]
    fn labels_are_there_and_have_their_form() {
        let parameters: Parameters =
            serde_json::from_str(r#"{"required":["team"],"matching":{"source":"https://git.bank/*.git"}}"#)
                .expect("valid");
        let good: &[(&str, &str)] = &[("team", "pay"), ("source", "https://git.bank/pay/app.git")];
        let outcome = |image: Image| judge(&image, &parameters).outcome;
        assert_eq!(outcome(image(&[good], &[])), Outcome::Pass);
        assert_eq!(outcome(image(&[&good[1..]], &[("team", "pay")])), Outcome::Pass);
        assert_eq!(outcome(image(&[], good)), Outcome::Pass);
        assert_eq!(outcome(image(&[good, &good[..1]], &[])), Outcome::Fail);
        assert_eq!(outcome(image(&[&[("team", ""), good[1]]], &[])), Outcome::Fail);
        assert_eq!(outcome(image(&[&[good[0], ("source", "https://evil/app.git")]], &[])), Outcome::Fail);
        assert!(judge(&image(&[&[]], &[]), &parameters).reason.contains("label `team`, label `source`"));
    }

    #[test]
    fn a_star_stands_for_anything() {
        for (value, form, is) in [
            ("abc", "abc", true),
            ("abc", "ab", false),
            ("abc", "a*", true),
            ("abc", "*c", true),
            ("abc", "a*b*c", true),
            ("abc", "a*d*c", false),
            ("", "*", true),
            ("ab", "ab*b", false),
        ] {
            assert_eq!(is_like(value, form), is, "{value} {form}");
        }
    }
}
