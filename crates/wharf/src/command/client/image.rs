//! An image of the server that is asked, as people name it: `PROJECT/REPOSITORY[:TAG]` or `PROJECT/REPOSITORY@DIGEST`.

use wharf_oci::{Reference, RepositoryName};

use super::{Client, Error};

/// One image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Image {
    /// As it was named.
    pub(crate) name: String,
    /// The project that owns the repository, whatever environment it stands in.
    pub(crate) project: String,
    pub(crate) repository: String,
    pub(crate) reference: String,
}

impl Image {
    /// Reads a name. The server is asked what its environments are called where the name may begin with one.
    pub(crate) fn parse(client: &Client, name: &str) -> Result<Self, Error> {
        let (repository, reference) = split(name).ok_or_else(|| Error::ImageName { name: name.to_owned() })?;
        let parts: Vec<&str> = repository.as_str().split('/').collect();
        let project = match parts[..] {
            [first, second, _, ..] if has_environment(client, first)? => second,
            _ => parts.first().copied().unwrap_or_default(),
        };
        Ok(Self {
            name: name.to_owned(),
            project: project.to_owned(),
            repository: repository.to_string(),
            reference: reference.to_string(),
        })
    }

    /// What asks for it.
    pub(crate) fn query(&self) -> Vec<(&str, &str)> {
        vec![("repository", self.repository.as_str()), ("reference", self.reference.as_str())]
    }
}

fn has_environment(client: &Client, name: &str) -> Result<bool, Error> {
    let server = client.get(&["server"])?;
    Ok(server["environments"].as_array().into_iter().flatten().any(|environment| environment == name))
}

fn split(name: &str) -> Option<(RepositoryName, Reference)> {
    let (repository, reference) = match name.split_once('@') {
        Some((repository, digest)) => (repository, digest),
        None => match name.rsplit_once(':') {
            Some((repository, tag)) => (repository, tag),
            None => (name, "latest"),
        },
    };
    Some((repository.parse().ok()?, reference.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_named_by_a_tag_or_a_digest() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let at = format!("pay/app@{digest}");
        let table = [
            ("pay/app", Some(("pay/app", "latest"))),
            ("pay/app:1.0", Some(("pay/app", "1.0"))),
            (at.as_str(), Some(("pay/app", digest.as_str()))),
            ("Pay/app", None),
            ("pay/app:", None),
            ("host:5000/pay/app:1", None),
        ];
        for (name, wanted) in table {
            let found = split(name).map(|(repository, reference)| (repository.to_string(), reference.to_string()));
            assert_eq!(found, wanted.map(|(one, other)| (one.to_owned(), other.to_owned())), "{name}");
        }
    }
}
