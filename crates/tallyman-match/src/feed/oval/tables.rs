//! What definitions refer to: tests of RPMs, each with an object and a state.

use std::collections::HashMap;

use crate::feed::DocumentError;
use crate::feed::nevra::is_architecture;
use crate::feed::xml::Xml;

/// Tests, objects and states by their ids.
pub(super) struct Tables {
    tests: HashMap<String, (String, String)>,
    objects: HashMap<String, String>,
    states: HashMap<String, State>,
    left: u64,
}

/// What a state demands of an RPM.
#[derive(Debug, Default)]
pub(super) struct State {
    /// An operation on the version and what it compares with.
    pub(super) evr: Option<(String, String)>,
    pub(super) architectures: Vec<String>,
}

impl Tables {
    /// Makes tables of at most so many entries.
    pub(super) fn new(limit: u64) -> Self {
        Tables {
            tests: HashMap::new(),
            objects: HashMap::new(),
            states: HashMap::new(),
            left: limit,
        }
    }

    /// Returns the package that a test is about, and its state.
    pub(super) fn find(&self, test: &str) -> Option<(&str, &State)> {
        let (object, state) = self.tests.get(test)?;
        Some((self.objects.get(object)?, self.states.get(state)?))
    }

    fn take(&mut self) -> Result<(), DocumentError> {
        self.left = self
            .left
            .checked_sub(1)
            .ok_or(DocumentError::Content("it has too many tests, objects and states"))?;
        Ok(())
    }

    pub(super) fn read_tests(&mut self, xml: &mut Xml<'_>) -> Result<(), DocumentError> {
        while let Some(element) = xml.child()? {
            if element.name != "rpminfo_test" {
                xml.skip()?;
                continue;
            }
            self.take()?;
            let (mut object, mut state) = (String::new(), String::new());
            while let Some(child) = xml.child()? {
                match child.name.as_str() {
                    "object" => child.attribute("object_ref").clone_into(&mut object),
                    "state" => child.attribute("state_ref").clone_into(&mut state),
                    _ => {}
                }
                xml.skip()?;
            }
            self.tests.insert(element.attribute("id").to_owned(), (object, state));
        }
        Ok(())
    }

    pub(super) fn read_objects(&mut self, xml: &mut Xml<'_>) -> Result<(), DocumentError> {
        while let Some(element) = xml.child()? {
            self.take()?;
            let mut name = String::new();
            while let Some(child) = xml.child()? {
                match child.name.as_str() {
                    "name" => name = xml.text()?,
                    _ => xml.skip()?,
                }
            }
            if element.name == "rpminfo_object" && !name.is_empty() {
                self.objects.insert(element.attribute("id").to_owned(), name);
            }
        }
        Ok(())
    }

    pub(super) fn read_states(&mut self, xml: &mut Xml<'_>) -> Result<(), DocumentError> {
        while let Some(element) = xml.child()? {
            self.take()?;
            let mut state = State::default();
            while let Some(child) = xml.child()? {
                match child.name.as_str() {
                    "evr" => {
                        state.evr = Some((child.attribute("operation").to_owned(), xml.text()?))
                    }
                    "arch" => state.architectures = architectures(&xml.text()?),
                    _ => xml.skip()?,
                }
            }
            if element.name == "rpminfo_state" {
                self.states.insert(element.attribute("id").to_owned(), state);
            }
        }
        Ok(())
    }
}

/// Reads a pattern such as `(aarch64|x86_64)`.
pub(super) fn architectures(pattern: &str) -> Vec<String> {
    let words = pattern.split(['(', ')', '|', '^', '$', ' ', ',']);
    let words = words.filter(|word| is_architecture(word));
    // Oracle's `i386` are all 32-bit packages.
    words
        .flat_map(|word| match word {
            "i386" => vec!["i386", "i486", "i586", "i686"],
            word => vec![word],
        })
        .map(str::to_owned)
        .collect()
}
