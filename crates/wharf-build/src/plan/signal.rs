//! `STOPSIGNAL`: names and numbers of signals.

const NAMES: [&str; 32] = [
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL",
    "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1",
    "USR2", "VTALRM", "WINCH",
];
const LAST: u8 = 64;

/// Whether it is a signal of Linux.
pub(super) fn is_signal(text: &str) -> bool {
    if let Ok(number) = text.parse::<u8>() {
        return (1..=LAST).contains(&number);
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let real_time = |prefix: &str, sign: char| {
        let rest = name.strip_prefix(prefix);
        rest.is_some_and(|rest| {
            let number = rest.strip_prefix(sign).and_then(|number| number.parse::<u8>().ok());
            rest.is_empty() || number.is_some_and(|number| number <= 15)
        })
    };
    NAMES.contains(&name) || matches!(name, "XCPU" | "XFSZ") || real_time("RTMIN", '+') || real_time("RTMAX", '-')
}

#[cfg(test)]
mod tests {
    use super::is_signal;

    #[test]
    fn signals_are_names_and_numbers() {
        for good in ["SIGINT", "int", "9", "SIGRTMIN+3", "RTMAX", "SIGXCPU"] {
            assert!(is_signal(good), "{good}");
        }
        for bad in ["SIGFOO", "0", "65", "", "SIGRTMIN+16", "RTMAX+1"] {
            assert!(!is_signal(bad), "{bad}");
        }
    }
}
