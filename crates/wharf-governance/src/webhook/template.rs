//! What the body of a delivery looks like: the event itself, or what a build system understands without a program in between.
//!
//! A fixed set, filled by us: nothing that an image's name or tag may hold can leave its field. A template says where the
//! receiver's own credential goes, which is not part of what is stored with a delivery.

use serde_json::{Value, json};
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::error::Error;

/// The form of a delivery's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// The CloudEvents document.
    CloudEvents,
    /// A pipeline trigger of GitLab: a form with token, ref and variables.
    GitLabTrigger,
    /// Jenkins' Generic Webhook Trigger: one flat JSON object.
    JenkinsGeneric,
    /// `repository_dispatch` of GitHub and what is compatible with it.
    GitHubDispatch,
}

/// What a template needs beside the event.
pub(crate) struct Filling<'a> {
    pub(crate) event_name: &'a str,
    /// The CloudEvents document.
    pub(crate) document: &'a str,
    pub(crate) git_ref: &'a str,
    /// What the receiver asks for by itself.
    pub(crate) credential: Option<&'a str>,
}

/// A body and the headers that belong to it.
pub(crate) struct Rendered {
    pub(crate) content_type: &'static str,
    pub(crate) authorization: Option<Zeroizing<String>>,
    /// Name and value of one more header.
    pub(crate) header: Option<(&'static str, Zeroizing<String>)>,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Template {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::CloudEvents, Self::GitLabTrigger, Self::JenkinsGeneric, Self::GitHubDispatch];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::CloudEvents => "cloudevents",
            Self::GitLabTrigger => "gitlab-trigger",
            Self::JenkinsGeneric => "jenkins-generic",
            Self::GitHubDispatch => "github-dispatch",
        }
    }

    /// The template of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|template| template.name() == name)
    }

    pub(crate) fn render(self, filling: &Filling<'_>) -> Result<Rendered, Error> {
        let document: Value = serde_json::from_str(filling.document).map_err(|_| MALFORMED)?;
        Ok(match self {
            Self::CloudEvents => Rendered {
                authorization: filling.credential.map(bearer),
                ..json_body("application/cloudevents+json", filling.document.to_owned())
            },
            Self::GitLabTrigger => gitlab(filling, &document),
            Self::JenkinsGeneric => Rendered {
                header: filling.credential.map(|credential| ("token", Zeroizing::new(credential.to_owned()))),
                ..json_body("application/json", flat(filling, &document).to_string())
            },
            Self::GitHubDispatch => github(filling, &document),
        })
    }
}

const MALFORMED: Error = Error::MalformedRow { what: "a delivery" };

fn json_body(content_type: &'static str, body: String) -> Rendered {
    Rendered { content_type, authorization: None, header: None, body: Zeroizing::new(body.into_bytes()) }
}

fn bearer(credential: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("Bearer {credential}"))
}

/// What a pipeline wants to know, by the names that it is given.
fn facts<'d>(filling: &'d Filling<'_>, document: &'d Value) -> Vec<(&'static str, String)> {
    let data = &document["data"];
    let text = |name: &str| data[name].as_str().map(str::to_owned);
    let tag = text("tag").or_else(|| data["tags"][0].as_str().map(str::to_owned));
    let facts = [
        ("event", Some(filling.event_name.to_owned())),
        ("event_id", document["id"].as_str().map(str::to_owned)),
        ("subject", document["subject"].as_str().map(str::to_owned)),
        ("project", text("project")),
        ("repository", text("repository")),
        ("digest", text("digest")),
        ("tag", tag),
    ];
    facts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn flat(filling: &Filling<'_>, document: &Value) -> Value {
    let members = facts(filling, document).into_iter().map(|(name, value)| (name.to_owned(), Value::from(value)));
    Value::Object(members.collect())
}

fn gitlab(filling: &Filling<'_>, document: &Value) -> Rendered {
    let mut form = form_urlencoded::Serializer::new(String::new());
    if let Some(credential) = filling.credential {
        form.append_pair("token", credential);
    }
    form.append_pair("ref", filling.git_ref);
    for (name, value) in facts(filling, document) {
        form.append_pair(&format!("variables[WHARF_{}]", name.to_uppercase()), &value);
    }
    json_body("application/x-www-form-urlencoded", form.finish())
}

fn github(filling: &Filling<'_>, document: &Value) -> Rendered {
    // GitHub takes ten properties at most, and event types of at most 100 characters.
    let body =
        json!({ "event_type": format!("wharf.{}", filling.event_name), "client_payload": flat(filling, document) });
    Rendered {
        authorization: filling.credential.map(bearer),
        header: Some(("accept", Zeroizing::new("application/vnd.github+json".to_owned()))),
        ..json_body("application/json", body.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{"id":"7","subject":"pay/app@sha256:00","data":{"project":"pay","repository":"pay/app","digest":"sha256:00","tags":["a&ref=evil"]}}"#;

    fn render(template: Template) -> (Rendered, String) {
        let filling =
            Filling { event_name: "manifest.pushed", document: DOCUMENT, git_ref: "main", credential: Some("glptt-1") };
        let rendered = template.render(&filling).expect("renders");
        let body = String::from_utf8(rendered.body.to_vec()).expect("text");
        (rendered, body)
    }

    #[test]
    fn cloud_events_go_as_they_are() {
        let (rendered, body) = render(Template::CloudEvents);
        assert_eq!((rendered.content_type, body.as_str()), ("application/cloudevents+json", DOCUMENT));
        assert_eq!(rendered.authorization.as_deref().map(String::as_str), Some("Bearer glptt-1"));
    }

    #[test]
    fn a_gitlab_trigger_is_a_form_that_no_value_leaves() {
        let (_, body) = render(Template::GitLabTrigger);
        let pairs: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let get = |name: &str| {
            pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect::<Vec<_>>()
        };
        assert_eq!((get("token"), get("ref")), (vec!["glptt-1"], vec!["main"]));
        assert_eq!(get("variables[WHARF_TAG]"), ["a&ref=evil"]);
        assert_eq!(get("variables[WHARF_DIGEST]"), ["sha256:00"]);
    }

    #[test]
    fn jenkins_gets_a_flat_object_and_github_a_dispatch() {
        let (rendered, body) = render(Template::JenkinsGeneric);
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!((&body["repository"], &body["event"]), (&json!("pay/app"), &json!("manifest.pushed")));
        assert_eq!(rendered.header.expect("a header").0, "token");
        let (_, body) = render(Template::GitHubDispatch);
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(body["event_type"], "wharf.manifest.pushed");
        assert!(body["client_payload"].as_object().is_some_and(|payload| payload.len() <= 10));
    }

    #[test]
    fn names_read_back() {
        for template in Template::ALL {
            assert_eq!(Template::from_name(template.name()), Some(template));
        }
    }
}
