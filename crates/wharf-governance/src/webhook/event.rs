//! What is told outside: events as [CloudEvents](https://cloudevents.io) 1.0 documents.
//!
//! The table says which events leave, and under which name. An event's fields are its document's `data`; what a field
//! means does not change within `v1`, and new ones may come.

use serde_json::{Map, Value, json};
use wharf_context::{Event, Timestamp};

use crate::error::Error;

/// One sort of event that webhooks can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventKind {
    /// [`Event::name`].
    pub event: &'static str,
    /// The name that a webhook filters by; the document's type is `dev.wharf.` + name + `.v1`.
    pub name: &'static str,
    /// What happened, for people.
    pub summary: &'static str,
}

const fn kind(event: &'static str, name: &'static str, summary: &'static str) -> EventKind {
    EventKind { event, name, summary }
}

/// Every sort of event that leaves.
pub const EVENTS: &[EventKind] = &[
    kind("manifest_pushed", "manifest.pushed", "A manifest was pushed, or came back from the bin."),
    kind("manifest_deleted", "manifest.deleted", "A manifest was deleted with its tags."),
    kind("manifest_placed", "manifest.placed", "A manifest was placed in an environment."),
    kind("tag_moved", "tag.moved", "A tag that pointed to one manifest points to another one."),
    kind("promotion_changed", "promotion.changed", "A promotion was asked for, or has come to another state."),
    kind("emergency_raised", "emergency.raised", "Somebody asks for the emergency passage: an alarm."),
    kind("tag_deleted", "tag.deleted", "A tag was deleted; its manifest stays."),
    kind(
        "base_updated",
        "base.updated",
        "A newer image of a base has come; what stands on the ones before is rebuilt.",
    ),
    kind("rebuild_wanted", "rebuild.wanted", "An image is to be rebuilt now: its new base is there."),
    kind("commit_received", "commit.received", "A hook was told of a commit."),
    kind(
        "archive_changed",
        "archive.changed",
        "An image is on its way into an archive or back, has arrived there, or was destroyed.",
    ),
    kind("quota_warned", "quota.warned", "A project uses more than the limit that warns."),
    kind("hold_set", "hold.set", "Something must stay as it is: a legal hold, or a quarantine."),
    kind("hold_lifted", "hold.lifted", "A hold was lifted."),
];

/// The name of the event that asks a foreign system about a promotion. It goes to the webhook that the policy names.
pub(crate) const INQUIRY: &str = "inquiry.asked";

/// The name of the event that the test button sends.
pub(crate) const TEST: &str = "webhook.test";

/// The names of all events that leave, as subscriptions know them.
pub fn subscribed() -> Vec<&'static str> {
    EVENTS.iter().map(|kind| kind.event).collect()
}

/// Whether a filter's text names one event or, with `.*` at its end, all of a noun.
pub(crate) fn is_filter(text: &str) -> bool {
    EVENTS.iter().map(|kind| kind.name).chain([INQUIRY]).any(|name| matches(text, name))
}

/// Whether a filter's text means the event of that name.
pub(crate) fn matches(filter: &str, name: &str) -> bool {
    match filter.strip_suffix(".*") {
        Some(noun) => name.strip_prefix(noun).is_some_and(|rest| rest.starts_with('.')),
        None => filter == name,
    }
}

/// An event on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outgoing {
    /// Stays the same in every attempt and replay.
    pub(crate) id: String,
    /// The name that webhooks filter by.
    pub(crate) name: &'static str,
    /// The project's name or the repository's, with the tag or digest that it is about.
    pub(crate) subject: String,
    /// The document.
    pub(crate) document: String,
}

/// What an event is about, as far as it says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) name: &'static str,
    pub(crate) project: Option<String>,
    /// The project's row, where the event names it so.
    pub(crate) project_row: Option<i64>,
    pub(crate) repository: Option<String>,
    fields: Map<String, Value>,
}

impl About {
    /// Reads it; `None` for one that does not leave.
    pub(crate) fn of(event: &Event) -> Result<Option<Self>, Error> {
        let Some(kind) = EVENTS.iter().find(|kind| kind.event == event.name()) else { return Ok(None) };
        let Ok(Value::Object(mut fields)) = serde_json::to_value(event) else {
            return Err(Error::MalformedRow { what: "an event" });
        };
        fields.remove("event");
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        let (project, repository) = (text("project"), text("repository"));
        let project_row = fields.get("project").and_then(Value::as_i64);
        Ok(Some(Self { name: kind.name, project, project_row, repository, fields }))
    }

