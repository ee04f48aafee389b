//! Checks whether a file is a library that can be loaded, before the system's loader touches it.
//!
//! The loader trusts a library's headers and maps its segments accordingly: if the file is
//! truncated, reading one of the missing pages ends the process (SIGBUS). This module checks that
//! headers, segments and sections lie within the file and agree with each other; only a hash could
//! show that the content is the right one.

use super::machine;
use crate::regular;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Refuses a file that is not a complete ELF library for this machine, and returns the reason.
///
/// On systems whose libraries are of other formats, nothing is checked.
pub(super) fn check(path: &Path) -> Result<(), String> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let mut file = File::open(path).map_err(|e| e.to_string())?;
    let metadata = file.metadata().map_err(|e| e.to_string())?;
    if let Some(reason) = regular::why_not(&metadata) {
        return Err(reason);
    }
    Elf::read(&mut file, metadata.len())?.check()
}

/// Lengths of a 64-bit ELF header, a program header and a section header.
const HEADER: u64 = 64;
const PROGRAM_HEADER: u64 = 56;
const SECTION_HEADER: u64 = 64;

/// Maximum number of program and section headers. Libraries have about ten and forty.
const MOST_HEADERS: u64 = 65_534;

const LOAD: u32 = 1;
const DYNAMIC: u32 = 2;
const NOTHING: u32 = 0;
const THREADS: u32 = 7;
/// `PT_GNU_STACK` only has flags.
const STACK: u32 = 0x6474_e551;
/// `PT_GNU_RELRO`: made read-only after loading.
const PROTECTED: u32 = 0x6474_e552;

/// Page sizes: the protected part may extend beyond the file's content to the end of a page.
const PAGES: &[u64] = if cfg!(target_arch = "x86_64") {
    &[1 << 12]
} else {
    &[1 << 12, 1 << 14, 1 << 16]
};

/// Maximum thread-local memory of a library.
const MOST_FOR_THREADS: u64 = 1 << 24;

const EXECUTABLE: u32 = 1;
const WRITABLE: u32 = 2;
const READABLE: u32 = 4;

/// `SHT_DYNAMIC`: dynamic linking information.
const DYNAMIC_SECTION: u32 = 6;
/// `SHT_NOBITS`: a section that takes no space in the file.
const NO_BITS: u32 = 8;
const SECTION_WRITABLE: u64 = 1;
const SECTION_ALLOCATED: u64 = 2;
const SECTION_EXECUTABLE: u64 = 4;
const SECTION_OF_THREADS: u64 = 0x400;

/// A part of the file, and its place in memory.
#[derive(Debug, Clone, Copy)]
struct Segment {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    file_size: u64,
    memory_size: u64,
    align: u64,
}

#[derive(Debug, Clone, Copy)]
struct Section {
    kind: u32,
    flags: u64,
    address: u64,
    offset: u64,
    size: u64,
}

/// The headers of an ELF file, and the file's length in bytes.
#[derive(Debug)]
struct Elf {
    length: u64,
    segments: Vec<Segment>,
    sections: Vec<Section>,
}

/// Numbers of a header, in native byte order: libraries of the other byte order are refused.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        let bytes = self.0.get(at..at + N).and_then(|bytes| bytes.try_into().ok());
        bytes.unwrap_or([0; N])
    }

    fn half(&self, at: usize) -> u16 {
        u16::from_ne_bytes(self.bytes(at))
    }

    fn word(&self, at: usize) -> u32 {
        u32::from_ne_bytes(self.bytes(at))
    }

    fn long(&self, at: usize) -> u64 {
        u64::from_ne_bytes(self.bytes(at))
    }
}

/// Whether `size` bytes starting at `start` lie within `from..from + room`.
fn within(start: u64, size: u64, from: u64, room: u64) -> bool {
    start >= from && start.checked_add(size).is_some_and(|end| end - from <= room)
}

fn read(file: &mut (impl Read + Seek), at: u64, length: u64) -> Result<Vec<u8>, String> {
    let mut bytes = vec![0; usize::try_from(length).map_err(|e| e.to_string())?];
    let all = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut bytes));
    all.map_err(|e: io::Error| e.to_string())?;
    Ok(bytes)
}

/// Whether `pattern`, which must not be empty, occurs anywhere in the file.
///
/// # Errors
/// The file cannot be opened or read.
pub(super) fn contains(path: &Path, pattern: &[u8]) -> io::Result<bool> {
    let mut file = File::open(path)?;
    // The end of a block is kept, for a pattern that continues in the next one.
    let mut block = Vec::new();
    loop {
        let kept = block.len().min(pattern.len() - 1);
        block.drain(..block.len() - kept);
        if file.by_ref().take(1 << 20).read_to_end(&mut block)? == 0 {
            return Ok(false);
        }
        if block.windows(pattern.len()).any(|window| window == pattern) {
            return Ok(true);
        }
    }
}

