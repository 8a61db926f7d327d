//! One program for a container image's whole life; the subcommand is the role.

fn main() {}
