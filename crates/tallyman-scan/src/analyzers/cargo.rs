//! Rust programs with a list of their crates (cargo-auditable, "PARSING.md"): zlib-compressed JSON
//! in a section of the program.
//!
//! The program is read as a stream: whatever could be the beginning of a zlib stream is inflated
//! until it is clear that no list comes out, which almost always is after a few bytes. Section
//! tables stand at the end of a program and are not needed.

use flate2::{Decompress, FlushDecompress, Status};
use serde::Deserialize;
use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;
use tallyman_model::package::{Ecosystem, Package};

use crate::analyzers::lookahead::{Lookahead, Window};
use crate::analyzers::{
    Analysis, Analyzer, Candidate, Fault, FileClass, Probe, ProgramPart, Reading, Report,
    executable, is_token,
};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "cargo",
    version: 4,
    class: FileClass::Executable(ProgramPart::Section(".dep-v0")),
    wants: executable::wants,
    reading: Reading::Streamed(start),
};

/// How every list begins; cargo-auditable writes no spaces.
const LIST_START: &[u8] = b"{\"packages\":[";

/// RFC 1950, section 2.2: deflate with a window of 32 KiB.
const ZLIB_METHOD: u8 = 0x78;

#[derive(Deserialize)]
struct VersionInfo {
    packages: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    source: String,
    /// `build` for what only ran while building; absent means `runtime`.
    #[serde(default)]
    kind: Option<String>,
    /// Whether it is the crate that the program is of.
    #[serde(default)]
    root: bool,
}

fn start(_candidate: &Candidate<'_>, limits: &Limits) -> Box<dyn Probe> {
    Box::new(CargoProbe {
        max_bytes: usize::try_from(limits.metadata_bytes).unwrap_or(usize::MAX),
        inflate: Decompress::new(true),
        lookahead: Lookahead::new(LOOKAHEAD_BYTES),
        state: State::Searching,
    })
}

struct CargoProbe {
    max_bytes: usize,
    inflate: Decompress,
    lookahead: Lookahead,
    state: State,
}

enum State {
    Searching,
    /// What has come out of a stream that begins like a list.
    Reading(Vec<u8>),
    Complete(Vec<u8>),
    Broken(&'static str),
}

/// How much of a stream is looked at to tell whether it is a list: the longest code tables of a
/// block (RFC 1951, section 3.2.7) and the first characters.
const LOOKAHEAD_BYTES: usize = 512;

impl Probe for CargoProbe {
    fn feed(&mut self, piece: &[u8]) {
        match self.state {
            State::Searching => self.search(piece),
            State::Reading(_) => self.read(piece),
            State::Complete(_) | State::Broken(_) => {}
        }
    }

    fn finish(mut self: Box<Self>) -> Report {
        // The list that was found counts, whatever looks like one behind it.
        if matches!(self.state, State::Searching) {
            let mut found = None;
            let inflate = &mut self.inflate;
            self.lookahead.finish(|window| found = find_list(window, inflate));
            self.begin(found);
        }
        match self.state {
            State::Searching => Report::default(),
            State::Reading(_) => Err(broken("it is cut off")).into(),
            State::Broken(reason) => Err(broken(reason)).into(),
            State::Complete(json) => evidence(&json).into(),
        }
    }
}

impl CargoProbe {
    fn search(&mut self, piece: &[u8]) {
        let mut found = None;
        let inflate = &mut self.inflate;
        self.lookahead.feed(piece, |window| {
            found = find_list(window, inflate);
            found.is_none()
        });
        self.begin(found);
    }

    fn begin(&mut self, stream: Option<Vec<u8>>) {
        if let Some(stream) = stream {
            self.inflate.reset(true);
            self.state = State::Reading(Vec::new());
            self.read(&stream);
        }
    }

