//! What runs: starts, stops, late news, and leases.

use wharf_context::{Clock as _, Timestamp};
use wharf_db::AuditFilter;
use wharf_governance::{Error, Happened, RunningQuery, RunningReport};
use wharf_oci::Digest;

use super::fixture::{DAY, Fixture, sha256, user, warrant};

fn report(container: &str, digest: Digest, what: Happened) -> RunningReport {
    RunningReport { digest, repository: None, host: "node1".to_owned(), container: container.to_owned(), what }
}

async fn tell(fixture: &Fixture, reports: &[RunningReport]) -> (usize, usize) {
    let reported = fixture.governance.report_running(&user(3), &warrant(), reports).await.expect("reported");
    (reported.running, reported.stopped)
}

async fn running(fixture: &Fixture) -> Vec<(String, bool)> {
    let query = RunningQuery::default();
    let (all, has_more) = fixture.governance.list_running(&warrant(), &query).await.expect("listed");
    assert!(!has_more);
    all.into_iter().map(|running| (running.container, running.stopped_at.is_none())).collect()
}

#[tokio::test]
async fn a_container_runs_from_its_start_to_its_stop_in_whatever_order_they_are_told() {
    let fixture = Fixture::open().await;
    let (image, now) = (sha256(b"image"), fixture.clock.now());
    let (start, stop) = (Happened::Started(now), Happened::Stopped(now.plus(DAY / 24)));
    assert_eq!(tell(&fixture, &[report("a", image, start), report("b", image, start)]).await, (2, 0));
    assert_eq!(tell(&fixture, &[report("a", image, stop)]).await, (0, 1));
    assert_eq!(running(&fixture).await, [("a".to_owned(), false), ("b".to_owned(), true)]);
    tell(&fixture, &[report("a", image, start)]).await;
    assert_eq!(running(&fixture).await[0], ("a".to_owned(), false), "a start that was told late");
    let again = Happened::Started(now.plus(DAY / 12));
    tell(&fixture, &[report("a", image, again)]).await;
    assert_eq!(running(&fixture).await[0], ("a".to_owned(), true), "it was started again");
    assert_eq!(tell(&fixture, &[report("c", image, stop)]).await, (0, 0), "what was never started");
    let other = report("b", sha256(b"other"), stop);
    assert_eq!(tell(&fixture, &[other]).await, (0, 0), "another image's stop");
}

#[tokio::test]
async fn only_news_stand_in_the_log() {
    let fixture = Fixture::open().await;
    let now = fixture.clock.now();
    let reports: Vec<_> =
        (0..3).map(|number| report(&format!("c{number}"), sha256(b"image"), Happened::Started(now))).collect();
    for _ in 0..4 {
        tell(&fixture, &reports).await;
    }
    let log = fixture.db().audit(&AuditFilter::default(), None, 100).await.expect("the log");
    assert_eq!(log.records.iter().filter(|record| record.action == "running.report").count(), 1);
}

#[tokio::test]
async fn a_report_that_means_nothing_changes_nothing() {
    let fixture = Fixture::open().await;
    let now = fixture.clock.now();
    let good = report("a", sha256(b"image"), Happened::Started(now));
    let bad: [Vec<RunningReport>; 5] = [
        vec![],
        vec![good.clone(); 1_001],
        vec![good.clone(), report("", sha256(b"image"), Happened::Started(now))],
        vec![good.clone(), RunningReport { host: "a|b".to_owned(), ..good.clone() }],
        vec![good.clone(), report("b", sha256(b"image"), Happened::Started(Timestamp(now.0).plus(DAY * 2)))],
    ];
    for reports in bad {
        let refused = fixture.governance.report_running(&user(3), &warrant(), &reports).await;
        assert!(matches!(refused, Err(Error::ReportInvalid { .. })), "{refused:?}");
    }
    assert!(running(&fixture).await.is_empty());
}

#[tokio::test]
async fn pages_are_in_the_order_of_hosts_and_may_be_of_one_digest() {
    let fixture = Fixture::open().await;
    let now = fixture.clock.now();
    let reports: Vec<_> = ["b", "a", "c"]
        .iter()
        .flat_map(|host| {
            ["x", "y"].map(|container| RunningReport {
                host: (*host).to_owned(),
                ..report(container, sha256(container.as_bytes()), Happened::Started(now))
            })
        })
        .collect();
    tell(&fixture, &reports).await;
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let query = RunningQuery { digest: None, after, limit: Some(4) };
        let (page, has_more) = fixture.governance.list_running(&warrant(), &query).await.expect("listed");
        seen.extend(page.iter().map(|running| format!("{}{}", running.host, running.container)));
        after = page.last().map(|last| (last.host.clone(), last.container.clone()));
        if !has_more {
            break;
        }
    }
    assert_eq!(seen, ["ax", "ay", "bx", "by", "cx", "cy"]);
    let query = RunningQuery { digest: Some(sha256(b"y")), after: None, limit: None };
    let (page, _) = fixture.governance.list_running(&warrant(), &query).await.expect("listed");
    assert_eq!(page.len(), 3);
    let found = fixture.governance.find_running(wharf_context::Inspect::granted(), &sha256(b"x")).await.expect("found");
    assert_eq!(found.len(), 3);
}
