//! What is not done twice.

use std::time::Duration;

use super::{Bench, text};

/// How many steps were done, and how many were known.
fn counted(said: &str) -> (usize, usize) {
    let count = |end: &str| said.lines().filter(|line| line.ends_with(end)).count();
    let done = said.lines().filter(|line| line.contains(" DONE ")).count();
    (done, count(" CACHED"))
}

fn build(bench: &Bench, dockerfile: &str, words: &[&str]) -> (usize, usize) {
    let output = bench.build(dockerfile, words).output();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    counted(&said)
}

const DOCKERFILE: &str = "FROM base:1\nCOPY used /used\nRUN cat /used > /made\nRUN echo $RANDOM > /random\n";

#[test]
fn root_content_counts_and_times_and_unused_files_do_not() {
    let Some(bench) = Bench::new() else { return };
    bench.write("used", "1");
    bench.write("unused", "1");
    assert_eq!(build(&bench, DOCKERFILE, &[]), (3, 0));
    assert_eq!(build(&bench, DOCKERFILE, &[]), (0, 3));
    // Another time, and another file that nothing takes.
    std::thread::sleep(Duration::from_millis(20));
    bench.write("used", "1");
    bench.write("unused", "2");
    assert_eq!(build(&bench, DOCKERFILE, &[]), (0, 3));
    bench.write("used", "2");
    assert_eq!(build(&bench, DOCKERFILE, &[]), (3, 0));
    bench.write("used", "1");
    assert_eq!(build(&bench, DOCKERFILE, &[]), (0, 3), "what was known before still is");
    assert_eq!(build(&bench, DOCKERFILE, &["--no-cache"]), (3, 0));
}

#[test]
fn root_equal_inputs_are_one_image_on_every_machine() {
    let (Some(one), Some(two)) = (Bench::new(), Bench::new()) else { return };
    let dockerfile =
        "FROM base:1\nWORKDIR /w\nCOPY used .\nRUN mkdir d && cat used > d/made && ln used hard && rm /etc/group\n";
    let id = |bench: &Bench| {
        bench.write("used", "1");
        bench.build(dockerfile, &["--quiet", "--iidfile", "id", "--output", "type=oci,dest=x.tar", "-t", "x:1"]).run();
        let id = std::fs::read_to_string(bench.path().join("id")).expect("written");
        let listed = bench.wharf(&["image", "ls"]).run();
        (id, listed)
    };
    let first = id(&one);
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!(first, id(&two));
}

#[test]
fn root_what_was_killed_leaves_nothing_and_goes_on_where_it_was() {
    let Some(bench) = Bench::new() else { return };
    let dockerfile = "FROM base:1\nRUN echo first > /first\nRUN echo begun && sleep 20\n";
    bench.write("Dockerfile", dockerfile);
    let mut child = std::process::Command::new(crate::server::binary())
        .args(["build", "context", "--progress=plain", "--store", "store"])
        .current_dir(bench.path())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("started");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().expect("piped")));
    lines.find(|line| line.as_ref().is_ok_and(|line| line.ends_with(" begun"))).expect("it runs").expect("read");
    child.kill().expect("killed");
    child.wait().expect("it ends");
    let (_, tree) = bench.built("FROM base:1\nRUN echo first > /first\nRUN echo second > /second\n", &[]);
    assert_eq!((text(&tree, "first"), text(&tree, "second")), ("first\n".to_owned(), "second\n".to_owned()));
    let sessions = bench.path().join("store/sessions");
    assert_eq!(std::fs::read_dir(sessions).expect("there").count(), 0, "nothing unfinished is left");
    let output = bench.build("FROM base:1\nRUN echo first > /first\nRUN echo third > /third\n", &[]).output();
    assert_eq!(counted(&String::from_utf8_lossy(&output.stderr)), (1, 1));
}

#[test]
fn root_another_machine_takes_what_was_made_and_says_what_differs() {
    let (Some(one), Some(two)) = (Bench::new(), Bench::new()) else { return };
    one.write("used", "1");
    two.write("used", "1");
    let cache = one.path().join("cache").display().to_string();
    let (to, from) = (format!("type=local,dest={cache},mode=max"), format!("type=local,src={cache}"));
    build(&one, DOCKERFILE, &["--cache-to", &to]);
    assert_eq!(build(&two, DOCKERFILE, &["--cache-from", &from]), (0, 3));
    let random = |bench: &Bench| text(&bench.built(DOCKERFILE, &[]).1, "random");
    assert_eq!(random(&one), random(&two), "it is the other machine's layer");
    two.write("used", "2");
    let output = two.build(DOCKERFILE, &[]).output();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("is done again: `used` has changed"), "{said}");
}

#[test]
fn root_what_no_name_needs_goes_and_is_made_again() {
    let Some(bench) = Bench::new() else { return };
    bench.write("used", "1");
    build(&bench, DOCKERFILE, &["-t", "kept:1"]);
    assert!(bench.wharf(&["build", "cache", "ls"]).run().contains("RUN cat /used > /made"));
    let said = bench.wharf(&["build", "prune", "--all"]).run();
    assert!(said.contains("left: 0 layers"), "{said}");
    let (_, tree) = bench.built("FROM kept:1\nRUN echo more > /more\n", &[]);
    assert_eq!((text(&tree, "made"), text(&tree, "more")), ("1".to_owned(), "more\n".to_owned()));
}

#[test]
fn root_a_second_build_that_leaves_other_bytes_is_told() {
    let Some(bench) = Bench::new() else { return };
    bench.build("FROM base:1\nRUN echo same > /same\n", &["--check-repro"]).run();
    let said = bench.build("FROM base:1\nRUN echo $$-$RANDOM$RANDOM > /other\n", &["--check-repro"]).refused();
    assert!(said.contains("/other"), "{said}");
}
