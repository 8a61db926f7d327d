//! Who a process is: a Dockerfile's USER, looked up in the image's `/etc/passwd` and `/etc/group`.
//!
//! Both files are a stranger's. A line that is not as it must be is passed over, as C libraries do; ids are numbers of 31
//! bits and nothing else. What is looked up how is as runc and BuildKit have it.

#[cfg(test)]
mod tests;

/// The largest id that an image may name.
const MAX_ID: u32 = (1 << 31) - 1;

/// Numbers, and where such a user is at home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Its other groups; the group itself is the first of them.
    pub groups: Vec<u32>,
    /// Its home folder, `/` for a user whom the image does not know.
    pub home: String,
}

/// Why a user or group has no number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// No such name.
    #[error("unable to find user {0}: no matching entries in passwd file")]
    UnknownUser(String),
    /// No such name.
    #[error("unable to find group {0}: no matching entries in group file")]
    UnknownGroup(String),
    /// Not an id that exists.
    #[error("uids and gids must be in range 0-2147483647, not {0}")]
    Range(String),
}

struct User {
    name: String,
    uid: u32,
    gid: u32,
    home: String,
}

struct Group {
    name: String,
    gid: u32,
    members: Vec<String>,
}

impl Identity {
    /// Looks up `user` (`name`, `uid`, each with `:group` or `:gid`, or nothing, which is root) in the contents of the two
    /// files. A file that an image does not have is empty.
    pub fn look_up(user: &str, passwd: &[u8], group: &[u8]) -> Result<Self, IdentityError> {
        let (user, group_name) = user.split_once(':').unwrap_or((user, ""));
        let number = number(user)?;
        let found = lines(passwd).filter_map(User::parse).find(|candidate| match user {
            "" => candidate.uid == 0,
            _ => candidate.name == user || number == Some(candidate.uid),
        });
        let (uid, mut gid, home, name) = match (found, number) {
            (Some(found), _) => (found.uid, found.gid, found.home, Some(found.name)),
            (None, Some(uid)) => (uid, 0, String::new(), None),
            (None, None) if user.is_empty() => (0, 0, String::new(), None),
            (None, None) => return Err(IdentityError::UnknownUser(user.to_owned())),
        };
        let mut groups = Vec::new();
        if !group_name.is_empty() {
            gid = look_up_group(group_name, group)?;
        } else if let Some(name) = name {
            groups = lines(group)
                .filter_map(Group::parse)
                .filter(|group| group.members.contains(&name))
                .map(|group| group.gid)
                .collect();
        }
        groups.retain(|other| *other != gid);
        groups.insert(0, gid);
        groups.dedup();
        let home = if home.is_empty() { "/".to_owned() } else { home };
        Ok(Self { uid, gid, groups, home })
    }
}

/// Looks up `group`, a name or a number, in the contents of `/etc/group`.
pub fn look_up_group(group: &str, file: &[u8]) -> Result<u32, IdentityError> {
    let number = number(group)?;
    let found =
        lines(file).filter_map(Group::parse).find(|candidate| candidate.name == group || number == Some(candidate.gid));
    found.map(|found| found.gid).or(number).ok_or_else(|| IdentityError::UnknownGroup(group.to_owned()))
}

/// What a user is called in the contents of `/etc/passwd`.
pub(crate) fn name_of(uid: u32, passwd: &[u8]) -> Option<String> {
    lines(passwd).filter_map(User::parse).find(|user| user.uid == uid).map(|user| user.name)
}

/// The number that `text` is; `None` if it is a name.
fn number(text: &str) -> Result<Option<u32>, IdentityError> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    match text.parse() {
        Ok(id) if id <= MAX_ID => Ok(Some(id)),
        _ => Err(IdentityError::Range(text.to_owned())),
    }
}

fn lines(file: &[u8]) -> impl Iterator<Item = String> {
    file.split(|byte| *byte == b'\n')
        .map(|line| String::from_utf8_lossy(line).trim().to_owned())
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn id(field: &str) -> Option<u32> {
    field.parse().ok().filter(|id| *id <= MAX_ID && field.bytes().all(|byte| byte.is_ascii_digit()))
}

impl User {
    /// `name:password:uid:gid:comment:home:shell`
    fn parse(line: String) -> Option<Self> {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, rest @ ..] = fields.as_slice() else { return None };
        let home = rest.get(1).copied().unwrap_or_default().to_owned();
        Some(Self { name: (*name).to_owned(), uid: id(uid)?, gid: id(gid)?, home })
    }
}

impl Group {
    /// `name:password:gid:member,member`
    fn parse(line: String) -> Option<Self> {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, gid, rest @ ..] = fields.as_slice() else { return None };
        let members =
            rest.first().copied().unwrap_or_default().split(',').map(|member| member.trim().to_owned()).collect();
        Some(Self { name: (*name).to_owned(), gid: id(gid)?, members })
    }
}