    /// The document of an event of `project`. `source` is the registry's own address.
    pub(crate) fn outgoing(self, id: String, source: &str, project: &str, at: Timestamp) -> Outgoing {
        let subject = self.subject(project);
        let mut data = self.fields;
        data.insert("project".to_owned(), project.into());
        let document = document((&id, self.name), source, (project, &subject), at, &Value::Object(data));
        Outgoing { id, name: self.name, subject, document }
    }

    fn subject(&self, project: &str) -> String {
        let text = |name: &str| self.fields.get(name).and_then(Value::as_str);
        let Some(repository) = &self.repository else { return text("target").unwrap_or(project).to_owned() };
        match (text("tag"), text("digest")) {
            (Some(tag), _) => format!("{repository}:{tag}"),
            (None, Some(digest)) => format!("{repository}@{digest}"),
            (None, None) => repository.clone(),
        }
    }
}

/// The event that the test button sends.
pub(crate) fn test(id: String, source: &str, (project, webhook): (&str, &str), at: Timestamp) -> Outgoing {
    let data = json!({ "project": project, "webhook": webhook });
    let document = document((&id, TEST), source, (project, project), at, &data);
    Outgoing { id, name: TEST, subject: project.to_owned(), document }
}

/// A question to a foreign system.
pub(crate) fn inquiry(
    id: String,
    source: &str,
    (project, subject): (&str, &str),
    (at, data): (Timestamp, &Value),
) -> Outgoing {
    let document = document((&id, INQUIRY), source, (project, subject), at, data);
    Outgoing { id, name: INQUIRY, subject: subject.to_owned(), document }
}

fn document(
    (id, name): (&str, &str),
    source: &str,
    (project, subject): (&str, &str),
    at: Timestamp,
    data: &Value,
) -> String {
    json!({
        "specversion": "1.0",
        "id": id,
        "source": format!("{source}/api/v1/projects/{project}"),
        "type": format!("dev.wharf.{name}.v1"),
        "subject": subject,
        "time": moment(at),
        "datacontenttype": "application/json",
        "data": data,
    })
    .to_string()
}

/// RFC 3339, in UTC.
pub(crate) fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.0).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed() -> Event {
        Event::ManifestPushed {
            repository: "pay/app".to_owned(),
            digest: "sha256:00".to_owned(),
            media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
            tags: vec!["1.2".to_owned()],
        }
    }

    #[test]
    fn an_event_becomes_a_cloud_event_with_its_fields_as_data() {
        let about = About::of(&pushed()).expect("reads").expect("leaves");
        let at = Timestamp(1_767_225_600_000_000);
        let outgoing = about.outgoing("1".to_owned(), "https://registry.example.com", "pay", at);
        let document: Value = serde_json::from_str(&outgoing.document).expect("JSON");
        let wanted = json!({
            "specversion": "1.0",
            "id": "1",
            "source": "https://registry.example.com/api/v1/projects/pay",
            "type": "dev.wharf.manifest.pushed.v1",
            "subject": "pay/app@sha256:00",
            "time": "2026-01-01T00:00:00Z",
            "datacontenttype": "application/json",
            "data": {
                "project": "pay",
                "repository": "pay/app",
                "digest": "sha256:00",
                "media_type": "application/vnd.oci.image.manifest.v1+json",
                "tags": ["1.2"],
            },
        });
        assert_eq!((document, outgoing.subject.as_str()), (wanted, "pay/app@sha256:00"));
    }

    #[test]
    fn a_hold_is_about_what_it_is_on() {
        let event = Event::HoldSet {
            project: "pay".to_owned(),
            hold: 7,
            kind: "legal".to_owned(),
            target: "pay/app:1.2".to_owned(),
        };
        let about = About::of(&event).expect("reads").expect("leaves");
        let outgoing = about.outgoing("1".to_owned(), "https://registry.example.com", "pay", Timestamp(0));
        assert_eq!((outgoing.name, outgoing.subject.as_str()), ("hold.set", "pay/app:1.2"));
        assert!(is_filter("hold.*"));
    }

    #[test]
    fn a_filter_names_an_event_or_a_noun() {
        let table = [
            ("manifest.pushed", "manifest.pushed", true),
            ("manifest.*", "manifest.pushed", true),
            ("manifest.*", "manifestos.pushed", false),
            ("manifest", "manifest.pushed", false),
            ("tag.*", "manifest.pushed", false),
        ];
        for (filter, name, wanted) in table {
            assert_eq!(matches(filter, name), wanted, "{filter} {name}");
        }
        assert!(is_filter("quota.warned") && is_filter("tag.*"));
        assert!(!is_filter("*") && !is_filter("webhook.test") && !is_filter("nothing.*"));
    }
}
