//! The `kinescore` command.

fn main() {}
