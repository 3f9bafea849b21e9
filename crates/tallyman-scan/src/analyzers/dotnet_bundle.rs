//! .NET applications in a single file: the host's program, behind it the application's files one after
//! the other, its `deps.json` among them and never compressed (.NET's "Single-file bundles" design
//! document, "Bundle Layout").
//!
//! The program is read as a stream: where the files are is told at its end, so the list of packages is
//! recognised by how it begins, and looked for only where the host says that it is a bundle.

use memchr::memmem;
use tallyman_model::limits::Limits;

use crate::analyzers::lookahead::Lookahead;
use crate::analyzers::{
    Analyzer, Candidate, Fault, FileClass, Probe, ProgramPart, Reading, Report, dotnet, executable,
};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "dotnet-bundle",
    version: 2,
    class: FileClass::Executable(ProgramPart::Appendix),
    wants: executable::wants,
    reading: Reading::Streamed(start),
};

/// What the host of a bundle holds: the SHA-256 of `.net core bundle`.
const SIGNATURE: &[u8] = &[
    0x8b, 0x12, 0x02, 0xb9, 0x6a, 0x61, 0x20, 0x38, 0x72, 0x7b, 0x93, 0x02, 0x14, 0xd7, 0xa0, 0x32,
    0x13, 0xf5, 0xb9, 0xe6, 0xef, 0xae, 0x33, 0x18, 0xee, 0x3b, 0x2d, 0xce, 0x24, 0xb3, 0x6a, 0xae,
];

/// The first key of every `deps.json`.
const FIRST_KEY: &[u8] = b"\"runtimeTarget\":";

fn start(_candidate: &Candidate<'_>, limits: &Limits) -> Box<dyn Probe> {
    Box::new(BundleProbe {
        limits: limits.clone(),
        lookahead: Lookahead::new(SIGNATURE.len()),
        state: State::Signature,
    })
}

struct BundleProbe {
    limits: Limits,
    lookahead: Lookahead,
    state: State,
}

enum State {
    Signature,
    FirstKey,
    Reading(Document),
    Complete(Vec<u8>),
    TooLong,
}

impl Probe for BundleProbe {
    fn feed(&mut self, piece: &[u8]) {
        match &mut self.state {
            State::Signature => {
                if let Some(rest) = self.find(piece, SIGNATURE) {
                    self.lookahead = Lookahead::new(FIRST_KEY.len());
                    self.state = State::FirstKey;
                    self.feed(&rest);
                }
            }
            State::FirstKey => {
                if let Some(rest) = self.find(piece, FIRST_KEY) {
                    self.state = State::Reading(Document::new());
                    self.feed(&rest);
                }
            }
            State::Reading(document) => {
                let is_complete = document.read(piece);
                if is_complete {
                    self.state = State::Complete(std::mem::take(&mut document.bytes));
                } else if document.bytes.len() as u64 > self.limits.metadata_bytes {
                    self.state = State::TooLong;
                }
            }
            State::Complete(_) | State::TooLong => {}
        }
    }

    fn finish(mut self: Box<Self>) -> Report {
        // What is searched may end with the file, but no document follows a key that does.
        let state = std::mem::replace(&mut self.state, State::TooLong);
        let broken = |what| Err(Fault::new(format!("its list of .NET packages {what}"))).into();
        match state {
            State::Signature | State::FirstKey => Report::default(),
            State::Reading(_) => broken("is cut off"),
            State::TooLong => broken("is too long (limit metadata-bytes)"),
            State::Complete(content) => dotnet::read(&content, &self.limits).into(),
        }
    }
}

impl BundleProbe {
    /// Returns what follows a needle in a piece, once it was found.
    fn find(&mut self, piece: &[u8], needle: &[u8]) -> Option<Vec<u8>> {
        let mut found = None;
        self.lookahead.feed(piece, |window| {
            let at = memmem::find(window.bytes, needle);
            found = at.map(|at| window.from(at.saturating_add(needle.len())));
            found.is_none()
        });
        found
    }
}

/// A JSON object from behind its first key to its end.
struct Document {
    bytes: Vec<u8>,
    /// The brackets that are open.
    depth: usize,
    is_in_string: bool,
    is_escaped: bool,
}

