//! COPY, ADD and WORKDIR.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::{Bench, text};

#[test]
fn root_copy_puts_files_where_they_belong() {
    let Some(bench) = Bench::new() else { return };
    bench.write("a.txt", "a");
    bench.write("b.txt", "b");
    bench.write("c.md", "c");
    bench.write("dir/sub/x", "x");
    bench.write("dir/y", "y");
    let dockerfile = r#"
FROM base:1
WORKDIR /w
COPY a.txt renamed
COPY a.txt b.txt into/
COPY *.txt /glob/
COPY nothing* /glob/
COPY dir /tree
COPY --chown=app:team --chmod=u=rw,go= a.txt /owned
COPY --chown=7 --chmod=4755 a.txt /numbered
COPY --exclude=sub --exclude=*.md . /some/
COPY ["a.txt", "/json form"]
COPY <<one <<"two" /here/
hello $HOME
one
raw $HOME
two
COPY a.txt /bin
"#;
    let (_, tree) = bench.built(dockerfile, &[]);
    assert_eq!(text(&tree, "w/renamed"), "a");
    assert_eq!((text(&tree, "w/into/a.txt"), text(&tree, "w/into/b.txt")), ("a".to_owned(), "b".to_owned()));
    assert!(tree.join("glob/b.txt").is_file() && !tree.join("glob/c.md").exists());
    assert_eq!((text(&tree, "tree/sub/x"), text(&tree, "tree/y")), ("x".to_owned(), "y".to_owned()));
    let owned = std::fs::metadata(tree.join("owned")).expect("there");
    assert_eq!((owned.mode() & 0o7777, owned.uid(), owned.gid()), (0o600, 1000, 1001));
    let numbered = std::fs::metadata(tree.join("numbered")).expect("there");
    assert_eq!((numbered.mode() & 0o7777, numbered.uid(), numbered.gid()), (0o4755, 7, 7));
    assert!(tree.join("some/dir/y").is_file() && tree.join("some/a.txt").is_file() && !tree.join("some/c.md").exists());
    assert_eq!(text(&tree, "json form"), "a");
    assert_eq!((text(&tree, "here/one"), text(&tree, "here/two")), ("hello \n".to_owned(), "raw $HOME\n".to_owned()));
    assert_eq!(text(&tree, "bin/a.txt"), "a");
}

#[test]
fn root_copy_from_takes_files_of_stages_images_and_named_contexts() {
    let Some(bench) = Bench::new() else { return };
    bench.write("a", "context");
    std::fs::create_dir(bench.path().join("other")).expect("made");
    std::fs::write(bench.path().join("other/n"), "named").expect("written");
    let dockerfile = r#"
FROM base:1 AS Build
RUN mkdir -p /out/deep && echo made > /out/deep/file && chmod 750 /out/deep && ln -s file /out/deep/link
FROM base:1 AS unused
RUN false
FROM scratch
COPY --from=build /out /
COPY --from=0 /out/deep/file /numbered
COPY --from=base:1 /etc/passwd /passwd
COPY --from=named n /
COPY --link a /linked/a
"#;
    let (config, tree) = bench.built(dockerfile, &["--build-context", "named=other"]);
    assert_eq!((text(&tree, "deep/file"), text(&tree, "numbered")), ("made\n".to_owned(), "made\n".to_owned()));
    assert_eq!(std::fs::metadata(tree.join("deep")).expect("there").permissions().mode() & 0o777, 0o750);
    assert_eq!(std::fs::read_link(tree.join("deep/link")).expect("a link").to_str(), Some("file"));
    assert!(text(&tree, "passwd").contains("app:x:1000"));
    assert_eq!((text(&tree, "n"), text(&tree, "linked/a")), ("named".to_owned(), "context".to_owned()));
    assert_eq!(config["rootfs"]["diff_ids"].as_array().map(Vec::len), Some(5));
}

#[test]
fn root_nothing_outside_of_the_context_is_reached() {
    let Some(bench) = Bench::new() else { return };
    bench.write("a", "a");
    std::fs::write(bench.path().join("secret"), "secret").expect("written");
    symlink(bench.path().join("secret"), bench.path().join("context/absolute")).expect("linked");
    symlink("../secret", bench.path().join("context/relative")).expect("linked");
    symlink("a", bench.path().join("context/inside")).expect("linked");
    for source in ["../secret", "absolute", "relative", "missing"] {
        let said = bench.build(&format!("FROM base:1\nCOPY {source} /x\n"), &[]).refused();
        assert!(said.contains("is not in the build context"), "{source}: {said}");
    }
    // A link in the image does not lead out of it, either.
    let dockerfile = format!(
        "FROM base:1\nRUN ln -s {} /out && ln -s ../../../../.. /up\nCOPY inside /out/escaped\nCOPY a /up/\n",
        bench.path().display()
    );
    let (_, tree) = bench.built(&dockerfile, &[]);
    assert!(!bench.path().join("escaped").exists());
    assert_eq!(text(&tree, "a"), "a");
}

