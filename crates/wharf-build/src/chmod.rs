//! `--chmod`: `755`, `u=rwX,go=rX`.

/// A mode, or what to make of the mode that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Chmod {
    /// This one.
    Absolute(u16),
    /// Changes, one after the other.
    Symbolic(Vec<Clause>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clause {
    /// Whose bits, as a mask of all that they may have.
    who: u16,
    sign: u8,
    /// The letters behind the sign.
    bits: String,
}

impl Chmod {
    /// Reads a mode; `None` where it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'7')) {
            return u16::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777).map(Self::Absolute);
        }
        let mut clauses = Vec::new();
        for part in text.split(',') {
            let at = part.find(['+', '-', '='])?;
            let who = part[..at].chars().try_fold(0, |mask, letter| Some(mask | mask_of(letter)?))?;
            let who = if at == 0 { 0o7777 } else { who };
            let mut rest = &part[at..];
            while let Some(sign) = rest.bytes().next() {
                let end = rest[1..].find(['+', '-', '=']).map_or(rest.len(), |end| end + 1);
                let bits = rest[1..end].to_owned();
                let is_known =
                    bits.chars().all(|letter| "rwxXst".contains(letter)) || matches!(&*bits, "u" | "g" | "o");
                if !is_known {
                    return None;
                }
                clauses.push(Clause { who, sign, bits });
                rest = &rest[end..];
            }
        }
        Some(Self::Symbolic(clauses))
    }

    /// The mode that comes of this one.
    pub(crate) fn apply(&self, mode: u16, is_folder: bool) -> u16 {
        match self {
            Self::Absolute(mode) => *mode,
            Self::Symbolic(clauses) => clauses.iter().fold(mode, |mode, clause| clause.apply(mode, is_folder)),
        }
    }
}

impl Clause {
    fn apply(&self, mode: u16, is_folder: bool) -> u16 {
        let bits = self.bits(mode, is_folder) & self.who;
        match self.sign {
            b'+' => mode | bits,
            b'-' => mode & !bits,
            // Who is named has these and no others; setuid and sticky bits of folders stay.
            _ => mode & !(self.who & 0o777) | bits,
        }
    }

    fn bits(&self, mode: u16, is_folder: bool) -> u16 {
        let copied = |shift: u16| (mode >> shift & 7) * 0o111;
        self.bits.chars().fold(0, |bits, letter| {
            bits | match letter {
                'r' => 0o444,
                'w' => 0o222,
                'x' => 0o111,
                'X' if is_folder || mode & 0o111 != 0 => 0o111,
                's' => 0o6000,
                't' => 0o1000,
                'u' => copied(6),
                'g' => copied(3),
                'o' => copied(0),
                _ => 0,
            }
        })
    }
}

fn mask_of(letter: char) -> Option<u16> {
    match letter {
        'u' => Some(0o4700),
        'g' => Some(0o2070),
        'o' => Some(0o1007),
        'a' => Some(0o7777),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read_as_chmod_reads_them() {
        for (text, mode, is_folder, expected) in [
            ("755", 0o600, false, 0o755),
            ("4711", 0, false, 0o4711),
            ("u=rwX,go=rX", 0o600, false, 0o644),
            ("u=rwX,go=rX", 0o700, false, 0o755),
            ("u=rwX,go=rX", 0o600, true, 0o755),
            ("a+x", 0o644, false, 0o755),
            ("+x", 0o644, false, 0o755),
            ("go-rwx", 0o777, false, 0o700),
            ("g=u", 0o640, false, 0o660),
            ("u+s", 0o755, false, 0o4755),
            ("+t", 0o777, true, 0o1777),
            ("u=rw+x", 0o000, false, 0o700),
            ("o=", 0o777, false, 0o770),
        ] {
            let chmod = Chmod::parse(text).expect(text);
            assert_eq!(chmod.apply(mode, is_folder), expected, "{text} of {mode:o}");
        }
        for bad in ["", "8", "77777", "u", "u=z", "z+x", "u=rw,", "u=gx"] {
            assert_eq!(Chmod::parse(bad), None, "{bad}");
        }
    }
}
