//! The targets: each shows bytes to one parser and checks what must hold whatever they are.
//!
//! A parser that panics, that takes too long or too much memory has failed; so has one that breaks
//! a promise that is written down here. The same functions read the corpus again as an ordinary
//! test (`crates/tallyman-engine/tests/it/corpus.rs`).

mod archives;
mod images;
pub mod seeds;
mod texts;

use tallyman_model::limits::Limits;
use tallyman_scan::analyzers;

/// Where the path of an analyzer's file ends and its content begins.
const PATH_END: u8 = b'\n';

/// Shows bytes to one parser.
type Show = dyn Fn(&[u8]) + Send + Sync;

/// One target.
pub struct Target {
    /// Its name, which its corpus bears as well.
    pub name: String,
    show: Box<Show>,
}

impl Target {
    fn new(name: &str, show: impl Fn(&[u8]) + Send + Sync + 'static) -> Self {
        Target { name: name.to_owned(), show: Box::new(show) }
    }

    /// Shows bytes to the parser.
    pub fn show(&self, bytes: &[u8]) {
        (self.show)(bytes);
    }
}

/// Returns all targets: those listed here, and one for each analyzer.
pub fn all() -> Vec<Target> {
    let mut targets = vec![
        Target::new("layer", images::layer),
        Target::new("tar", images::tar),
        Target::new("squash", images::squash_layers),
        Target::new("toc-estargz", images::toc_estargz),
        Target::new("toc-zstd-chunked", images::toc_zstd_chunked),
        Target::new("image-archive", archives::image_archive),
        Target::new("containerd-database", archives::containerd_database),
        Target::new("tar-split", archives::tar_split),
        Target::new("feed", archives::feed),
        Target::new("feed-tar", archives::feed_tar),
        Target::new("feed-csaf", archives::csaf),
        Target::new("feed-oval", archives::oval),
        Target::new("feed-updateinfo", archives::updateinfo),
        Target::new("feed-kev", archives::kev),
        Target::new("feed-epss", archives::epss),
        Target::new("feed-cve", archives::cve),
        Target::new("exported-feeds", archives::exported_feeds),
        Target::new("carried-bundle", archives::carried_bundle),
        Target::new("reference", texts::reference),
        Target::new("document", texts::document),
        Target::new("registry-answer", texts::registry_answer),
        Target::new("credentials", texts::credentials),
        Target::new("package-url", texts::package_url),
        Target::new("version", texts::version),
        Target::new("sbom", texts::sbom),
        Target::new("attestation", texts::attestation),
        Target::new("vex", texts::vex_document),
        Target::new("ignore-file", texts::rules),
    ];
    targets
        .extend(analyzers::list().map(|(id, _)| {
            Target::new(&format!("analyzer-{id}"), move |bytes| analyze(id, bytes))
        }));
    targets
}

/// Shows a file, whose path is the first line, to one analyzer: as a whole and in pieces.
fn analyze(id: &str, bytes: &[u8]) {
    let at = bytes.iter().position(|byte| *byte == PATH_END).unwrap_or(0);
    let path = String::from_utf8_lossy(bytes.get(..at).unwrap_or_default());
    let content = bytes.get(at.saturating_add(1)..).unwrap_or_default();
    let limits = Limits::default();
    let whole = analyzers::analyze_content(id, &path, content, &limits);
    // A file in a layer comes in pieces of no particular size.
    for size in [1 + content.len() / 3, 7] {
        let pieces = analyzers::analyze_pieces(id, &path, content, size, &limits);
        assert_eq!(whole, pieces, "{id} finds something else in pieces of {size} bytes");
    }
}
