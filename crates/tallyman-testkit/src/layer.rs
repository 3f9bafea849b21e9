//! Layers made of a few files.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tallyman_model::digest::Digest;

/// Collects files into a tar.
pub struct Layer {
    tar: tar::Builder<Vec<u8>>,
}

impl Default for Layer {
    fn default() -> Self {
        Layer { tar: tar::Builder::new(Vec::new()) }
    }
}

impl Layer {
    /// Adds a regular file.
    #[must_use]
    pub fn file(mut self, path: &str, content: &[u8]) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len().try_into().unwrap());
        header.set_mode(0o644);
        self.tar.append_data(&mut header, path, content).unwrap();
        self
    }

    /// Adds a dpkg database and an os-release of Debian 12; each package is its own source.
    #[must_use]
    pub fn debian(self, packages: &[(&str, &str)]) -> Self {
        let paragraph = |(name, version): &(&str, &str)| {
            format!(
                "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\n\
                 Version: {version}\n\n"
            )
        };
        let status: String = packages.iter().map(paragraph).collect();
        self.file("etc/os-release", b"ID=debian\nVERSION_ID=12\n")
            .file("var/lib/dpkg/status", status.as_bytes())
    }

    /// Adds the metadata of a Python distribution.
    #[must_use]
    pub fn python(self, name: &str, version: &str) -> Self {
        let path = format!("usr/lib/python3/dist-packages/{name}-{version}.dist-info/METADATA");
        let text = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\n");
        self.file(&path, text.as_bytes())
    }

    /// Returns the tar, compressed with gzip.
    pub fn gzip(self) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&self.tar.into_inner().unwrap()).unwrap();
        encoder.finish().unwrap()
    }
}

/// Returns the SHA-256 of some bytes.
pub fn digest(bytes: &[u8]) -> Digest {
    let hash = ring::digest::digest(&ring::digest::SHA256, bytes);
    Digest::from_sha256(hash.as_ref().try_into().unwrap())
}
