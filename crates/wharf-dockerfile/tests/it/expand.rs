//! Whole files expanded: which value a variable has where.

use wharf_dockerfile::expand::{CopyStep, Globals, Inputs, Origin, Scope, Step, unused_arguments};
use wharf_dockerfile::instruction::mount::{Mount, Sharing};
use wharf_dockerfile::{Dockerfile, parse};

fn inputs(arguments: &[(&str, &str)]) -> Inputs {
    Inputs {
        build_args: arguments.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        target_platform: "linux/arm64/v8".to_owned(),
        build_platform: "linux/amd64".to_owned(),
        target_stage: String::new(),
    }
}

/// Does the last stage of a text, on a base that says BASE=base; gives its steps and its scope.
fn run(text: &str, arguments: &[(&str, &str)]) -> (Vec<Step>, Scope) {
    let dockerfile = valid(text);
    let globals = Globals::of(&dockerfile, &inputs(arguments));
    let mut scope = globals.stage(&["BASE=base".to_owned()]);
    let mut steps = Vec::new();
    for (at, stage) in dockerfile.stages().iter().enumerate() {
        if at > 0 {
            scope = scope.child();
        }
        steps = stage.instructions.iter().map(|instruction| scope.step(instruction).expect("is done")).collect();
    }
    (steps, scope)
}

fn valid(text: &str) -> Dockerfile {
    let dockerfile = parse(text);
    assert!(dockerfile.is_valid(), "{:?}", dockerfile.diagnostics);
    dockerfile
}

/// The value of the last LABEL.
fn label(text: &str, arguments: &[(&str, &str)]) -> String {
    let (steps, _) = run(text, arguments);
    match steps.last() {
        Some(Step::Label(labels)) => labels[0].1.clone(),
        other => panic!("a LABEL: {other:?}"),
    }
}

#[test]
fn variables_have_the_value_of_the_nearest_scope() {
    type Arguments = &'static [(&'static str, &'static str)];
    let cases: &[(&str, Arguments, &str)] = &[
        // An ARG of the file must be declared again.
        ("ARG A=1\nFROM x\nLABEL l=$A", &[], ""),
        ("ARG A=1\nFROM x\nARG A\nLABEL l=$A", &[], "1"),
        ("ARG A=1\nFROM x\nARG A=2\nLABEL l=$A", &[], "2"),
        ("ARG A=1\nFROM x\nARG A\nLABEL l=$A", &[("A", "3")], "3"),
        ("ARG A=1\nFROM x\nARG A=2\nLABEL l=$A", &[("A", "3")], "3"),
        ("ARG A=1\nARG B=$A$A\nFROM x\nARG B\nLABEL l=$B", &[], "11"),
        ("ARG A=1\nARG B=$A\nFROM x\nARG B\nLABEL l=$B", &[("A", "3")], "3"),
        ("FROM x\nLABEL l=$A", &[("A", "3")], ""),
        ("FROM x\nARG A\nLABEL l=$A", &[], ""),
        ("FROM x\nARG A=\nLABEL l=${A-unset}", &[], ""),
        ("FROM x\nARG A\nLABEL l=${A-unset}", &[], "unset"),
        // From its line on, and into stages that stand on this one.
        ("FROM x\nARG A=1\nFROM y\nLABEL l=$A", &[], "1"),
        ("FROM x\nENV A=1\nFROM y\nLABEL l=$A", &[], "1"),
        ("FROM x\nARG A=$B\nARG B=1\nLABEL l=$A", &[], ""),
        // The base's environment; ENV and ARG of one name are one variable.
        ("FROM x\nLABEL l=$BASE", &[], "base"),
        ("FROM x\nARG BASE=1\nLABEL l=$BASE", &[], "1"),
        ("FROM x\nARG A=1\nENV A=2\nLABEL l=$A", &[("A", "3")], "2"),
        ("FROM x\nENV A=2\nARG A=1\nLABEL l=$A", &[], "1"),
        ("FROM x\nARG A=1\nENV A=${A:-2}\nLABEL l=$A", &[], "1"),
        // Values are those before the instruction.
        ("FROM x\nENV A=hello\nENV A=bye B=$A\nLABEL l=$B", &[], "hello"),
        ("FROM x\nENV A=1 B=$A\nLABEL l=$B", &[], ""),
        // ARG sees what stands before it on its line.
        ("FROM x\nARG A=1 B=$A\nLABEL l=$B", &[], "1"),
        // Platforms.
        ("FROM x\nLABEL l=$TARGETARCH", &[], ""),
        ("FROM x\nARG TARGETARCH\nLABEL l=$TARGETARCH", &[], "arm64"),
        ("FROM x\nARG TARGETVARIANT BUILDPLATFORM\nLABEL l=$TARGETVARIANT-$BUILDPLATFORM", &[], "v8-linux/amd64"),
        ("FROM x\nARG TARGETOS=windows\nLABEL l=$TARGETOS", &[], "windows"),
        ("ARG TARGETOS\nFROM x\nARG TARGETOS\nLABEL l=$TARGETOS", &[("TARGETOS", "plan9")], "plan9"),
        ("FROM x\nARG TARGETSTAGE\nLABEL l=$TARGETSTAGE", &[], "default"),
        // A proxy is nobody's variable before it is declared.
        ("FROM x\nLABEL l=$HTTP_PROXY", &[("HTTP_PROXY", "p")], ""),
        ("FROM x\nARG HTTP_PROXY\nLABEL l=$HTTP_PROXY", &[("HTTP_PROXY", "p")], "p"),
    ];
    for (text, arguments, expected) in cases {
        assert_eq!(label(text, arguments), *expected, "{text} {arguments:?}");
    }
}

