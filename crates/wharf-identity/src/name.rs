//! Names of users, groups and robots.
//!
//! Users and groups are named without regard to case, or `Admin` could pass for `admin`: names are kept in lower case.
//! A `+` divides project and robot in a robot's log-in, and so stands in no name.

use std::fmt;
use std::str::FromStr;

use wharf_oci::ProjectName;

/// The longest name of a user, group or robot, in bytes.
pub const MAX_ACCOUNT_NAME_BYTES: usize = 128;

/// Names that the audit log uses for nobody and for Wharf itself.
const TAKEN: [&str; 2] = ["anonymous", "system"];

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountNameError {
    /// Breaks the grammar.
    #[error(
        "a name has 1 to {MAX_ACCOUNT_NAME_BYTES} letters, digits, `.`, `_`, `-` or `@`, and begins with a letter or digit"
    )]
    Malformed,
    /// Means somebody else already.
    #[error("the names `anonymous` and `system` are taken by wharf itself")]
    Taken,
}

macro_rules! account_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = AccountNameError;

            fn from_str(text: &str) -> Result<Self, AccountNameError> {
                parse(text).map(Self)
            }
        }
    };
}

account_name! {
    /// A user's log-in name, in lower case.
    UserName
}
account_name! {
    /// A group's name, in lower case.
    GroupName
}
account_name! {
    /// A robot account's name within its project, in lower case.
    RobotName
}

fn parse(text: &str) -> Result<String, AccountNameError> {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'@');
    let begins_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if !begins_well || text.len() > MAX_ACCOUNT_NAME_BYTES || !text.bytes().all(is_inner) {
        return Err(AccountNameError::Malformed);
    }
    let name = text.to_ascii_lowercase();
    if TAKEN.contains(&name.as_str()) { Err(AccountNameError::Taken) } else { Ok(name) }
}

/// What a caller logs in as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LoginName {
    /// A person.
    User(UserName),
    /// `PROJECT+NAME`.
    Robot(ProjectName, RobotName),
    /// Nobody can have such a name.
    Nobody,
}

impl LoginName {
    /// Reads what stands before the password. Never fails: a malformed name is nobody's, and is answered like one.
    pub(crate) fn parse(text: &str) -> Self {
        if let Some((project, robot)) = text.split_once('+') {
            return match (project.parse(), robot.parse()) {
                (Ok(project), Ok(robot)) => Self::Robot(project, robot),
                (Err(_), _) | (_, Err(_)) => Self::Nobody,
            };
        }
        text.parse().map_or(Self::Nobody, Self::User)
    }
}

impl fmt::Display for LoginName {
    /// For the log: what is no name is not repeated there, it may be somebody's password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => name.fmt(f),
            Self::Robot(project, name) => write!(f, "{project}+{name}"),
            Self::Nobody => f.write_str("(malformed)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_and_bounded() {
        assert_eq!(
            "Alice@Example.org".parse::<UserName>().map(|name| name.to_string()),
            Ok("alice@example.org".into())
        );
        let too_long = "a".repeat(MAX_ACCOUNT_NAME_BYTES + 1);
        for bad in ["", "+", "a+b", "a:b", "a b", ".a", "-a", "@a", "ä", "a\0", "a/b", too_long.as_str()] {
            assert_eq!(bad.parse::<UserName>(), Err(AccountNameError::Malformed), "{bad}");
        }
        for taken in ["anonymous", "System"] {
            assert_eq!(taken.parse::<UserName>(), Err(AccountNameError::Taken));
        }
    }

    #[test]
    fn a_plus_makes_a_robot() {
        assert!(matches!(LoginName::parse("alice"), LoginName::User(_)));
        let LoginName::Robot(project, robot) = LoginName::parse("payments+ci") else { panic!("a robot") };
        assert_eq!((project.as_str(), robot.as_str()), ("payments", "ci"));
        for nobody in ["", "+", "a+", "+b", "a+b+c", "A/b+c", "<token>"] {
            assert_eq!(LoginName::parse(nobody), LoginName::Nobody, "{nobody}");
        }
    }
}
