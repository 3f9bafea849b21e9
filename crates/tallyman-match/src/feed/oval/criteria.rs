//! The criteria of a definition: which packages of which releases they name.

use tallyman_model::advisory::FixState;

use super::tables::{Tables, architectures};
use crate::feed::DocumentError;
use crate::feed::statement::Standing;
use crate::feed::xml::{Element, Xml};

/// A criterion, or several joined by a word.
#[derive(Debug)]
pub(super) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    One {
        test: String,
        /// Kept where it may say more than the test.
        comment: String,
    },
}

/// A package that criteria name.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) name: &'a str,
    pub(super) standing: Standing,
    /// The names of the releases that the criteria are about.
    pub(super) platforms: Vec<&'a str>,
    pub(super) architectures: Vec<String>,
    pub(super) module: Option<&'a str>,
}

/// What must be so for a package to matter.
#[derive(Clone, Debug, Default)]
struct Conditions<'a> {
    platforms: Vec<&'a str>,
    architectures: Vec<String>,
    module: Option<&'a str>,
}

const INSTALLED: &str = " is installed";
const ENABLED: &str = " is enabled";
const NOT_AFFECTED: &str = " is not affected";
const AFFECTED: &str = " is affected";
const ARCHITECTURE: &str = " arch is ";

impl Node {
    /// Reads criteria whose beginning has been read.
    pub(super) fn read(
        xml: &mut Xml<'_>,
        element: &Element,
        left: &mut usize,
    ) -> Result<Self, DocumentError> {
        let mut nodes = Vec::new();
        while let Some(child) = xml.child()? {
            *left =
                left.checked_sub(1).ok_or(DocumentError::Content("it has too many criteria"))?;
            let is_negated = child.attribute("negate") == "true";
            match child.name.as_str() {
                "criteria" if !is_negated => nodes.push(Node::read(xml, &child, left)?),
                "criterion" if !is_negated => {
                    let comment = child.attribute("comment");
                    let words = [INSTALLED, ENABLED, NOT_AFFECTED, AFFECTED, ARCHITECTURE];
                    let is_kept = words.iter().any(|word| comment.contains(word));
                    nodes.push(Node::One {
                        test: child.attribute("test_ref").to_owned(),
                        comment: if is_kept { comment.to_owned() } else { String::new() },
                    });
                    xml.skip()?;
                }
                _ => xml.skip()?,
            }
        }
        match element.attribute("operator") {
            "OR" => Ok(Node::Any(nodes)),
            _ => Ok(Node::All(nodes)),
        }
    }

    /// Collects the packages, one more than the limit at most; `None` for a criterion whose test is
    /// not there.
    pub(super) fn collect<'a>(
        &'a self,
        tables: &'a Tables,
        limit: usize,
        found: &mut Vec<Option<Found<'a>>>,
    ) {
        self.visit(tables, &Conditions::default(), limit, found);
    }

    fn visit<'a>(
        &'a self,
        tables: &'a Tables,
        conditions: &Conditions<'a>,
        limit: usize,
        found: &mut Vec<Option<Found<'a>>>,
    ) {
        if found.len() > limit {
            return;
        }
        match self {
            Node::All(nodes) => {
                let mut conditions = conditions.clone();
                for node in nodes {
                    node.narrow(tables, &mut conditions);
                }
                nodes.iter().for_each(|node| node.visit(tables, &conditions, limit, found));
            }
            Node::Any(nodes) => {
                nodes.iter().for_each(|node| node.visit(tables, conditions, limit, found));
            }
            Node::One { test, comment } => {
                if let Some((name, standing, architectures)) = package(tables, test, comment) {
                    let narrower = !architectures.is_empty();
                    found.push(Some(Found {
                        name,
                        standing,
                        platforms: conditions.platforms.clone(),
                        architectures: match narrower {
                            true => architectures.to_vec(),
                            false => conditions.architectures.clone(),
                        },
                        module: conditions.module,
                    }));
                } else if comment.is_empty() && tables.find(test).is_none() {
                    found.push(None);
                }
            }
        }
    }

    /// Adds what this node demands, if it is no package.
    fn narrow<'a>(&'a self, tables: &Tables, conditions: &mut Conditions<'a>) {
        match self {
            Node::One { test, comment } => {
                if let Some((_, words)) = comment.split_once(ARCHITECTURE) {
                    conditions.architectures = architectures(words);
                } else if let Some(module) = comment.strip_suffix(ENABLED) {
                    let module = module.strip_prefix("Module ").filter(|name| name.contains(':'));
                    conditions.module = module.or(conditions.module);
                } else if let Some(platform) = self.platform(tables, test, comment) {
                    conditions.platforms = vec![platform];
                }
            }
            Node::Any(nodes) => {
                let platforms = nodes.iter().map(|node| match node {
                    Node::One { test, comment } => node.platform(tables, test, comment),
                    Node::All(_) | Node::Any(_) => None,
                });
                if let Some(platforms) = platforms.collect::<Option<Vec<&str>>>()
                    && !platforms.is_empty()
                {
                    conditions.platforms = platforms;
                }
            }
            Node::All(_) => {}
        }
    }

    fn platform<'a>(&self, tables: &Tables, test: &str, comment: &'a str) -> Option<&'a str> {
        let name = comment.strip_suffix(INSTALLED)?;
        // SUSE says of packages that they are installed, too.
        package(tables, test, comment).is_none().then_some(name)
    }
}

/// Tells what a criterion says of a package, if it is about one.
fn package<'a>(
    tables: &'a Tables,
    test: &str,
    comment: &'a str,
) -> Option<(&'a str, Standing, &'a [String])> {
    if let Some(name) = comment.strip_suffix(NOT_AFFECTED) {
        return Some((name, Standing::NotAffected, &[]));
    }
    if let Some(name) = comment.strip_suffix(AFFECTED) {
        return Some((name, Standing::Unfixed(FixState::Open), &[]));
    }
    let (name, state) = tables.find(test)?;
    let (operation, version) = state.evr.as_ref()?;
    let standing = match operation.as_str() {
        "less than" => Standing::FixedIn(version.clone()),
        "less than or equal" => Standing::LastAffected(version.clone()),
        _ => return None,
    };
    Some((name, standing, &state.architectures))
}