#[test]
fn froms_see_the_files_arguments_and_nothing_else() {
    type Arguments = &'static [(&'static str, &'static str)];
    let cases: &[(&str, Arguments, &str, Option<&str>)] = &[
        ("ARG V=1\nFROM a:$V", &[], "a:1", None),
        ("ARG V=1\nFROM a:${V}", &[("V", "2")], "a:2", None),
        ("ARG V\nFROM a:${V:-3}", &[], "a:3", None),
        ("FROM --platform=$BUILDPLATFORM a", &[], "a", Some("linux/amd64")),
        ("ARG A=b\nFROM \"$A\"", &[], "b", None),
        ("FROM a:1@sha256:0", &[], "a:1@sha256:0", None),
    ];
    for (text, arguments, image, platform) in cases {
        let dockerfile = valid(text);
        let base = Globals::of(&dockerfile, &inputs(arguments)).base(dockerfile.stages()[0].from).unwrap();
        assert_eq!((base.image.as_str(), base.platform.as_deref()), (*image, *platform), "{text}");
    }
    let dockerfile = valid("ARG VERSION=1\nFROM $VERSOIN");
    let error = Globals::of(&dockerfile, &inputs(&[])).base(dockerfile.stages()[0].from).unwrap_err();
    assert_eq!(error.message, "the base `$VERSOIN` is empty");
    assert_eq!(error.hint.as_deref(), Some("did you mean `$VERSION`?"));
}

#[test]
fn instructions_expand_where_the_reference_says_so() {
    let head = "FROM x\nENV A=1 L=\"80 443/udp\"\n";
    let step = |line: &str| run(&format!("{head}{line}"), &[]).0.pop().unwrap();
    assert_eq!(step("WORKDIR /$A"), Step::Workdir("/1".to_owned()));
    assert_eq!(step("USER u$A:g$A"), Step::User("u1:g1".to_owned()));
    assert_eq!(step("STOPSIGNAL $A"), Step::Stopsignal("1".to_owned()));
    assert_eq!(step("VOLUME [\"/a $A\"]"), Step::Volume(vec!["/a 1".to_owned()]));
    assert_eq!(step("LABEL a$A=\"b $A\""), Step::Label(vec![("a1".to_owned(), "b 1".to_owned())]));
    assert_eq!(step("ONBUILD RUN $A"), Step::Onbuild("RUN $A".to_owned()));
    assert_eq!(step("MAINTAINER $A"), Step::Maintainer("$A".to_owned()));
    assert_eq!(step("SHELL [\"$A\"]"), Step::Shell(vec!["$A".to_owned()]));
    let Step::Expose(ports) = step("EXPOSE $L 9000-9001") else { panic!("an EXPOSE") };
    let keys: Vec<_> = ports.iter().flat_map(|ports| ports.keys()).collect();
    assert_eq!(keys, ["80/tcp", "443/udp", "9000/tcp", "9001/tcp"]);
    let Step::Run(run) = step("RUN echo $A") else { panic!("a RUN") };
    assert_eq!(run.form, wharf_dockerfile::instruction::RunForm::Shell("echo $A".to_owned()));
}

#[test]
fn copies_expand_words_and_unquoted_heredocs() {
    let text =
        "FROM x\nENV A=1\nCOPY --chown=$A --chmod=$A --from=s --exclude=$A a$A <<f <<'g' /d$A/\n\"$A\"\nf\n$A\ng\n";
    let (steps, _) = run(text, &[]);
    let file = |name: &str, content: &str| Origin::File { name: name.to_owned(), content: content.to_owned() };
    let expected = CopyStep {
        from: Some("s".to_owned()),
        chown: Some("1".to_owned()),
        chmod: Some("1".to_owned()),
        link: false,
        parents: false,
        exclude: vec!["$A".to_owned()],
        sources: vec![Origin::Path("a1".to_owned()), file("f", "\"1\"\n"), file("g", "$A\n")],
        destination: "/d1/".to_owned(),
    };
    assert_eq!(steps.last(), Some(&Step::Copy(expected)));
}

