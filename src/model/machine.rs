//! The kind of machine that an ELF file was built for. The system's loader passes over a library for
//! another one as if it were not there, and says "No such file or directory".

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The machine's number in the ELF header, and whether its files are of the 64-bit class.
pub(super) type Kind = (u16, bool);

/// This program's kind of machine; `None` if its number is not known here.
pub(super) fn own() -> Option<Kind> {
    let machine = match std::env::consts::ARCH {
        "x86" => 3,
        "arm" => 40,
        "x86_64" => 62,
        "aarch64" => 183,
        "riscv64" => 243,
        "loongarch64" => 258,
        _ => return None,
    };
    Some((machine, cfg!(target_pointer_width = "64")))
}

/// Why a library or plugin is not for this kind of machine; `None` if it is, or is not an ELF file at
/// all, about which the loader says more.
pub fn why_not_for_this_machine(file: &Path) -> Option<String> {
    let mut header = [0; 20];
    File::open(file)
        .and_then(|mut file| file.read_exact(&mut header))
        .ok()?;
    let (found, own) = (kind(&header)?, own()?);
    (found != own).then(|| format!("it is built for {}; this machine needs {}", name(found), name(own)))
}

/// The kind of machine in the beginning of an ELF file.
fn kind(header: &[u8; 20]) -> Option<Kind> {
    if !header.starts_with(b"\x7fELF") {
        return None;
    }
    let machine = [header[18], header[19]];
    let machine = match header[5] {
        2 => u16::from_be_bytes(machine),
        _ => u16::from_le_bytes(machine),
    };
    Some((machine, header[4] == 2))
}

pub(super) fn name((machine, is_64): Kind) -> String {
    let name = match machine {
        3 => "x86",
        8 => "MIPS",
        20 => "PowerPC",
        21 => "PowerPC64",
        22 => "s390",
        40 => "ARM (32 bits)",
        62 => "x86-64",
        183 => "64-bit ARM (aarch64)",
        243 => "RISC-V",
        258 => "LoongArch",
        other => return format!("the machine with ELF number {other}"),
    };
    match (machine, is_64) {
        (62, false) => format!("{name} with 32-bit addresses (x32)"),
        (243 | 258, false) => format!("{name} (32 bits)"),
        (243 | 258, true) => format!("{name} (64 bits)"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_of_an_elf_file_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("library.so");
        let said = |class: u8, order: u8, machine: [u8; 2]| {
            let mut header = [0; 64];
            header[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', class, order]);
            header[18..20].copy_from_slice(&machine);
            std::fs::write(&file, header).expect("a file");
            why_not_for_this_machine(&file)
        };
        for (class, order, machine, part) in [
            (2, 2, [0, 22], "built for s390;"),
            (2, 2, [0, 21], "PowerPC64"),
            (1, 1, [40, 0], "ARM (32 bits)"),
            (1, 1, [62, 0], "x32"),
            (2, 1, [0xff, 0xfe], "ELF number 65279"),
        ] {
            let text = said(class, order, machine).expect(part);
            assert!(text.contains(part) && text.contains("this machine needs"), "{text}");
        }
        assert_eq!(why_not_for_this_machine(Path::new("/proc/self/exe")), None);
        std::fs::write(&file, "#!/bin/sh\nexit 0 # no ELF").expect("a file");
        assert_eq!(why_not_for_this_machine(&file), None);
        assert_eq!(why_not_for_this_machine(folder.path()), None);
    }
}
