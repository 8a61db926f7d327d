//! The filter of system calls: what a process in a sandbox may ask the kernel.
//!
//! [`table`] says what, this file makes a program for the kernel's filter machine of it: a binary search over ranges of
//! numbers, so that a system call costs seven comparisons and not three hundred. Programs of the 32-bit sister
//! architecture are filtered by their own numbers.
//!
//! Refused is EPERM. What this list does not know yet is ENOSYS, so that a C library tries an older way (that is why
//! `clone3`, whose flags a filter cannot see, is unknown, too).

mod table;

use self::table::{Column, LAST, NO, RULES};
use crate::sys::FilterInstruction;

/// What is done with a system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Allow,
    Refuse,
    /// As if the kernel did not have it.
    Unknown,
    /// Allowed if it makes no namespace.
    NoNamespaces,
    /// Allowed for the personalities that change nothing but what `uname` says.
    HarmlessPersonality,
    /// Allowed but for sockets to the machine's hypervisor.
    NoVsock,
}

/// An architecture as the kernel tells it to a filter, and its columns in the table.
struct Architecture {
    audit: u32,
    column: Column,
}

/// The machine's own architecture first, then that of its 32-bit programs. None: there is no table for this machine.
const ARCHITECTURES: &[Architecture] = if cfg!(target_arch = "x86_64") {
    &[
        Architecture { audit: 0xc000_003e, column: Column::X86_64 },
        Architecture { audit: 0x4000_0003, column: Column::X86 },
    ]
} else if cfg!(target_arch = "aarch64") {
    &[
        Architecture { audit: 0xc000_00b7, column: Column::Aarch64 },
        Architecture { audit: 0x4000_0028, column: Column::Arm },
    ]
} else {
    &[]
};

/// 32-bit ARM has a few of its own, far behind all others: `breakpoint`, `cacheflush`, `set_tls` and their like.
const ARM_PRIVATE: std::ops::RangeInclusive<u32> = 0x000f_0001..=0x000f_0006;

/// Linux' `struct seccomp_data`: where the number, the architecture and the low half of the first argument lie.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const FIRST_ARGUMENT: u32 = if cfg!(target_endian = "little") { 16 } else { 20 };

const ALLOW: u32 = 0x7fff_0000;
const ERRNO: u32 = 0x0005_0000;
const EPERM: u32 = ERRNO | 1;
const ENOSYS: u32 = ERRNO | 38;

/// `CLONE_NEWNS`, `NEWCGROUP`, `NEWUTS`, `NEWIPC`, `NEWUSER`, `NEWPID`, `NEWNET`.
const NAMESPACES: u32 = 0x7e02_0000;
const AF_VSOCK: u32 = 40;
/// Linux, Linux with 32 bits, the same with `UNAME26`, and asking.
const PERSONALITIES: [u32; 5] = [0, 8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/// The filter for this machine. `None`: its architecture is not known here.
pub(crate) fn filter() -> Option<Vec<FilterInstruction>> {
    if ARCHITECTURES.is_empty() {
        return None;
    }
    let mut program = vec![load(ARCHITECTURE)];
    for architecture in ARCHITECTURES {
        let mut part = vec![load(NUMBER)];
        part.extend(search(&ranges(architecture.column))?);
        // Not this one: over this part, to the next.
        program.push(jump_if_equal(architecture.audit, 1, 0));
        program.push(jump(u32::try_from(part.len()).ok()?));
        program.append(&mut part);
    }
    program.push(give(EPERM));
    Some(program)
}

/// From which number on which rule holds, until the next one.
fn ranges(column: Column) -> Vec<(u32, Rule)> {
    let mut special: Vec<(u32, Rule)> = RULES
        .iter()
        .map(|(_, rule, numbers)| (numbers[column as usize], *rule))
        .filter(|(number, _)| *number != NO)
        .collect();
    special.sort_unstable_by_key(|(number, _)| *number);
    let mut ranges = vec![(0, Rule::Allow)];
    for (number, rule) in special {
        ranges.push((number, rule));
        ranges.push((number + 1, Rule::Allow));
    }
    ranges.push((LAST + 1, Rule::Unknown));
    if column == Column::Arm {
        ranges.push((*ARM_PRIVATE.start(), Rule::Allow));
        ranges.push((*ARM_PRIVATE.end() + 1, Rule::Unknown));
    }
    // Of two that begin at one number the later one counts; neighbours of one kind are one.
    let mut merged: Vec<(u32, Rule)> = Vec::new();
    for (start, rule) in ranges {
        if merged.last().is_some_and(|last| last.0 == start) {
            merged.pop();
        }
        let is_same = rule == Rule::Allow || rule == Rule::Refuse;
        if !(is_same && merged.last().is_some_and(|last| last.1 == rule)) {
            merged.push((start, rule));
        }
    }
    merged
}

/// The program that finds the range of the number in the accumulator.
fn search(ranges: &[(u32, Rule)]) -> Option<Vec<FilterInstruction>> {
    if let [(_, rule)] = ranges {
        return Some(apply(*rule));
    }
    let (lower, upper) = ranges.split_at(ranges.len() / 2);
    let mut program = search(lower)?;
    let distance = u8::try_from(program.len()).ok()?;
    program.insert(0, jump_if_at_least(upper.first()?.0, distance, 0));
    program.extend(search(upper)?);
    Some(program)
}

fn apply(rule: Rule) -> Vec<FilterInstruction> {
    match rule {
        Rule::Allow => vec![give(ALLOW)],
        Rule::Refuse => vec![give(EPERM)],
        Rule::Unknown => vec![give(ENOSYS)],
        Rule::NoNamespaces => {
            vec![load(FIRST_ARGUMENT), jump_if_any(NAMESPACES, 0, 1), give(EPERM), give(ALLOW)]
        }
        Rule::NoVsock => vec![load(FIRST_ARGUMENT), jump_if_equal(AF_VSOCK, 0, 1), give(EPERM), give(ALLOW)],
        Rule::HarmlessPersonality => {
            let mut program = vec![load(FIRST_ARGUMENT)];
            for personality in PERSONALITIES {
                program.extend([jump_if_equal(personality, 0, 1), give(ALLOW)]);
            }
            program.push(give(EPERM));
            program
        }
    }
}

/// Loads four bytes of `struct seccomp_data` into the accumulator.
fn load(offset: u32) -> FilterInstruction {
    FilterInstruction { code: 0x20, jt: 0, jf: 0, k: offset }
}

fn give(result: u32) -> FilterInstruction {
    FilterInstruction { code: 0x06, jt: 0, jf: 0, k: result }
}

fn jump(distance: u32) -> FilterInstruction {
    FilterInstruction { code: 0x05, jt: 0, jf: 0, k: distance }
}

fn jump_if_equal(value: u32, yes: u8, no: u8) -> FilterInstruction {
    FilterInstruction { code: 0x15, jt: yes, jf: no, k: value }
}

fn jump_if_at_least(value: u32, yes: u8, no: u8) -> FilterInstruction {
    FilterInstruction { code: 0x35, jt: yes, jf: no, k: value }
}

fn jump_if_any(bits: u32, yes: u8, no: u8) -> FilterInstruction {
    FilterInstruction { code: 0x45, jt: yes, jf: no, k: bits }
}

#[cfg(test)]
mod tests;
