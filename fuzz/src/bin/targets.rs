//! Prints the names of the targets, or writes the seeds of one:
//!
//! ```text
//! targets
//! targets TARGET DIRECTORY
//! ```

use std::path::Path;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [target, directory] = arguments.as_slice() {
        for (number, seed) in tallyman_fuzz::seeds::of(target).into_iter().enumerate() {
            std::fs::write(Path::new(directory).join(format!("seed-{number}")), seed)?;
        }
        return Ok(());
    }
    tallyman_fuzz::all().iter().for_each(|target| println!("{}", target.name));
    Ok(())
}
