//! The bytes of a bill of materials that lies in a file. What they say is read elsewhere.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use tallyman_model::limits::Limits;

use crate::background;
use crate::error::SourceError;

/// Reads a file up to the limit for bills of materials. A pipe is read as well: the operator named
/// it, and another scanner may be at its other end.
///
/// # Errors
///
/// [`SourceError::LimitExceeded`], or that the file cannot be read.
pub async fn read_file(path: PathBuf, limits: &Limits) -> Result<Vec<u8>, SourceError> {
    let maximum = limits.sbom_bytes;
    let subject = path.display().to_string();
    background::run(&subject, move || read(&path, maximum)).await
}

fn read(path: &Path, maximum: u64) -> Result<Vec<u8>, SourceError> {
    let failed = |error| SourceError::io(path, error);
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(maximum.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > maximum {
        let subject = path.display().to_string();
        return Err(SourceError::LimitExceeded { subject, limit: "sbom-bytes", maximum });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use tallyman_model::limits::Limits;

    use super::read_file;
    use crate::error::SourceError;

    #[tokio::test]
    async fn a_file_is_read_up_to_the_limit() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let path = directory.path().join("sbom.json");
        std::fs::write(&path, b"0123456789").expect("written");
        let limits = |sbom_bytes| Limits { sbom_bytes, ..Limits::default() };
        assert_eq!(read_file(path.clone(), &limits(10)).await.expect("read"), b"0123456789");
        let error = read_file(path, &limits(9)).await.expect_err("over the limit");
        assert!(matches!(error, SourceError::LimitExceeded { maximum: 9, .. }), "{error}");
        let endless = read_file("/dev/zero".into(), &limits(1 << 16)).await.expect_err("endless");
        assert!(matches!(endless, SourceError::LimitExceeded { .. }), "{endless}");
        let missing = directory.path().join("missing.json");
        let error = read_file(missing, &limits(9)).await.expect_err("missing");
        assert!(matches!(error, SourceError::NotFound { .. }), "{error}");
    }
}
