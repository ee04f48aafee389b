//! The name that programs ask the dynamic linker for. Its number is that of the interface.

fn main() {
    println!("cargo::rerun-if-changed=src/version.rs");
    let source = std::fs::read_to_string("src/version.rs").unwrap_or_default();
    let version = source
        .split("KINESCORE_ABI_VERSION: u32 = ")
        .nth(1)
        .and_then(|rest| rest.split(';').next());
    match version {
        Some(version) => println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libkinescore.so.{version}"),
        None => println!("cargo::error=src/version.rs does not define KINESCORE_ABI_VERSION"),
    }
}