#[test]
fn mounts_get_their_types() {
    let mount = |options: &str| {
        let (mut steps, _) = run(&format!("FROM x\nARG N=go\nRUN --mount={options} x"), &[]);
        let Some(Step::Run(run)) = steps.pop() else { panic!("a RUN") };
        run.mounts[0].clone()
    };
    let Mount::Cache { id, target, sharing, access, .. } =
        mount("type=cache,id=$N,target=/root/.cache/$N,sharing=locked,mode=0700,uid=5")
    else {
        panic!("a cache")
    };
    assert_eq!((id.as_deref(), target.as_str(), sharing), (Some("go"), "/root/.cache/go", Sharing::Locked));
    assert_eq!((access.mode, access.uid, access.gid), (Some(0o700), Some(5), None));
    let bind = Mount::Bind { from: Some("s".into()), source: Some("/a".into()), target: "/b".into(), writable: true };
    assert_eq!(mount("from=s,src=/a,dst=/b,rw"), bind);
    assert_eq!(
        mount("type=tmpfs,target=/t,size=64m"),
        Mount::Tmpfs { target: "/t".into(), size_bytes: Some(64 << 20) }
    );
    let Mount::Secret { id, target, env, required, .. } = mount("type=secret,target=/a/token,required") else {
        panic!("a secret")
    };
    assert_eq!((id.as_str(), target.as_deref(), env, required), ("token", Some("/a/token"), None, true));
    let Mount::Secret { target, env, .. } = mount("type=secret,id=a,env=TOKEN") else { panic!("a secret") };
    assert_eq!((target, env.as_deref()), (None, Some("TOKEN")));
    let Mount::Ssh { id, required, .. } = mount("type=ssh,required=false") else { panic!("an agent") };
    assert_eq!((id.as_str(), required), ("default", false));
}

#[test]
fn scopes_tell_environment_arguments_and_what_is_undefined() {
    let text = "ARG G=g\nFROM x\nARG G\nARG N\nENV E=$G\nLABEL l=$N$TYPO$BAES\n";
    let (_, mut scope) = run(text, &[]);
    assert_eq!(scope.environment().iter().collect::<Vec<_>>(), [("BASE", "base"), ("E", "g")]);
    assert_eq!(scope.arguments().collect::<Vec<_>>(), [("G", "g"), ("N", "")]);
    let undefined = scope.take_undefined();
    let shown: Vec<_> = undefined.iter().map(|u| (u.name.as_str(), u.suggestion.as_deref())).collect();
    assert_eq!(shown, [("BAES", Some("BASE")), ("TYPO", None)]);
    assert!(scope.take_undefined().is_empty());
}

#[test]
fn build_arguments_nobody_declared_are_told() {
    let dockerfile = valid("ARG VERSION=1\nFROM x\nARG NAME\nONBUILD ARG LATER");
    let given = [("VERSOIN", "1"), ("NAME", "1"), ("LATER", "1"), ("http_proxy", "1"), ("BUILDKIT_INLINE_CACHE", "1")];
    let unused = unused_arguments(&dockerfile, &inputs(&given));
    assert_eq!(unused, [("VERSOIN".to_owned(), Some("VERSION".to_owned()))]);
    let proxies = inputs(&given).proxies();
    assert_eq!(proxies, [("HTTP_PROXY".to_owned(), "1".to_owned()), ("http_proxy".to_owned(), "1".to_owned())]);
}

#[test]
fn errors_stand_where_their_word_stands() {
    let cases = [
        ("WORKDIR /${A", "/${A", "cannot expand `/${A`: `}` is missing"),
        ("ENV A=\"${B:?no B}\"", "\"${B:?no B}\"", "cannot expand `\"${B:?no B}\"`: variable `B`: no B"),
        ("EXPOSE a", "a", "`a` is no port: a port is like `80`, `53/udp` or `8000-8010`"),
        ("COPY --from=$A b c", "$A", "variables are not expanded in `--from`"),
        ("RUN --mount=type=$A x", "$A", "`` is no type of mount; there are bind, cache, tmpfs, secret, ssh"),
    ];
    for (line, place, message) in cases {
        let dockerfile = valid(&format!("FROM x\n{line}"));
        let mut scope = Globals::of(&dockerfile, &inputs(&[])).stage(&[]);
        let error = scope.step(&dockerfile.instructions[1]).unwrap_err();
        assert_eq!((dockerfile.text_at(error.span), error.message.as_str()), (place, message), "{line}");
    }
}

#[test]
fn variables_that_grow_are_stopped() {
    let mut text = String::from("FROM x\nENV A=0123456789abcdef\n");
    text.push_str(&"ENV A=$A$A\n".repeat(100));
    let dockerfile = valid(&text);
    let mut scope = Globals::of(&dockerfile, &inputs(&[])).stage(&[]);
    let failed = dockerfile.instructions[1..].iter().filter(|instruction| scope.step(instruction).is_err()).count();
    assert!(failed > 0);
}