    fn read(&mut self, mut piece: &[u8]) {
        let State::Reading(json) = &mut self.state else {
            return;
        };
        loop {
            let before = (self.inflate.total_in(), self.inflate.total_out());
            json.reserve(4096);
            let status = self.inflate.decompress_vec(piece, json, FlushDecompress::None);
            let consumed = self.inflate.total_in().saturating_sub(before.0);
            let consumed = usize::try_from(consumed).unwrap_or(usize::MAX);
            piece = piece.get(consumed..).unwrap_or_default();
            let is_stuck = (self.inflate.total_in(), self.inflate.total_out()) == before;
            match status {
                Ok(Status::StreamEnd) => {
                    self.state = State::Complete(std::mem::take(json));
                    return;
                }
                _ if json.len() > self.max_bytes => {
                    self.state = State::Broken("it is too long (limit metadata-bytes)");
                    return;
                }
                Ok(Status::Ok | Status::BufError) if is_stuck => return,
                Ok(Status::Ok | Status::BufError) => {}
                Err(_) => {
                    self.state = State::Broken("it is no zlib stream to its end");
                    return;
                }
            }
        }
    }
}

/// Returns what is there of the list that begins in a window, if one does.
fn find_list(window: &Window<'_>, inflate: &mut Decompress) -> Option<Vec<u8>> {
    let searched = window.bytes.get(..window.beginnings).unwrap_or_default();
    memchr::memchr_iter(ZLIB_METHOD, searched)
        .find(|at| {
            let stream = window.bytes.get(*at..).unwrap_or_default();
            may_be_list(stream) && begins_list(stream, inflate)
        })
        .map(|at| window.from(at))
}

/// Inflates the first characters and compares them.
fn begins_list(stream: &[u8], inflate: &mut Decompress) -> bool {
    let mut out = [0; LIST_START.len()];
    inflate.reset(true);
    let input = stream.get(..stream.len().min(LOOKAHEAD_BYTES)).unwrap_or_default();
    let inflated = inflate.decompress(input, &mut out, FlushDecompress::None);
    inflated.is_ok() && out == *LIST_START
}

/// RFC 1950, section 2.2: the header is a multiple of 31 and asks for no dictionary; RFC 1951,
/// section 3.2.3: a block is stored, or has fixed or own codes. With fixed codes the first byte is
/// known: the code of `{`.
fn may_be_list(stream: &[u8]) -> bool {
    let [method, flags, first, second, ..] = stream else {
        return false;
    };
    if !matches!((method, flags), (&ZLIB_METHOD, 0x01 | 0x5e | 0x9c | 0xda)) {
        return false;
    }
    match (first >> 1) & 0b11 {
        0b00 | 0b10 => true,
        // Of the eight bits of the code, most significant first, five are in the first byte.
        0b01 => {
            let code = first >> 3 | second << 5;
            code.reverse_bits() == 0x30 + b'{'
        }
        _ => false,
    }
}

fn broken(reason: &str) -> Fault {
    Fault::new(format!("its list of crates is broken: {reason}"))
}

fn evidence(json: &[u8]) -> Analysis {
    let packages = parse(json)?;
    Ok(if packages.is_empty() { Vec::new() } else { vec![Evidence::Packages(packages)] })
}

/// Returns the crates of the list that are part of the program and come from a registry, and the one
/// that the program is of, wherever it was built.
fn parse(json: &[u8]) -> Result<Vec<Package>, Fault> {
    let info: VersionInfo =
        serde_json::from_slice(json).map_err(|error| broken(&error.to_string()))?;
    let mut packages = Vec::new();
    for item in info.packages {
        let is_runtime = item.kind.as_deref().is_none_or(|kind| kind == "runtime");
        let is_published = matches!(item.source.as_str(), "crates.io" | "registry");
        if !is_runtime || !(is_published || item.root) {
            continue;
        }
        if !is_token(&item.name) || !is_token(&item.version) {
            return Err(Fault::new("its list of crates has a name or version that is none"));
        }
        packages.push(Package::new(Ecosystem::Cargo, item.name, item.version));
    }
    packages.sort_unstable();
    packages.dedup();
    Ok(packages)
}

#[cfg(test)]
mod tests;