impl Elf {
    fn read(file: &mut (impl Read + Seek), length: u64) -> Result<Self, String> {
        if length == 0 {
            return Err("not a library: the file is empty".to_owned());
        }
        let head = read(file, 0, length.min(HEADER))?;
        if !head.starts_with(b"\x7fELF") {
            let begin: String = head.iter().take(4).map(|byte| format!("{byte:02x} ")).collect();
            return Err(format!(
                "not a library: the file begins with {}and an ELF file with 7f 45 4c 46",
                begin
            ));
        }
        let cut = |what: &str, end: u64| Err(format!("cut off: {what} end at byte {end}, the file at byte {length}"));
        if length < HEADER {
            return cut("its ELF header should", HEADER);
        }
        if !cfg!(target_pointer_width = "64") {
            // 32-bit files have another layout; the loader's own checks must suffice.
            return Ok(Self {
                length,
                segments: vec![],
                sections: vec![],
            });
        }
        let order = if cfg!(target_endian = "little") { 1 } else { 2 };
        if head[4] != 2 || head[5] != order {
            return Err(format!(
                "a library of another kind of machine: class {} and byte order {} (2 and {order} are needed)",
                head[4], head[5]
            ));
        }
        let fields = Fields(&head);
        let found = (fields.half(18), true);
        if let Some(own) = machine::own().filter(|own| *own != found) {
            return Err(format!(
                "a library for {}; this machine is {}",
                machine::name(found),
                machine::name(own)
            ));
        }
        if fields.half(16) != 3 {
            return Err(format!(
                "not a shared library: ELF type {}; 3 is needed",
                fields.half(16)
            ));
        }
        let (segments_at, sections_at) = (fields.long(32), fields.long(40));
        let (segment_size, segments) = (u64::from(fields.half(54)), u64::from(fields.half(56)));
        let (section_size, sections) = (u64::from(fields.half(58)), u64::from(fields.half(60)));
        if segment_size != PROGRAM_HEADER || segments == 0 || segments > MOST_HEADERS {
            return Err(format!(
                "damaged: {segments} program headers of {segment_size} bytes; 1 or more of {PROGRAM_HEADER} are needed"
            ));
        }
        if sections > 0 && section_size != SECTION_HEADER || sections > MOST_HEADERS {
            return Err(format!(
                "damaged: {sections} section headers of {section_size} bytes; those of {SECTION_HEADER} are needed"
            ));
        }
        for (what, at, size) in [
            ("its program headers", segments_at, segments * PROGRAM_HEADER),
            ("its section headers", sections_at, sections * SECTION_HEADER),
        ] {
            if !within(at, size, 0, length) {
                return cut(what, at.saturating_add(size));
            }
        }
        let table = read(file, segments_at, segments * PROGRAM_HEADER)?;
        let segments = table.chunks_exact(PROGRAM_HEADER as usize).map(|header| {
            let fields = Fields(header);
            Segment {
                kind: fields.word(0),
                flags: fields.word(4),
                offset: fields.long(8),
                address: fields.long(16),
                file_size: fields.long(32),
                memory_size: fields.long(40),
                align: fields.long(48),
            }
        });
        let table = read(file, sections_at, sections * SECTION_HEADER)?;
        let sections = table.chunks_exact(SECTION_HEADER as usize).map(|header| {
            let fields = Fields(header);
            Section {
                kind: fields.word(4),
                flags: fields.long(8),
                address: fields.long(16),
                offset: fields.long(24),
                size: fields.long(32),
            }
        });
        Ok(Self {
            length,
            segments: segments.collect(),
            sections: sections.collect(),
        })
    }

    fn check(&self) -> Result<(), String> {
        if !cfg!(target_pointer_width = "64") {
            return Ok(());
        }
        let loaded: Vec<Segment> = self.segments.iter().copied().filter(|s| s.kind == LOAD).collect();
        for (index, segment) in self.segments.iter().enumerate() {
            self.check_segment(index, segment, &loaded)?;
        }
        if !loaded.windows(2).all(|pair| pair[0].address <= pair[1].address) {
            return Err("damaged: its segments are not in the order of their addresses".to_owned());
        }
        let dynamic: Vec<&Segment> = self.segments.iter().filter(|s| s.kind == DYNAMIC).collect();
        let [dynamic] = dynamic[..] else {
            return Err(format!("damaged: {} dynamic segments; expected 1", dynamic.len()));
        };
        if dynamic.file_size < 16 {
            return Err("damaged: it has no dynamic section".to_owned());
        }
        for (index, section) in self.sections.iter().enumerate() {
            self.check_section(index, section, &loaded)?;
            if section.kind == DYNAMIC_SECTION && (section.address, section.offset) != (dynamic.address, dynamic.offset)
            {
                return Err("damaged: it has two dynamic sections".to_owned());
            }
        }
        Ok(())
    }

