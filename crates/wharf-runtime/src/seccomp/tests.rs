//! The filter's program, run by a filter machine of our own.

use super::*;

fn column(name: &str) -> usize {
    RULES.iter().position(|(found, ..)| *found == name).unwrap()
}

fn number(name: &str, column_of: Column) -> u32 {
    RULES[column(name)].2[column_of as usize]
}

/// Runs the program for one system call.
fn run(audit: u32, nr: u32, argument: u32) -> u32 {
    let program = filter().unwrap();
    let (mut at, mut accumulator) = (0, 0);
    loop {
        let instruction = &program[at];
        at += 1;
        let mut branch = |holds: bool| at += usize::from(if holds { instruction.jt } else { instruction.jf });
        match instruction.code {
            0x20 if instruction.k == NUMBER => accumulator = nr,
            0x20 if instruction.k == ARCHITECTURE => accumulator = audit,
            0x20 => accumulator = argument,
            0x06 => return instruction.k,
            0x05 => at += instruction.k as usize,
            0x15 => branch(accumulator == instruction.k),
            0x35 => branch(accumulator >= instruction.k),
            0x45 => branch(accumulator & instruction.k != 0),
            other => panic!("unknown instruction {other:#x}"),
        }
    }
}

#[test]
fn each_number_gets_what_the_table_says_on_each_architecture() {
    for architecture in ARCHITECTURES {
        for nr in 0..LAST + 200 {
            let rule = RULES
                .iter()
                .find(|(.., numbers)| numbers[architecture.column as usize] == nr)
                .map(|(_, rule, _)| *rule);
            let expected = match rule {
                Some(Rule::Refuse | Rule::HarmlessPersonality) => EPERM,
                Some(Rule::Unknown) => ENOSYS,
                _ if nr > LAST => ENOSYS,
                _ => ALLOW,
            };
            // An argument that is no harmless personality, no namespace and no vsock.
            assert_eq!(run(architecture.audit, nr, 3), expected, "{nr}");
        }
    }
}

#[test]
fn arguments_decide_where_they_must() {
    let own = &ARCHITECTURES[0];
    let call = |name: &str, argument| run(own.audit, number(name, own.column), argument);
    assert_eq!(call("clone", 0x0120_0011), ALLOW);
    assert_eq!(call("clone", 0x1000_0011), EPERM);
    assert_eq!(call("clone", 0x0002_0011), EPERM);
    assert_eq!(call("clone3", 0), ENOSYS);
    assert_eq!(call("socket", 2), ALLOW);
    assert_eq!(call("socket", AF_VSOCK), EPERM);
    assert_eq!(call("personality", 0xffff_ffff), ALLOW);
    assert_eq!(call("personality", 0x0004_0000), EPERM);
}

#[test]
fn another_architecture_and_another_numbering_get_nothing() {
    assert_eq!(run(0xc000_0016, 0, 0), EPERM);
    // x32 on x86-64: the same numbers with a high bit.
    assert_eq!(run(ARCHITECTURES[0].audit, 0x4000_0000, 0), ENOSYS);
}

#[test]
fn numbers_are_those_of_this_machine() {
    let own = ARCHITECTURES[0].column;
    for (name, expected) in [
        ("mount", libc::SYS_mount),
        ("bpf", libc::SYS_bpf),
        ("clone", libc::SYS_clone),
        ("keyctl", libc::SYS_keyctl),
        ("unshare", libc::SYS_unshare),
        ("open_by_handle_at", libc::SYS_open_by_handle_at),
        ("io_uring_setup", libc::SYS_io_uring_setup),
        ("personality", libc::SYS_personality),
        ("socket", libc::SYS_socket),
    ] {
        assert_eq!(libc::c_long::from(number(name, own)), expected, "{name}");
    }
}

#[test]
fn a_program_is_short_enough_for_the_kernel_on_every_architecture() {
    for column in [Column::X86_64, Column::X86, Column::Aarch64, Column::Arm] {
        assert!(search(&ranges(column)).unwrap().len() < 1000);
    }
}
