//! Trying again: how often, and how long to wait before.
//!
//! What may be tried again is the caller's to say; here is only the waiting: longer each time, with chance in it, so
//! that many clients of one server do not come back at the same moment.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use http::{HeaderMap, header};

/// The longest wait that another side can ask for.
const MOST_PATIENCE: Duration = Duration::from_secs(120);
/// The longest wait that is chosen here.
const LONGEST: Duration = Duration::from_secs(20);

/// How often something is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Tries after the first.
    pub times: usize,
    /// The first wait, about; each following one is about twice as long.
    pub first: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { times: 4, first: Duration::from_millis(500) }
    }
}

impl Retry {
    /// The waits of one undertaking.
    pub fn waits(&self) -> Waits {
        let builder = ExponentialBuilder::default().with_min_delay(self.first).with_max_delay(LONGEST);
        Waits { policy: *self, next: builder.with_jitter().with_max_times(self.times).build() }
    }
}

/// The waits that are left.
#[derive(Debug)]
pub struct Waits {
    policy: Retry,
    next: ExponentialBackoff,
}

impl Waits {
    /// Waits before the next try, at least as long as the other side asked for. `false` when there is none left.
    pub async fn wait(&mut self, asked: Option<Duration>) -> bool {
        let Some(wait) = self.next(asked) else { return false };
        tokio::time::sleep(wait).await;
        true
    }

    fn next(&mut self, asked: Option<Duration>) -> Option<Duration> {
        self.next.next().map(|chosen| chosen.max(asked.unwrap_or_default()))
    }

    /// Something was achieved: what follows has all tries again.
    pub fn reset(&mut self) {
        *self = self.policy.waits();
    }
}

/// How long an answer asks to wait (`Retry-After`), within reason: in seconds, or until a date by its own clock.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let date = |text: &str| httpdate::parse_http_date(text).ok();
    let after = text(header::RETRY_AFTER)?;
    let seconds = after.parse().ok().map(Duration::from_secs);
    let asked = seconds.or_else(|| date(after)?.duration_since(date(text(header::DATE)?)?).ok())?;
    Some(asked.min(MOST_PATIENCE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_asks_in_seconds_or_by_a_date_and_within_reason() {
        let now = (header::DATE, "Sun, 06 Nov 1994 08:49:37 GMT".parse().expect("a header"));
        for (text, seconds) in [
            ("7", Some(7)),
            ("0", Some(0)),
            (" 3 ", Some(3)),
            ("999999", Some(120)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:49:30 GMT", None),
            ("soon", None),
            ("-1", None),
        ] {
            let headers = [(header::RETRY_AFTER, text.parse().expect("a header")), now.clone()].into_iter().collect();
            assert_eq!(retry_after(&headers), seconds.map(Duration::from_secs), "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn waits_grow_and_come_to_an_end_unless_something_was_achieved() {
        let second = Duration::from_secs(1);
        let mut waits = Retry { times: 3, first: second }.waits();
        for least in [second, second * 2, second * 4] {
            let wait = waits.next(None).expect("one is left");
            assert!((least..least * 2).contains(&wait), "{wait:?}");
        }
        assert_eq!(waits.next(None), None);
        waits.reset();
        assert_eq!(waits.next(Some(second * 60)), Some(second * 60));
    }
}
