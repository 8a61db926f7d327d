//! How each server is told its folder and address, so that all do the same work.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::{Maker, data};
use crate::row::REPOSITORIES;

/// The command line, after what it names has been written into `folder`.
pub(super) fn arguments(maker: Maker, folder: &Path, address: SocketAddr) -> Result<Vec<String>> {
    let text = folder.to_str().context("the folder's name is not text")?;
    let arguments = match maker {
        Maker::Wharf | Maker::Sealed => {
            let (listen, data) = (address.to_string(), data(folder).display().to_string());
            ["serve", "--open", "--log-level", "error", "--listen", &listen, "--data", &data]
                .map(str::to_owned)
                .to_vec()
        }
        Maker::Distribution => {
            let path = folder.join("config.yml");
            std::fs::write(&path, distribution(text, address))?;
            vec!["serve".to_owned(), path.display().to_string()]
        }
        Maker::Nginx => {
            let path = folder.join("nginx.conf");
            std::fs::write(&path, nginx(text, address))?;
            // The answer to the first question.
            std::fs::create_dir_all(data(folder).join("v2"))?;
            std::fs::write(data(folder).join("v2/index.html"), "{}")?;
            ["-p", text, "-e", "stderr", "-c"]
                .map(str::to_owned)
                .into_iter()
                .chain([path.display().to_string()])
                .collect()
        }
        Maker::Pipe => anyhow::bail!("a pipe is no server"),
    };
    Ok(arguments)
}

/// What it is told by variables.
pub(super) fn variables(maker: Maker) -> &'static [(&'static str, &'static str)] {
    if maker == Maker::Sealed { &[("WHARF_ENCRYPTION_BLOBS", "true")] } else { &[] }
}

/// As Debian configures it, but without passwords, and as quiet as Wharf: no access log, errors only. Its page of
/// repositories is as long as the one that is asked for.
fn distribution(folder: &str, address: SocketAddr) -> String {
    format!(
        "version: 0.1\nlog:\n  level: error\n  accesslog:\n    disabled: true\nstorage:\n  cache:\n    blobdescriptor: inmemory\n  \
         filesystem:\n    rootdirectory: {folder}/data\n  delete:\n    enabled: true\nhttp:\n  addr: {address}\n\
         catalog:\n  maxentries: {REPOSITORIES}\n"
    )
}

fn nginx(folder: &str, address: SocketAddr) -> String {
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary: String = temporary.iter().map(|kind| format!("  {kind}_temp_path {folder}/{kind};\n")).collect();
    format!(
        "daemon off;\nuser root;\nworker_processes auto;\npid {folder}/pid;\nerror_log stderr error;\nevents {{}}\nhttp {{\n{temporary}  \
         access_log off;\n  sendfile on;\n  tcp_nopush on;\n  keepalive_requests 1000000000;\n  server {{\n    listen {address};\n    \
         root {folder}/data;\n  }}\n}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_configured_for_its_own_folder_and_address() {
        let address = SocketAddr::from(([127, 0, 0, 1], 7));
        let text = distribution("/x", address);
        assert!(text.contains("\n    rootdirectory: /x/data\n") && text.contains("\n  addr: 127.0.0.1:7\n"));
        let text = nginx("/x", address);
        assert!(text.contains("root /x/data;") && text.contains("listen 127.0.0.1:7;"));
    }
}
