//! Turns arguments into a call and an error into an exit code.

fn main() {}
