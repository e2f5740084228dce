//! The program `fanal`.

fn main() {}
