//! What the tests share: small images, and reading layers off the runtime.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use tallyman_model::platform::Platform;

use crate::layout_writer::tar_writer::{EntryMeta, TarWriter};
use crate::layout_writer::{LayerPacking, LayoutWriter, NewImage};
use crate::open::OpenImage;

/// Makes a tar of files.
pub(crate) fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = TarWriter::new(Vec::new());
    for &(path, mut bytes) in files {
        let size = u64::try_from(bytes.len()).expect("small");
        let meta = EntryMeta { path, mode: 0o644, modified_seconds: 0 };
        tar.file(meta, size, &mut bytes).expect("memory takes it");
    }
    tar.finish().expect("memory takes it")
}

/// The tars of the layers of [`write_layout`].
pub(crate) fn layer_tars() -> [Vec<u8>; 2] {
    [tar_of(&[("etc/os-release", b"ID=test\n")]), tar_of(&[("app/file", &[7; 5000])])]
}

/// Writes a layout with one image for this machine: one plain layer, one packed by gzip.
pub(crate) fn write_layout(root: &Path, reference: &str) {
    let mut writer = LayoutWriter::create(root).expect("a layout");
    let packings = [LayerPacking::Plain, LayerPacking::Gzip];
    let layers: Vec<_> = layer_tars()
        .iter()
        .zip(packings)
        .map(|(tar, packing)| writer.write_layer(packing, |to| to.write_all(tar)).expect("layer"))
        .collect();
    let platform = Platform::host();
    let image = NewImage { reference, platform: &platform, created_ms: 1000, layers: &layers };
    writer.write_image(&image).expect("an image");
}

/// Packs a directory as the archive formats do.
pub(crate) fn tar_of_directory(root: &Path) -> Vec<u8> {
    fn walk(root: &Path, at: &Path, tar: &mut TarWriter<Vec<u8>>) {
        for entry in std::fs::read_dir(at).expect("a directory") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(root).expect("inside").to_str().expect("UTF-8");
            let meta = EntryMeta { path: name, mode: 0o755, modified_seconds: 0 };
            if path.is_dir() {
                tar.directory(meta).expect("memory takes it");
                walk(root, &path, tar);
            } else {
                let bytes = std::fs::read(&path).expect("a file");
                let size = u64::try_from(bytes.len()).expect("small");
                tar.file(meta, size, &mut bytes.as_slice()).expect("memory takes it");
            }
        }
    }
    let mut tar = TarWriter::new(Vec::new());
    walk(root, root, &mut tar);
    tar.finish().expect("memory takes it")
}

/// Reads a layer on a thread of its own, as the scanner does.
pub(crate) async fn read_layer(image: &OpenImage, index: usize) -> io::Result<Vec<u8>> {
    let reader = image.open_layer(index).await.map_err(io::Error::other)?;
    off_the_runtime(reader, |mut reader| {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map(|_| bytes)
    })
    .await
}

/// Does blocking work with a reader.
pub(crate) async fn off_the_runtime<T: Send + 'static>(
    reader: Box<dyn Read + Send>,
    work: impl FnOnce(Box<dyn Read + Send>) -> T + Send + 'static,
) -> T {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || sender.send(work(reader)).map_err(|_| ()));
    receiver.await.expect("the thread answers")
}

/// Tells whether a program is installed; says so in the test's output where it is not.
pub(crate) fn has_program(name: &str) -> bool {
    let found = Command::new(name)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !found {
        let text = format!("{name} is not installed; this part of the test is left out\n");
        io::Write::write_all(&mut io::stderr(), text.as_bytes()).expect("stderr");
    }
    found
}
