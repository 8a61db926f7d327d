//! Which system calls are not simply allowed, by name, and their numbers on each architecture.
//!
//! The effect is that of Docker's default profile with its fourteen capabilities. That profile names what is allowed; of the
//! system calls up to [`LAST`] those are all but these, so naming these is the shorter list, and the one that shows
//! what it is about. Sources of the numbers: `arch/*/entry/syscalls/*.tbl`, `arch/arm/tools/syscall.tbl` and
//! `include/uapi/asm-generic/unistd.h` of Linux 6.13.

use super::Rule::{self, HarmlessPersonality, NoNamespaces, NoVsock, Refuse, Unknown};

/// The last system call that was looked at (`removexattrat`). What comes later does not exist for the process: it falls back
/// to something older.
pub(super) const LAST: u32 = 466;

/// Not on this architecture.
pub(super) const NO: u32 = u32::MAX;

/// Which column of the table is whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    X86_64 = 0,
    X86 = 1,
    Aarch64 = 2,
    Arm = 3,
}

/// Name, what is done with it, and its numbers, in the order of [`Column`].
pub(super) const RULES: &[(&str, Rule, [u32; 4])] = &[
    ("acct", Refuse, [163, 51, 89, 51]),
    ("add_key", Refuse, [248, 286, 217, 309]),
    ("bpf", Refuse, [321, 357, 280, 386]),
    ("clock_settime", Refuse, [227, 264, 112, 262]),
    ("clock_settime64", Refuse, [NO, 404, NO, NO]),
    ("create_module", Refuse, [174, 127, NO, NO]),
    ("delete_module", Refuse, [176, 129, 106, 129]),
    ("fanotify_init", Refuse, [300, 338, 262, 367]),
    ("finit_module", Refuse, [313, 350, 273, 379]),
    ("fsconfig", Refuse, [431, 431, 431, 431]),
    ("fsmount", Refuse, [432, 432, 432, 432]),
    ("fsopen", Refuse, [430, 430, 430, 430]),
    ("fspick", Refuse, [433, 433, 433, 433]),
    ("get_kernel_syms", Refuse, [177, 130, NO, NO]),
    ("get_mempolicy", Refuse, [239, 275, 236, 320]),
    ("init_module", Refuse, [175, 128, 105, 128]),
    ("io_uring_enter", Refuse, [426, 426, 426, 426]),
    ("io_uring_register", Refuse, [427, 427, 427, 427]),
    ("io_uring_setup", Refuse, [425, 425, 425, 425]),
    ("ioperm", Refuse, [173, 101, NO, NO]),
    ("iopl", Refuse, [172, 110, NO, NO]),
    ("kcmp", Refuse, [312, 349, 272, 378]),
    ("kexec_file_load", Refuse, [320, NO, 294, 401]),
    ("kexec_load", Refuse, [246, 283, 104, 347]),
    ("keyctl", Refuse, [250, 288, 219, 311]),
    ("listmount", Refuse, [458, 458, 458, 458]),
    ("lookup_dcookie", Refuse, [212, 253, 18, 249]),
    ("mbind", Refuse, [237, 274, 235, 319]),
    ("migrate_pages", Refuse, [256, 294, 238, NO]),
    ("mount", Refuse, [165, 21, 40, 21]),
    ("mount_setattr", Refuse, [442, 442, 442, 442]),
    ("move_mount", Refuse, [429, 429, 429, 429]),
    ("move_pages", Refuse, [279, 317, 239, 344]),
    ("nfsservctl", Refuse, [180, 169, 42, 169]),
    ("open_by_handle_at", Refuse, [304, 342, 265, 371]),
    ("open_tree", Refuse, [428, 428, 428, 428]),
    ("perf_event_open", Refuse, [298, 336, 241, 364]),
    ("pidfd_getfd", Refuse, [438, 438, 438, 438]),
    ("pivot_root", Refuse, [155, 217, 41, 218]),
    ("process_madvise", Refuse, [440, 440, 440, 440]),
    ("query_module", Refuse, [178, 167, NO, NO]),
    ("quotactl", Refuse, [179, 131, 60, 131]),
    ("quotactl_fd", Refuse, [443, 443, 443, 443]),
    ("reboot", Refuse, [169, 88, 142, 88]),
    ("request_key", Refuse, [249, 287, 218, 310]),
    ("set_mempolicy", Refuse, [238, 276, 237, 321]),
    ("set_mempolicy_home_node", Refuse, [450, 450, 450, 450]),
    ("setdomainname", Refuse, [171, 121, 162, 121]),
    ("sethostname", Refuse, [170, 74, 161, 74]),
    ("setns", Refuse, [308, 346, 268, 375]),
    ("settimeofday", Refuse, [164, 79, 170, 79]),
    ("statmount", Refuse, [457, 457, 457, 457]),
    ("stime", Refuse, [NO, 25, NO, NO]),
    ("swapoff", Refuse, [168, 115, 225, 115]),
    ("swapon", Refuse, [167, 87, 224, 87]),
    ("sysctl", Refuse, [156, 149, NO, 149]),
    ("sysfs", Refuse, [139, 135, NO, 135]),
    ("syslog", Refuse, [103, 103, 116, 103]),
    ("umount", Refuse, [NO, 22, NO, NO]),
    ("umount2", Refuse, [166, 52, 39, 52]),
    ("unshare", Refuse, [272, 310, 97, 337]),
    ("uselib", Refuse, [134, 86, NO, 86]),
    ("userfaultfd", Refuse, [323, 374, 282, 388]),
    ("ustat", Refuse, [136, 62, NO, 62]),
    ("vhangup", Refuse, [153, 111, 58, 111]),
    ("vm86", Refuse, [NO, 166, NO, NO]),
    ("vm86old", Refuse, [NO, 113, NO, NO]),
    ("clone", NoNamespaces, [56, 120, 220, 120]),
    ("clone3", Unknown, [435, 435, 435, 435]),
    ("personality", HarmlessPersonality, [135, 136, 92, 136]),
    ("socket", NoVsock, [41, 359, 198, 281]),
];
