//! Instructions that change the config.

use serde_json::json;

use super::Bench;

#[test]
fn root_each_instruction_leaves_in_the_config_what_buildkit_leaves() {
    let Some(bench) = Bench::new() else { return };
    let dockerfile = r#"
FROM base:1
MAINTAINER somebody
ARG WHO=world
ENV GREETING="hello $WHO" OTHER=x
ENV GREETING=bye OLD=$GREETING
LABEL a=b "c d"='e $OTHER'
WORKDIR /srv
WORKDIR app
USER app:team
EXPOSE 80 8000-8001/udp
VOLUME /data /logs
STOPSIGNAL SIGINT
HEALTHCHECK --interval=5s --retries=3 CMD true
SHELL ["/bin/sh", "-ec"]
ONBUILD RUN echo $WHO > /onbuild
ENTRYPOINT ["/bin/echo"]
CMD hello there
"#;
    let (config, tree) = bench.built(dockerfile, &["--label", "z=y"]);
    let inner = &config["config"];
    assert_eq!(inner["User"], "app:team");
    assert_eq!(inner["ExposedPorts"], json!({ "80/tcp": {}, "8000/udp": {}, "8001/udp": {} }));
    let env = json!([
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "GREETING=bye",
        "OTHER=x",
        "OLD=hello world"
    ]);
    assert_eq!(inner["Env"], env);
    assert_eq!(inner["Entrypoint"], json!(["/bin/echo"]));
    assert_eq!(inner["Cmd"], json!(["/bin/sh", "-ec", "hello there"]));
    assert_eq!(inner["ArgsEscaped"], true);
    assert_eq!(inner["Volumes"], json!({ "/data": {}, "/logs": {} }));
    assert_eq!(inner["WorkingDir"], "/srv/app");
    assert_eq!(inner["Labels"], json!({ "a": "b", "c d": "e $OTHER", "z": "y" }));
    assert_eq!(inner["StopSignal"], "SIGINT");
    assert_eq!(
        inner["Healthcheck"],
        json!({ "Test": ["CMD-SHELL", "true"], "Interval": 5_000_000_000_u64, "Retries": 3 })
    );
    assert_eq!(inner["Shell"], json!(["/bin/sh", "-ec"]));
    assert_eq!(inner["OnBuild"], json!(["RUN echo $WHO > /onbuild"]));
    assert_eq!((&config["author"], &config["architecture"]), (&json!("somebody"), &json!("amd64")));
    let history: Vec<&str> =
        config["history"].as_array().expect("a list").iter().filter_map(|line| line["created_by"].as_str()).collect();
    assert!(history.contains(&"ENV GREETING=hello world OTHER=x"), "{history:?}");
    assert!(history.contains(&"WORKDIR /srv/app # buildkit"), "{history:?}");
    assert!(history.contains(&r#"CMD ["/bin/sh" "-ec" "hello there"]"#), "{history:?}");
    assert!(tree.join("srv/app").is_dir());
}

#[test]
fn root_an_entry_point_of_its_own_drops_the_bases_command_and_triggers_run_once() {
    let Some(bench) = Bench::new() else { return };
    bench.build("FROM base:1\nCMD [\"x\"]\nONBUILD RUN echo done > /onbuild\n", &["-t", "parent:1"]).run();
    let (config, tree) = bench.built("FROM parent:1\nENTRYPOINT [\"y\"]\n", &[]);
    assert_eq!(config["config"]["Entrypoint"], json!(["y"]));
    assert_eq!((&config["config"]["Cmd"], &config["config"]["OnBuild"]), (&json!(null), &json!(null)));
    assert_eq!(super::text(&tree, "onbuild"), "done\n");
}

#[test]
fn root_what_is_wrong_is_shown_where_it_stands() {
    let Some(bench) = Bench::new() else { return };
    let said = bench.build("FROM base:1\nRUNN true\n", &[]).refused();
    assert!(said.contains("Dockerfile:2:1") && said.contains("did you mean `RUN`"), "{said}");
    let said = bench.build("FROM base:1\nSTOPSIGNAL SIGFOO\n", &[]).refused();
    assert!(said.contains("invalid signal: SIGFOO"), "{said}");
    let said = bench.build("FROM base:1\n\nRUN echo before; echo that >&2; exit 7\n", &[]).refused();
    assert!(said.contains("exit code 7") && said.contains("   3 | RUN echo") && said.contains("  that"), "{said}");
    let said = bench.build("FROM base:1 AS a\n", &["--target", "b"]).refused();
    assert!(said.contains("there is no stage `b`; there are a"), "{said}");
    let said = bench
        .build("FROM base:1\nCOPY --from=later /x /\nFROM base:1 AS later\nFROM base:1\nCOPY --from=0 /x /\n", &[])
        .refused();
    assert!(said.contains("needs to be defined before"), "{said}");
}
