//! Choosing one platform's image in an index.

use std::fmt;
use std::str::FromStr;

use wharf_oci::{Descriptor, Platform};

/// A platform as people write it: `linux/arm64` or `linux/arm/v7`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformChoice {
    os: String,
    architecture: String,
    variant: Option<String>,
}

/// The text is no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a platform reads `os/architecture` or `os/architecture/variant`, for example `linux/arm64`")]
pub struct PlatformChoiceError;

impl FromStr for PlatformChoice {
    type Err = PlatformChoiceError;

    fn from_str(text: &str) -> Result<Self, PlatformChoiceError> {
        let parts: Vec<&str> = text.split('/').collect();
        let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
        if !parts.iter().all(is_word) {
            return Err(PlatformChoiceError);
        }
        let (os, architecture, variant) = match parts[..] {
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some(variant.to_owned())),
            _ => return Err(PlatformChoiceError),
        };
        // The names that uname has for what Go names otherwise.
        let architecture = match architecture {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        Ok(Self { os: os.to_owned(), architecture: architecture.to_owned(), variant })
    }
}

impl fmt::Display for PlatformChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{variant}"))
    }
}

impl PlatformChoice {
    /// The entry of an index for this platform: the first of those that fit, as every client takes it.
    pub fn choose<'a>(&self, manifests: &'a [Descriptor]) -> Option<&'a Descriptor> {
        manifests.iter().find(|entry| entry.platform.as_ref().is_some_and(|platform| self.fits(platform)))
    }

    fn fits(&self, platform: &Platform) -> bool {
        // 64-bit ARM has one variant, which most leave out.
        let plain = |variant: Option<&str>| match (self.architecture.as_str(), variant) {
            ("arm64", None) => Some("v8".to_owned()),
            (_, variant) => variant.map(str::to_owned),
        };
        let wanted = self.variant.as_deref();
        let is_variant = wanted.is_none() || plain(wanted) == plain(platform.variant.as_deref());
        self.os == platform.os && self.architecture == platform.architecture && is_variant
    }
}

#[cfg(test)]
mod tests {
    use wharf_oci::{Algorithm, Digest, MediaType};

    use super::*;

    fn entry(os: &str, architecture: &str, variant: Option<&str>) -> Descriptor {
        let digest = Digest::of(Algorithm::Sha256, format!("{os}{architecture}{variant:?}").as_bytes());
        let (os, architecture, variant) = (os.to_owned(), architecture.to_owned(), variant.map(str::to_owned));
        let platform = Some(Platform { os, architecture, variant, ..Platform::default() });
        Descriptor { platform, ..Descriptor::new(MediaType::OciManifest.as_str(), digest, 1) }
    }

    #[test]
    fn the_first_that_fits_is_chosen() {
        let entries = [
            entry("unknown", "unknown", None),
            entry("linux", "amd64", None),
            entry("linux", "arm", Some("v6")),
            entry("linux", "arm", Some("v7")),
            entry("linux", "arm64", None),
            entry("linux", "amd64", Some("v3")),
            entry("windows", "amd64", None),
        ];
        for (text, chosen) in [
            ("linux/amd64", Some(1)),
            ("linux/x86_64", Some(1)),
            ("linux/amd64/v3", Some(5)),
            ("linux/arm", Some(2)),
            ("linux/arm/v7", Some(3)),
            ("linux/arm64/v8", Some(4)),
            ("linux/aarch64", Some(4)),
            ("windows/amd64", Some(6)),
            ("linux/s390x", None),
            ("linux/arm/v5", None),
        ] {
            let choice: PlatformChoice = text.parse().expect(text);
            assert_eq!(choice.choose(&entries), chosen.map(|index: usize| &entries[index]), "{text}");
        }
        for bad in ["", "linux", "/amd64", "linux/", "linux/a/b/c", "linux/a b"] {
            assert_eq!(bad.parse::<PlatformChoice>(), Err(PlatformChoiceError), "{bad}");
        }
        assert_eq!("linux/aarch64/v8".parse::<PlatformChoice>().expect("one").to_string(), "linux/arm64/v8");
    }
}
