//! Credentials and region as the AWS tools take them: from their variables, else from their files, else from where the
//! container or machine gives them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use wharf_blob::s3::settings::Credentials;

use super::source::Environment;
use crate::error::Error;

/// The name that our sessions get.
const SESSION: &str = "wharf";

/// What the AWS tools would use here.
#[derive(Debug)]
pub(crate) struct Aws {
    pub(crate) credentials: Credentials,
    pub(crate) region: Option<String>,
    pub(crate) endpoint: Option<String>,
}

/// What a profile says, by key.
type Profile = BTreeMap<String, String>;

impl Aws {
    /// Finds credentials; the files that the variables name, or the ones in the home folder, may be missing.
    pub(crate) fn find(environment: &Environment) -> Result<Self, Error> {
        let variable = |name: &str| environment.get(name).filter(|value| !value.is_empty()).cloned();
        let profile = profile(environment)?;
        let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
        let endpoint = variable("AWS_ENDPOINT_URL_S3").or_else(|| variable("AWS_ENDPOINT_URL"));
        Ok(Self {
            credentials: from_variables(&variable)
                .or_else(|| from_profile(&profile))
                .unwrap_or_else(|| from_surroundings(&variable)),
            region: region.or_else(|| profile.get("region").cloned()),
            endpoint: endpoint.or_else(|| profile.get("endpoint_url").cloned()),
        })
    }
}

fn from_variables(variable: &dyn Fn(&str) -> Option<String>) -> Option<Credentials> {
    if let (Some(id), Some(secret)) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
        return Some(Credentials::Key { id, secret, token: variable("AWS_SESSION_TOKEN") });
    }
    Some(Credentials::WebIdentity {
        token_file: PathBuf::from(variable("AWS_WEB_IDENTITY_TOKEN_FILE")?),
        role: variable("AWS_ROLE_ARN")?,
        session: variable("AWS_ROLE_SESSION_NAME").unwrap_or_else(|| SESSION.to_owned()),
        sts_endpoint: variable("AWS_ENDPOINT_URL_STS"),
    })
}

fn from_profile(profile: &Profile) -> Option<Credentials> {
    let value = |name: &str| profile.get(name).cloned();
    if let (Some(id), Some(secret)) = (value("aws_access_key_id"), value("aws_secret_access_key")) {
        return Some(Credentials::Key { id, secret, token: value("aws_session_token") });
    }
    Some(Credentials::WebIdentity {
        token_file: PathBuf::from(value("web_identity_token_file")?),
        role: value("role_arn")?,
        session: value("role_session_name").unwrap_or_else(|| SESSION.to_owned()),
        sts_endpoint: None,
    })
}

fn from_surroundings(variable: &dyn Fn(&str) -> Option<String>) -> Credentials {
    if let Some(path) = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        return Credentials::Container { path };
    }
    let url = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    match (url, variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")) {
        (Some(url), Some(token_file)) => Credentials::Agent { url, token_file: PathBuf::from(token_file) },
        _ => Credentials::Machine { endpoint: variable("AWS_EC2_METADATA_SERVICE_ENDPOINT") },
    }
}

/// The profile that `AWS_PROFILE` names, out of both files; what the credentials file says counts more.
fn profile(environment: &Environment) -> Result<Profile, Error> {
    let name = environment.get("AWS_PROFILE").map_or("default", String::as_str);
    let home = environment.get("HOME").map(PathBuf::from).unwrap_or_default();
    let files = [
        ("AWS_CONFIG_FILE", ".aws/config", format!("profile {name}")),
        ("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", name.to_owned()),
    ];
    let mut profile = Profile::new();
    for (variable, usual, section) in files {
        let named = environment.get(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
        let text = read(named.as_deref(), &home.join(usual))?;
        profile.extend(section_of(&text, &section));
        if name == "default" {
            profile.extend(section_of(&text, name));
        }
    }
    Ok(profile)
}

/// A file that was named must be there; the usual one need not.
fn read(named: Option<&Path>, usual: &Path) -> Result<String, Error> {
    let path = named.unwrap_or(usual);
    match std::fs::read_to_string(path) {
        Err(_) if named.is_none() => Ok(String::new()),
        read => read.map_err(|source| Error::ReadCredentials { path: path.to_owned(), source }),
    }
}

/// The keys of one section of an INI file. Nested values, which are indented, are none of ours.
fn section_of(text: &str, section: &str) -> Profile {
    let mut is_inside = false;
    let mut found = Profile::new();
    for line in text.lines() {
        if let Some(name) = line.trim().strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            is_inside = name.trim() == section;
        } else if let Some((key, value)) = line.split_once('=')
            && is_inside
            && !key.starts_with([' ', '\t', '#', ';'])
        {
            found.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(variables: &[(&str, &str)]) -> Aws {
        let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Aws::find(&environment).expect("nothing is named that is not there")
    }

    #[test]
    fn variables_count_more_than_files_and_files_more_than_the_machine() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let credentials = folder.path().join("credentials");
        let text = "# ours\n[default]\naws_access_key_id = A\naws_secret_access_key=B\n[other]\naws_access_key_id=C\n\
                    aws_secret_access_key=D==\n  nested = x\n";
        std::fs::write(&credentials, text).expect("writes");
        let config = folder.path().join("config");
        std::fs::write(&config, "[profile other]\nregion = eu-1\n[default]\nregion = us-1\n").expect("writes");
        let files = [
            ("AWS_SHARED_CREDENTIALS_FILE", credentials.to_str().expect("text")),
            ("AWS_CONFIG_FILE", config.to_str().expect("text")),
        ];
        let key = |aws: Aws| {
            let Credentials::Key { id, secret, token } = aws.credentials else { panic!("no key") };
            (id, secret, token, aws.region)
        };
        let expected =
            |id: &str, secret: &str, region: &str| (id.to_owned(), secret.to_owned(), None, Some(region.to_owned()));
        assert_eq!(key(find(&files)), expected("A", "B", "us-1"));
        let other = [files[0], files[1], ("AWS_PROFILE", "other")];
        assert_eq!(key(find(&other)), expected("C", "D==", "eu-1"));
        let variables = [("AWS_ACCESS_KEY_ID", "E"), ("AWS_SECRET_ACCESS_KEY", "F"), ("AWS_REGION", "x-1")];
        assert_eq!(key(find(&[&files[..], &variables[..]].concat())), expected("E", "F", "x-1"));
    }

    #[test]
    fn roles_and_machines_are_found() {
        let nothing = ("HOME", "/nonexistent");
        let web = [nothing, ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"), ("AWS_ROLE_ARN", "arn:x")];
        assert!(matches!(find(&web).credentials, Credentials::WebIdentity { .. }));
        let agent = [
            nothing,
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/token"),
        ];
        assert!(matches!(find(&agent).credentials, Credentials::Agent { .. }));
        let container = [nothing, ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x")];
        assert!(matches!(find(&container).credentials, Credentials::Container { .. }));
        assert!(matches!(find(&[nothing]).credentials, Credentials::Machine { .. }));
    }
}
