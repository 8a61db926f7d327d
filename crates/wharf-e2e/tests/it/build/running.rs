//! RUN.

use super::{Bench, text};

#[test]
fn root_run_sees_what_it_should_and_leaves_what_it_made() {
    let Some(bench) = Bench::new() else { return };
    let dockerfile = r#"
FROM base:1
ARG GIVEN=default
ENV SET=$GIVEN
WORKDIR /w
RUN echo "$GIVEN $SET $(pwd) $(id -u)" > seen
RUN ["/bin/touch", "exec"]
RUN <<EOF
echo one > heredoc
echo two >> heredoc
EOF
RUN <<EOF cat > stdin
text
EOF
RUN rm -r /tmp && mkdir /tmp && chmod 1777 /tmp && echo x > /tmp/x
USER app
RUN id -u > /tmp/user
"#;
    let (config, tree) = bench.built(dockerfile, &["--build-arg", "GIVEN=value"]);
    assert_eq!(text(&tree, "w/seen"), "value value /w 0\n");
    assert!(tree.join("w/exec").exists());
    assert_eq!((text(&tree, "w/heredoc"), text(&tree, "w/stdin")), ("one\ntwo\n".to_owned(), "text\n".to_owned()));
    assert_eq!(text(&tree, "tmp/user"), "1000\n");
    let history: Vec<&str> =
        config["history"].as_array().expect("a list").iter().filter_map(|line| line["created_by"].as_str()).collect();
    assert!(history.iter().any(|line| line.starts_with("RUN |1 GIVEN=value /bin/sh -c echo")), "{history:?}");
}

#[test]
fn root_mounts_are_there_while_it_runs_and_leave_nothing() {
    let Some(bench) = Bench::new() else { return };
    bench.write("input", "context");
    std::fs::write(bench.path().join("token"), "hush-hush").expect("written");
    let dockerfile = r#"
FROM base:1 AS other
RUN echo stage > /file
FROM base:1
RUN --mount=type=secret,id=token --mount=type=secret,id=token,env=TOKEN \
    test "$(cat /run/secrets/token)" = "$TOKEN" && echo ok > /secret
RUN --mount=source=input,target=/in/input --mount=from=other,source=/file,target=/in/file cat /in/input /in/file > /bound
RUN --mount=type=tmpfs,target=/memory echo x > /memory/x && ls /memory > /listed
RUN --mount=type=cache,target=/cache test ! -e /cache/x && echo 1 > /cache/x
RUN --mount=type=cache,target=/cache cat /cache/x > /cached
RUN --network=none ls /sys/class/net > /net || true
"#;
    let (config, tree) = bench.built(dockerfile, &["--secret", "id=token,src=token"]);
    assert_eq!((text(&tree, "secret"), text(&tree, "bound")), ("ok\n".to_owned(), "contextstage\n".to_owned()));
    assert_eq!((text(&tree, "listed"), text(&tree, "cached")), ("x\n".to_owned(), "1\n".to_owned()));
    assert!(!tree.join("run").exists() && !tree.join("in").exists() && !tree.join("cache").exists());
    assert!(!config.to_string().contains("hush-hush"));
    let found =
        crate::command::Program::new("grep", bench.path()).args(["-rl", "hush-hush", "store", "layout"]).output();
    assert!(found.stdout.is_empty(), "the secret is in {}", String::from_utf8_lossy(&found.stdout));
    let said = bench.build("FROM base:1\nRUN --mount=type=secret,id=x,required=true true\n", &[]).refused();
    assert!(said.contains("the secret `x` is required"), "{said}");
    let said = bench.build("FROM base:1\nRUN --network=host true\n", &[]).refused();
    assert!(said.contains("--allow network.host"), "{said}");
}

#[test]
fn root_what_fails_does_not_wait_for_what_runs_beside_it() {
    let Some(bench) = Bench::new() else { return };
    let begun = std::time::Instant::now();
    let both = "FROM base:1 AS slow\nRUN sleep 60 && touch /slow\nFROM base:1 AS fast\nRUN sleep 0.2; false\n\
                FROM base:1\nRUN --mount=from=slow,target=/slow --mount=from=fast,target=/fast true\n";
    let said = bench.build(both, &[]).refused();
    assert!(said.contains("exit code 1") && begun.elapsed().as_secs() < 30, "{said}");
}
