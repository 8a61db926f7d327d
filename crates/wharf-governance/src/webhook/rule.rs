//! What a webhook may be, which events it wants, and when a delivery is tried again. Pure.

use std::time::Duration;

use url::Url;
use wharf_context::Timestamp;

use super::event;
use super::pattern::Pattern;
use crate::error::Error;

const MAX_URL_BYTES: usize = 2048;
const MAX_FILTERS: usize = 50;
const MAX_REF_BYTES: usize = 255;
const MAX_CREDENTIAL_BYTES: usize = 1024;

/// How often a delivery is tried.
const ATTEMPTS: u32 = 16;
/// How long a delivery is tried, however often that was.
const PATIENCE: Duration = Duration::from_secs(3 * 86_400);
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3600);
/// How long a lane waits at most for a receiver that is away: one delivery asks whether it is back.
const LONGEST_LANE_PAUSE: Duration = Duration::from_secs(300);
/// How long a receiver may ask us to wait.
const LONGEST_WISH: Duration = Duration::from_secs(3600);

/// What becomes of a delivery that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Again(Timestamp),
    Dead,
}

/// After failed attempt number `attempts` (from 1) of a delivery that was made at `created_at`.
pub(crate) fn after_failure(attempts: u32, created_at: Timestamp, now: Timestamp, wish: Option<Duration>) -> Next {
    if attempts >= ATTEMPTS || now >= created_at.plus(PATIENCE) {
        return Next::Dead;
    }
    let pause = grown(FIRST_PAUSE, LONGEST_PAUSE, attempts - 1);
    Next::Again(now.plus(pause.max(wish.unwrap_or_default().min(LONGEST_WISH))))
}

/// How long a lane waits whose receiver was not there `failures` times in a row; nothing after none.
pub(crate) fn lane_pause(failures: u32) -> Duration {
    failures.checked_sub(1).map_or(Duration::ZERO, |before| grown(FIRST_PAUSE, LONGEST_LANE_PAUSE, before))
}

fn grown(first: Duration, longest: Duration, doublings: u32) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(doublings.min(30))).min(longest)
}

/// Whether a webhook wants an event.
pub(crate) fn wants(events: &[String], repositories: &[Pattern], name: &str, repository: Option<&str>) -> bool {
    let is_wanted = events.is_empty() || events.iter().any(|filter| event::matches(filter, name));
    let is_meant = match repository {
        Some(repository) => repositories.is_empty() || repositories.iter().any(|pattern| pattern.matches(repository)),
        None => true,
    };
    is_wanted && is_meant
}

/// An address that deliveries can go to: whether the network may be reached is found out when connecting.
pub(crate) fn check_url(text: &str) -> Result<Url, Error> {
    let wrong = |reason: &str| Error::WebhookInvalid { reason: format!("its URL {reason}") };
    if text.len() > MAX_URL_BYTES {
        return Err(wrong("is longer than 2048 bytes"));
    }
    let url = Url::parse(text).map_err(|_| wrong("is none; it looks like `https://ci.example.com/hooks/wharf`"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong("must begin with `https://` or `http://` and name a host"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(wrong("must hold no user, no password and no fragment; a token belongs into the credential"));
    }
    Ok(url)
}

/// Filters that can match something.
pub(crate) fn check_filters(events: &[String], repositories: &[String]) -> Result<Vec<Pattern>, Error> {
    let wrong = |reason: String| Error::WebhookInvalid { reason };
    if events.len() > MAX_FILTERS || repositories.len() > MAX_FILTERS {
        return Err(wrong(format!("it has more than {MAX_FILTERS} filters")));
    }
    if let Some(unknown) = events.iter().find(|filter| !event::is_filter(filter)) {
        let known: Vec<_> = event::EVENTS.iter().map(|kind| kind.name).collect();
        return Err(wrong(format!("`{unknown}` is no event; there are {}, and `NOUN.*`", known.join(", "))));
    }
    let parse = |text: &String| text.parse().map_err(|error| wrong(format!("`{text}` is no pattern: {error}")));
    repositories.iter().map(parse).collect()
}

/// A ref and a credential that cannot break out of a header or a line.
pub(crate) fn check_texts(git_ref: Option<&str>, credential: Option<&str>) -> Result<(), Error> {
    let fits = |text: &str, most: usize| {
        !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let wrong = |what: &str| {
        Err(Error::WebhookInvalid {
            reason: format!("its {what} must be printable ASCII without spaces, and not too long"),
        })
    };
    if git_ref.is_some_and(|text| !fits(text, MAX_REF_BYTES)) {
        return wrong("ref");
    }
    if credential.is_some_and(|text| !fits(text, MAX_CREDENTIAL_BYTES)) {
        return wrong("credential");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_delivery_is_tried_later_each_time_and_given_up_after_days_or_many_attempts() {
        let made = Timestamp(0);
        let pause = |attempts| match after_failure(attempts, made, made, None) {
            Next::Again(at) => Some(at.0 / 1_000_000),
            Next::Dead => None,
        };
        assert_eq!(
            (pause(1), pause(2), pause(3), pause(15), pause(16)),
            (Some(5), Some(10), Some(20), Some(21_600), None)
        );
        let late = made.plus(72 * HOUR);
        assert_eq!(after_failure(1, made, late, None), Next::Dead);
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_within_reason() {
        let again = |seconds| after_failure(1, Timestamp(0), Timestamp(0), Some(Duration::from_secs(seconds)));
        assert_eq!(again(60), Next::Again(Timestamp(60_000_000)));
        assert_eq!(again(1), Next::Again(Timestamp(5_000_000)));
        assert_eq!(again(999_999), Next::Again(Timestamp(3_600_000_000)));
    }

    #[test]
    fn a_lane_waits_longer_the_longer_nobody_is_there() {
        let seconds: Vec<u64> = (0..9).map(|failures| lane_pause(failures).as_secs()).collect();
        assert_eq!(seconds, [0, 5, 10, 20, 40, 80, 160, 300, 300]);
    }

    #[test]
    fn filters_are_by_event_and_repository() {
        let patterns =
            |list: &[&str]| list.iter().map(|text| text.parse().expect("a pattern")).collect::<Vec<Pattern>>();
        let events = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let pushed = |events: &[String], repositories: &[Pattern]| {
            wants(events, repositories, "manifest.pushed", Some("pay/app/web"))
        };
        assert!(pushed(&[], &[]));
        assert!(pushed(&events(&["tag.*", "manifest.*"]), &patterns(&["pay/**"])));
        assert!(!pushed(&events(&["tag.*"]), &[]));
        assert!(!pushed(&[], &patterns(&["pay/*", "pay/app"])));
        assert!(wants(&[], &patterns(&["pay/app"]), "quota.warned", None), "it is about no repository");
    }

    #[test]
    fn an_address_is_plain_http_without_a_log_in() {
        assert!(check_url("https://ci.example.com:8443/hook?x=1").is_ok());
        for bad in
            ["", "ci.example.com", "ftp://x/", "file:///etc/passwd", "https://me:pw@x/", "https://x/#y", "gopher://x"]
        {
            assert!(check_url(bad).is_err(), "{bad}");
        }
        assert!(check_url(&format!("https://x/{}", "a".repeat(2048))).is_err());
        assert!(check_texts(Some("main"), Some("glptt-1")).is_ok());
        assert!(check_texts(Some("a b"), None).is_err() && check_texts(None, Some("a\r\nb: c")).is_err());
    }
}