#[test]
fn root_the_ignore_file_hides_what_it_names() {
    let Some(bench) = Bench::new() else { return };
    for path in ["a.log", "keep.log", "node_modules/x", "src/a.log", "src/main"] {
        bench.write(path, "x");
    }
    bench.write(".dockerignore", "# logs\n**/*.log\n!keep.log\nnode_modules\n");
    let (_, tree) = bench.built("FROM scratch\nCOPY . /\n", &[]);
    let there = |path: &str| tree.join(path).exists();
    assert!(there("keep.log") && there("src/main"));
    assert!(!there("a.log") && !there("src/a.log") && !there("node_modules"));
    bench.write("Dockerfile.dockerignore", "src\n");
    let (_, tree) = bench.built("FROM scratch\nCOPY . /\n", &[]);
    assert!(tree.join("a.log").exists() && !tree.join("src").exists(), "the file beside the Dockerfile counts alone");
}

#[test]
fn root_a_working_directory_belongs_to_the_user_of_the_moment() {
    let Some(bench) = Bench::new() else { return };
    let (_, tree) = bench.built("FROM base:1\nUSER app\nWORKDIR /new/deep\nCOPY Dockerfile .\n", &[]);
    let owner = |path: &str| std::fs::metadata(tree.join(path)).map(|file| (file.uid(), file.gid())).expect("there");
    assert_eq!((owner("new"), owner("new/deep"), owner("new/deep/Dockerfile")), ((1000, 1001), (1000, 1001), (0, 0)));
}

#[test]
fn root_add_unpacks_what_is_local_and_fetches_what_is_not() {
    let Some(bench) = Bench::new() else { return };
    bench.write("packed/inner/x", "x");
    let context = bench.path().join("context");
    crate::command::Program::new("tar", bench.path())
        .args(["-czf", "context/a.tgz", "-C", "context/packed", "."])
        .run();
    bench.write("plain", "plain");
    let (address, served) = serve("a download");
    let digest = crate::image::Algorithm::Sha256.digest(b"a download");
    let dockerfile = format!(
        "FROM scratch\nADD a.tgz /unpacked/\nADD plain /plain\nADD --unpack=false a.tgz /packed.tgz\n\
         ADD http://{address}/dir/file.txt /fetched/\nADD --checksum={digest} http://{address}/file /known\n"
    );
    let (_, tree) = bench.built(&dockerfile, &[]);
    assert_eq!((text(&tree, "unpacked/inner/x"), text(&tree, "plain")), ("x".to_owned(), "plain".to_owned()));
    assert_eq!(
        std::fs::read(tree.join("packed.tgz")).expect("there"),
        std::fs::read(context.join("a.tgz")).expect("there")
    );
    assert_eq!(
        (text(&tree, "fetched/file.txt"), text(&tree, "known")),
        ("a download".to_owned(), "a download".to_owned())
    );
    assert_eq!(std::fs::metadata(tree.join("known")).expect("there").mode() & 0o777, 0o600);
    let wrong = format!("FROM scratch\nADD --checksum=sha256:{} http://{address}/file /known\n", "0".repeat(64));
    let said = bench.build(&wrong, &[]).refused();
    assert!(said.contains(&digest), "{said}");
    drop(served);
}

/// Serves one text to whoever asks, until it is dropped with the test.
fn serve(text: &'static str) -> (String, std::thread::JoinHandle<()>) {
    use std::io::{BufRead as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let serving = std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            let lines = std::io::BufReader::new(&stream).lines();
            lines.take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty())).count();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}", text.len());
            stream.write_all(head.as_bytes()).expect("it listens");
        }
    });
    (address, serving)
}

#[test]
fn root_parents_are_kept_from_the_pivot_on() {
    let Some(bench) = Bench::new() else { return };
    for path in ["a/b/x.c", "a/c/y.c", "a/c/y.h"] {
        bench.write(path, path);
    }
    let (_, tree) = bench.built("FROM scratch\nCOPY --parents a/**/*.c /all/\nCOPY --parents a/./b /pivot/\n", &[]);
    assert_eq!((text(&tree, "all/a/b/x.c"), text(&tree, "all/a/c/y.c")), ("a/b/x.c".to_owned(), "a/c/y.c".to_owned()));
    assert!(!tree.join("all/a/c/y.h").exists() && tree.join("pivot/b/x.c").is_file());
}

#[test]
fn root_a_context_comes_as_an_archive_too() {
    let Some(bench) = Bench::new() else { return };
    bench.write("Dockerfile", "FROM scratch\nCOPY in /\n");
    bench.write("in/file", "from an archive");
    let binary = crate::server::binary().display().to_string();
    let line = "tar -cz -C context . | \"$0\" build - --store store --output type=local,dest=tree";
    crate::command::Program::new("sh", bench.path()).args(["-c", line, &binary]).run();
    assert_eq!(text(&bench.path().join("tree"), "file"), "from an archive");
}