impl Document {
    fn new() -> Self {
        let mut bytes = b"{".to_vec();
        bytes.extend_from_slice(FIRST_KEY);
        Document { bytes, depth: 1, is_in_string: false, is_escaped: false }
    }

    /// Takes what belongs to the object and tells whether that was its end.
    fn read(&mut self, piece: &[u8]) -> bool {
        let end = piece.iter().position(|byte| {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' if self.is_in_string => self.is_escaped = true,
                b'"' => self.is_in_string = !self.is_in_string,
                b'{' | b'[' if !self.is_in_string => self.depth = self.depth.saturating_add(1),
                b'}' | b']' if !self.is_in_string => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            self.depth == 0
        });
        let length = end.map_or(piece.len(), |end| end.saturating_add(1));
        self.bytes.extend_from_slice(piece.get(..length).unwrap_or_default());
        end.is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, prop_assert_eq, proptest};
    use tallyman_model::limits::Limits;

    use super::{ANALYZER, SIGNATURE};
    use crate::analyzers::Report;
    use crate::analyzers::lock::tests::named;
    use crate::testing::read_in_pieces;

    const DEPENDENCIES: &str = r#"{
  "runtimeTarget": {
    "name": "x",
    "signature": ""
  },
  "libraries": {
    "Shop/1.0.0": {"type": "project", "path": "a}\"{"},
    "Serilog/2.12.0": {"type": "package"}
  }
}"#;

    fn bundle(parts: &[&[u8]]) -> Vec<u8> {
        let mut program = b"\x7fELF".to_vec();
        program.resize(100, 0);
        program.extend(parts.concat());
        program
    }

    fn read(program: &[u8], limits: &Limits, size: usize) -> (Vec<String>, Vec<String>) {
        let Report { evidence, faults } = read_in_pieces(&ANALYZER, program, limits, size);
        let faults = faults.into_iter().map(|fault| fault.reason).collect();
        (named(Ok(evidence)).expect("packages"), faults)
    }

    fn whole() -> Vec<u8> {
        bundle(&[SIGNATURE, &[0; 200], b"MZ dll", DEPENDENCIES.as_bytes(), b"\0 more {"])
    }

    #[test]
    fn the_packages_of_a_bundle_are_found_however_it_is_cut() {
        let program = whole();
        for size in (1..80).chain([program.len()]) {
            let expected = (vec!["Serilog 2.12.0".to_owned()], Vec::new());
            assert_eq!(read(&program, &Limits::default(), size), expected, "{size}");
        }
    }

    #[test]
    fn a_program_that_is_no_bundle_has_none() {
        let nothing = (Vec::new(), Vec::new());
        for program in [
            bundle(&[DEPENDENCIES.as_bytes()]),
            bundle(&[SIGNATURE, &[0; 200]]),
            bundle(&[DEPENDENCIES.as_bytes(), SIGNATURE]),
            bundle(&[SIGNATURE, b"runtimeTarget"]),
        ] {
            assert_eq!(read(&program, &Limits::default(), 64), nothing);
        }
    }

    #[test]
    fn a_list_that_is_cut_off_or_too_long_is_a_fault() {
        let cut = bundle(&[SIGNATURE, &DEPENDENCIES.as_bytes()[..100]]);
        let fault = "its list of .NET packages is cut off".to_owned();
        assert_eq!(read(&cut, &Limits::default(), 64), (Vec::new(), vec![fault]));
        let limits = Limits { metadata_bytes: 64, ..Limits::default() };
        let fault = "its list of .NET packages is too long (limit metadata-bytes)".to_owned();
        assert_eq!(read(&whole(), &limits, 16), (Vec::new(), vec![fault]));
    }

    proptest! {
        #[test]
        fn the_answer_does_not_depend_on_the_pieces(
            noise in prop::collection::vec(any::<u8>(), 0..100),
            at in 0..500_usize,
            size in 1..200_usize,
        ) {
            let mut program = whole();
            let at = at.min(program.len());
            program.splice(at..at, noise);
            let all = read(&program, &Limits::default(), program.len());
            prop_assert_eq!(read(&program, &Limits::default(), size), all);
        }
    }
}