    fn check_segment(&self, index: usize, segment: &Segment, loaded: &[Segment]) -> Result<(), String> {
        if matches!(segment.kind, NOTHING | STACK) {
            return Ok(());
        }
        if !within(segment.offset, segment.file_size, 0, self.length) {
            return Err(format!(
                "cut off: segment {index} ends at byte {}, the file at byte {}",
                segment.offset.saturating_add(segment.file_size),
                self.length
            ));
        }
        let refuse = |what: &str| Err(format!("damaged: segment {index} {what}"));
        if segment.file_size > segment.memory_size {
            return refuse("is larger in the file than in memory");
        }
        if segment.align > 1 && !segment.align.is_power_of_two() {
            return refuse("has an alignment that is not a power of two");
        }
        if segment.kind == LOAD {
            if segment.align > 1 && segment.address % segment.align != segment.offset % segment.align {
                return refuse("is not aligned in the file as in memory");
            }
            if segment.flags & READABLE == 0 {
                return refuse("cannot be read");
            }
            return Ok(());
        }
        // All other segments lie in loaded ones.
        let home = loaded
            .iter()
            .find(|l| segment.memory_size == 0 || within(segment.address, segment.file_size, l.address, l.memory_size));
        match home {
            None => refuse("lies outside the loaded segments"),
            Some(home) if segment.kind == DYNAMIC && home.flags & WRITABLE == 0 => {
                refuse("is the dynamic segment but is not writable")
            }
            Some(_) if segment.kind == PROTECTED => {
                let end = segment.address.saturating_add(segment.memory_size);
                let file_end = segment.address.saturating_add(segment.file_size);
                let at_a_page = |page: &u64| file_end.checked_next_multiple_of(*page) == Some(end);
                if end != file_end && !PAGES.iter().any(at_a_page) {
                    return refuse("protects memory beyond its content in the file");
                }
                Ok(())
            }
            Some(_) if segment.kind == THREADS && segment.memory_size > MOST_FOR_THREADS => {
                refuse("takes too much thread-local memory")
            }
            Some(_) => Ok(()),
        }
    }

    fn check_section(&self, index: usize, section: &Section, loaded: &[Segment]) -> Result<(), String> {
        if section.kind != NO_BITS && !within(section.offset, section.size, 0, self.length) {
            return Err(format!(
                "cut off: section {index} ends at byte {}, the file at byte {}",
                section.offset.saturating_add(section.size),
                self.length
            ));
        }
        if section.flags & SECTION_ALLOCATED == 0 || section.size == 0 {
            return Ok(());
        }
        if section.kind == NO_BITS && section.flags & SECTION_OF_THREADS != 0 {
            // Allocated for each thread when it starts.
            return Ok(());
        }
        let inside = |segment: &&Segment| within(section.address, section.size, segment.address, segment.memory_size);
        let home = loaded.iter().find(inside);
        let agrees = |segment: &Segment| {
            let needs = |flag: u64, right: u32| section.flags & flag == 0 || segment.flags & right != 0;
            let at_its_place = section.kind == NO_BITS
                || section.offset.wrapping_sub(segment.offset) == section.address.wrapping_sub(segment.address)
                    && within(section.offset, section.size, segment.offset, segment.file_size);
            at_its_place && needs(SECTION_WRITABLE, WRITABLE) && needs(SECTION_EXECUTABLE, EXECUTABLE)
        };
        if home.is_some_and(agrees) {
            return Ok(());
        }
        Err(format!(
            "damaged: section {index} does not match the segment that loads it"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_found_wherever_it_lies_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("library");
        let block = 1 << 20;
        for at in [0, 5, block - 4, block - 1, block, 2 * block - 3, 3 * block - 7] {
            let mut bytes = vec![b'p'; 3 * block];
            std::fs::write(&path, &bytes).unwrap();
            assert!(!contains(&path, b"pattern").unwrap());
            bytes[at..at + 7].copy_from_slice(b"pattern");
            std::fs::write(&path, &bytes).unwrap();
            assert!(contains(&path, b"pattern").unwrap(), "at {at}");
        }
        std::fs::write(&path, "patter").unwrap();
        assert!(!contains(&path, b"pattern").unwrap());
        assert!(contains(&folder.path().join("none"), b"pattern").is_err());
    }
}
